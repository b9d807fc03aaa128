/** Changes of the release of a cluster that runs, under a client and with workloads that have disruption budgets. */
import assert from "node:assert/strict";
import { CheckContext } from "../../../lab/cluster/context.js";
import type { LabConfig } from "../../../lab/config.js";
import { writeKubeconfig } from "../../../lab/engine/outputs.js";
import { runEngine } from "../../../lab/engine/run.js";
import { pulumi } from "../../../lab/engine/stack.js";
import type { Progress } from "../../../lab/progress.js";
import { Writer } from "../faults/writer.js";
import { runKilledAt } from "./killed.js";
import { Turns } from "./turns.js";
import { Workloads } from "./workloads.js";

const up = ["up", "--yes", "--skip-preview"];

/** What a change of the release did. */
export interface Watched {
  readonly seconds: number;
  readonly turns: Turns;
  /** Longest time without a successful write, in milliseconds. */
  readonly pause: number;
  /** Fewest available pods of the workloads. */
  readonly least: Readonly<Record<string, number>>;
}

export class Upgrades {
  constructor(
    private readonly config: LabConfig,
    private readonly stack: string,
    private readonly progress: Progress,
  ) {}

  /** @param settings By name or path; empty: unset. */
  async set(settings: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, value] of Object.entries(settings))
      await this.#config([
        ...(value === "" ? ["rm", `corekube:${name}`] : ["set", `corekube:${name}`, value]),
        ...(/[.[]/.test(name) ? ["--path"] : []),
      ]);
  }

  /** Runs `up`. @throws Error when it fails. */
  async up(onEvent?: Turns["event"]): Promise<void> {
    const run = await runEngine(this.config, this.stack, up, this.progress, onEvent);
    assert.equal(run.code, 0, run.failure);
  }

  /** Runs `up`, which must fail. @returns what it says. */
  async fails(): Promise<string> {
    const run = await runEngine(this.config, this.stack, up, this.progress);
    assert.notEqual(run.code, 0, "it did not fail");
    return run.failure;
  }

  /** Runs `work` under a client and with workloads. @throws Error when an acknowledged write is lost. */
  async watched(work: (onEvent: Turns["event"]) => Promise<void>): Promise<Watched> {
    const { kubeconfig } = await writeKubeconfig(this.config, this.stack);
    const writer = new Writer({ kubeconfig, rate: 10 });
    const workloads = new Workloads(await this.context());
    await workloads.start();
    await writer.start();
    const began = Date.now();
    const turns = new Turns();
    try {
      await work(turns.event);
    } finally {
      await writer.stop();
      process.stdout.write(`${turns.text().replace(/^/gm, "      ")}\n`);
    }
    const seconds = (Date.now() - began) / 1000;
    const least = await workloads.stop();
    const verdict = await writer.verify();
    const { write } = writer.figures(began);
    process.stdout.write(
      `      ${seconds.toFixed(0)} s; ${verdict.acknowledged} writes, ${write.failed} failed, longest pause ${write.longest.length} ms; ` +
        `least pods: ${JSON.stringify(least)}\n`,
    );
    assert.deepEqual([verdict.lost, verdict.stale], [[], []]);
    await writer.remove();
    return { seconds, turns, pause: write.longest.length, least };
  }

  /** Runs `up` and kills it: see `runKilledAt`. */
  killed(at: RegExp | number): Promise<void> {
    return runKilledAt(at, this.config, this.stack, up, this.progress);
  }

  /** No run would change anything, and no node is left cordoned. */
  async settled(): Promise<void> {
    await pulumi(this.config, ["preview", "--expect-no-changes", "--stack", this.stack], { stack: this.stack });
    const context = await this.context();
    assert.equal(await context.kubectlValue("{.items[?(@.spec.unschedulable)].metadata.name}", "nodes"), "");
  }

  /** Versions as the programs themselves report them. */
  async versions(): Promise<{
    readonly kubelets: string;
    readonly proxies: string;
    readonly api: string;
    readonly emulated: string;
    readonly etcd: string;
  }> {
    const context = await this.context();
    const distinct = (text: string): string =>
      [...new Set(text.split(/\s+/).filter((word) => word !== ""))].sort().join(" ");
    const { serverVersion } = await context.kubectlJson<{
      serverVersion: { gitVersion: string; emulationMajor?: string; emulationMinor?: string };
    }>(["version"]);
    const members = context.machines().filter(({ role }) => role === "etcd");
    const etcd = await Promise.all(
      members.map((machine) => context.inMachine(machine, "/opt/bin/etcd --version | sed -n 's/^etcd Version: //p'")),
    );
    const proxies = await context.kubectlValue(
      "{.items[*].spec.containers[0].image}",
      ...["pods", "-n", "kube-system", "-l", "k8s-app=kube-proxy"],
    );
    return {
      kubelets: distinct(await context.kubectlValue("{.items[*].status.nodeInfo.kubeletVersion}", "nodes")),
      proxies: distinct(proxies.replace(/\S*:(v[0-9.]+)\S*/g, "$1")),
      api: serverVersion.gitVersion,
      emulated: `${serverVersion.emulationMajor}.${serverVersion.emulationMinor}`,
      etcd: distinct(etcd.join(" ")),
    };
  }

  async context(): Promise<CheckContext> {
    return new CheckContext(this.config, this.stack, await writeKubeconfig(this.config, this.stack), this.progress);
  }

  #config(args: readonly string[]): Promise<string> {
    return pulumi(this.config, ["config", ...args, "--stack", this.stack], { stack: this.stack });
  }
}

/** One fault after another under a client, and what each of them cost. */
import { CheckContext } from "../../../lab/cluster/context.js";
import { mustRun } from "../../../lab/engine/run.js";
import { writeKubeconfig, type Machine } from "../../../lab/engine/outputs.js";
import { setTimeout as sleep } from "node:timers/promises";
import type { LabConfig } from "../../../lab/config.js";
import type { Progress } from "../../../lab/progress.js";
import { crash, deleteMachine, favouriteController, killProcess, powerOff, powerOn } from "./faults.js";
import { figuresLine, seconds, type Figures } from "./figures.js";
import { keysOnMembers, leader, untilWhole } from "./recovery.js";
import type { Writer } from "./writer.js";

export interface Outcome {
  /** What was broken. */
  readonly fault: string;
  readonly figures: Figures;
  /** Milliseconds from the fault until everything was healthy again. */
  readonly whole: number;
  /** What brought it back. */
  readonly by: "by itself" | "power on" | "one pulumi up";
}

/** Seconds that a machine stays without power: longer than health checks, keep-alives and elections need. */
const darkness = 35;

/** Seconds until the cluster must be healthy again. */
const wholeLimit = 240;

/** A highly available cluster, a client that never stops, and the faults. */
export class Scenarios {
  private current: CheckContext | undefined;

  constructor(
    private readonly config: LabConfig,
    private readonly stack: string,
    private readonly writer: Writer,
    private readonly progress: Progress,
  ) {}

  /** With the machines that the stack has now. */
  async context(): Promise<CheckContext> {
    this.current ??= new CheckContext(
      this.config,
      this.stack,
      await writeKubeconfig(this.config, this.stack),
      this.progress,
    );
    return this.current;
  }

  /** An etcd member's process is killed; systemd starts it again. */
  killMember(which: "follower" | "leader"): Promise<Outcome> {
    return this.run(`etcd process, ${which}`, "by itself", async (context) => {
      const target = await this.member(context, which);
      return {
        machine: target,
        act: async () => {
          await killProcess(context, target, "etcd.service");
        },
      };
    });
  }

  /** The machine of an etcd member loses its power for a while. */
  darkenMember(which: "follower" | "leader"): Promise<Outcome> {
    return this.darken(`etcd machine, ${which}, off for ${darkness} s`, (context) => this.member(context, which));
  }

  /** A controller without most of the load balancer's connections loses power for a while. */
  darkenController(): Promise<Outcome> {
    return this.darken(`controller machine, off for ${darkness} s`, async (context) => {
      const favourite = await favouriteController(context);
      return must(
        context.machines("controller").find((machine) => machine.name !== favourite.name),
        "a second controller",
      );
    });
  }

  /** The controller with most of the client's connections loses power for a while. */
  darkenFavourite(): Promise<Outcome> {
    return this.darken(`the controller with most connections, off for ${darkness} s`, favouriteController);
  }

  /** A machine crashes and is powered on again. */
  crashController(): Promise<Outcome> {
    return this.run("controller machine crashes, powered on again", "power on", async (context) => {
      const machine = must(context.machines("controller")[0], "a controller");
      return {
        machine,
        act: async () => {
          await crash(context, machine);
          await powerOn(context, machine);
        },
      };
    });
  }

  /** A machine is deleted in the cloud without the engine; one `pulumi up --refresh` recreates it. */
  lose(role: "controller" | "etcd"): Promise<Outcome> {
    return this.run(`${role} machine deleted`, "one pulumi up", async (context) => {
      const machine = must(context.machines(role).at(-1), `a machine of role ${role}`);
      return {
        machine,
        act: async () => {
          await deleteMachine(context, machine);
          await sleep(15_000);
          await this.up();
        },
      };
    });
  }

  /** One `pulumi up --refresh`. @throws Error with the engine's errors. */
  async up(): Promise<void> {
    await mustRun(this.config, this.stack, ["up", "--refresh", "--yes", "--skip-preview"], this.progress);
    this.current = undefined;
  }

  /** Number of the client's objects in each etcd member's own data. */
  async written(): Promise<Readonly<Record<string, number>>> {
    return keysOnMembers(await this.context(), `/registry/configmaps/${this.writer.namespace}/write-`);
  }

  private darken(fault: string, find: (context: CheckContext) => Promise<Machine>): Promise<Outcome> {
    return this.run(fault, "power on", async (context) => {
      const machine = await find(context);
      return {
        machine,
        act: async () => {
          await powerOff(context, machine);
          await sleep(darkness * 1000);
          await powerOn(context, machine);
        },
      };
    });
  }

  private async member(context: CheckContext, which: "follower" | "leader"): Promise<Machine> {
    const leading = await leader(context);
    return which === "leader"
      ? leading
      : must(
          context.machines("etcd").find((machine) => machine.name !== leading.name),
          "a second etcd machine",
        );
  }

  private async run(
    fault: string,
    by: Outcome["by"],
    prepare: (context: CheckContext) => Promise<{ readonly machine: Machine; readonly act: () => Promise<void> }>,
  ): Promise<Outcome> {
    const context = await this.context();
    await untilWhole(context, wholeLimit);
    const { machine, act } = await prepare(context);
    this.progress.report(`${fault}: ${machine.name}`);
    const began = Date.now();
    await act();
    await untilWhole(await this.context(), wholeLimit);
    const whole = Date.now() - began;
    // Late effects count, too.
    await sleep(5_000);
    return { fault: `${fault} (${machine.name})`, figures: this.writer.figures(began, Date.now()), whole, by };
  }
}

/** One line of a report. */
export const outcomeLine = ({ fault, figures, whole, by }: Outcome): string =>
  `${fault}: ${figuresLine(figures)}; healthy again (${by}) after ${seconds(whole)}`;

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the cluster has no ${what}`);
  return value;
}

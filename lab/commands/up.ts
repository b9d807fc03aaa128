/** `make up`: from nothing, or from wherever an earlier run stopped, to a checked cluster. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runChecks, type CheckResult } from "../checks/index.js";
import type { LabConfig } from "../config.js";
import { cloudOf } from "../clouds/index.js";
import { startDaemon, stopDaemon } from "../daemon-control.js";
import { setRegionCloud } from "../kind.js";
import { ensureBase } from "../region/base.js";
import { machineChecks } from "../region/preflight.js";
import { ensureProxy, proxyMode, proxyUrl, setProxyMode, wantedProxyMode } from "../region/proxy.js";
import { createRegion } from "../region/region.js";
import { ensureMirror } from "../mirror/index.js";
import { firstChecks, hostChecks, preflight } from "../preflight.js";
import type { Progress } from "../progress.js";
import { ensurePackages, ensureTools, proxyPackages } from "../toolchain/index.js";
import { diagnostics, engineLog, runEngine } from "./deploy.js";
import { raiseLimits } from "./limits.js";
import { usedMemory } from "./memory.js";
import { readOutputs, type ClusterOutputs } from "./outputs.js";
import { runPhases, type Phase, type Timing, type Together } from "./phases.js";
import { clearInterrupted } from "./recover.js";
import { exclusively } from "./run-lock.js";
import { checkStack, stackCloud, writeSettings } from "./settings.js";
import { clearLocks, ensureStack, kubeconfigFile } from "./stack.js";
import { nodeTable } from "./status.js";
import { table } from "./table.js";

/** A run whose cluster stands, but does not do what it should. */
export class ChecksFailed extends Error {
  constructor(readonly results: readonly CheckResult[]) {
    const failed = results.filter((result) => result.failure !== undefined);
    super(
      `${failed.length} of ${results.length} checks failed:\n${failed.map((result) => `- ${result.name}\n    ${result.failure ?? ""}`).join("\n")}`,
    );
    this.name = "ChecksFailed";
  }
}

/** What is kept between regions: packages, tools, machine base, mirror. */
export function buildPhases(config: LabConfig): (Phase | Together)[] {
  return [
    {
      name: "preflight",
      title: "preflight checks",
      run: async (progress) => {
        await preflight(config, firstChecks);
        await ensurePackages(progress);
        if (wantedProxyMode(config) !== "off") await ensurePackages(progress, undefined, proxyPackages);
        await ensurePackages(progress, undefined, cloudOf(config).packages);
        await preflight(config, [...hostChecks(), ...machineChecks]);
      },
    },
    {
      together: [
        {
          name: "tools",
          title: "tools: pulumi, kubectl, etcdctl, Ignition",
          // Ignition is the machines': it applies their user-data before their first boot.
          run: async (progress) => {
            await cloudOf(config).prepare(config, progress);
            await ensureTools(config, ["pulumi", "kubectl", "etcdctl", "ignition-apply"], progress);
          },
        },
        {
          name: "base",
          title: "machine base",
          run: async (progress) => {
            await ensureBase(config, progress);
          },
        },
      ],
    },
    {
      name: "mirror",
      title: "mirror: release files and images",
      run: async (progress) => {
        await ensureMirror(config, progress);
      },
    },
  ];
}

/** A region that runs: network, cloud API, metadata service, mirror, and the machines that it had. */
export function regionPhase(config: LabConfig): Phase {
  return {
    name: "region",
    title: "region: network, cloud API, metadata, mirror",
    run: async (progress) => {
      raiseLimits(progress);
      await createRegion(config, progress);
      await changeProxyMode(config, progress);
      await startDaemon(config, progress);
    },
  };
}

/** The proxy as COREKUBE_LAB_PROXY wants it. The daemon draws up the firewall, so it starts anew when the mode changes. */
async function changeProxyMode(config: LabConfig, progress: Progress): Promise<void> {
  const wanted = wantedProxyMode(config);
  if (wanted !== proxyMode(config)) {
    progress.report(
      wanted === "off"
        ? "proxy: stopping it"
        : `proxy: ${proxyUrl(config)}${wanted === "only" ? ", the only way to the mirror" : ""}`,
    );
    await stopDaemon(config);
    setProxyMode(config, wanted);
  }
  await ensureProxy(config);
}

/** Settings that send machines' downloads through the region's proxy, where it has one. */
function proxySettings(config: LabConfig): Readonly<Record<string, unknown>> {
  return proxyMode(config) === "off"
    ? {}
    : { "corekube:http_proxy": proxyUrl(config), "corekube:https_proxy": proxyUrl(config) };
}

/**
 * Makes the stack and runs the program on it.
 * @param settings replace those of `Pulumi.<stack>.yaml`, by full key.
 * @returns number of resources that changed.
 * @throws Error with the engine's diagnostics when the run fails.
 */
export async function deploy(
  config: LabConfig,
  stack: string,
  progress: Progress,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<number> {
  writeSettings(config, stack, { ...proxySettings(config), ...settings });
  await ensureStack(config, stack, progress);
  await clearLocks(config, stack, progress);
  await clearInterrupted(config, stack, progress);
  const result = await runEngine(config, stack, ["up", "--yes", "--skip-preview"], progress);
  if (result.code !== 0)
    throw new Error(`pulumi up failed (whole log: ${engineLog(config, stack)})\n${diagnostics(result.output)}`);
  return result.changes;
}

/** Writes the administrator's kubeconfig, readable by its owner only. */
export async function writeKubeconfig(config: LabConfig, stack: string): Promise<ClusterOutputs> {
  const outputs = await readOutputs(config, stack);
  writeFileSync(kubeconfigFile(config), outputs.kubeconfig, { mode: 0o600 });
  return outputs;
}

/** The whole command. */
export async function up(config: LabConfig, stack: string): Promise<void> {
  checkStack(config, stack);
  mkdirSync(config.directory, { recursive: true, mode: 0o700 });
  setRegionCloud(config, stackCloud(config, stack));
  await exclusively(config, "up", async () => {
    const began = Date.now();
    let outputs: ClusterOutputs | undefined;
    let changes = 0;
    let results: CheckResult[] = [];
    const timings = await runPhases(
      [
        ...buildPhases(config),
        regionPhase(config),
        {
          name: "cluster",
          title: "pulumi up",
          run: async (progress) => {
            changes = await deploy(config, stack, progress);
          },
        },
        {
          name: "checks",
          title: "cluster checks",
          run: async (progress) => {
            outputs = await writeKubeconfig(config, stack);
            results = await runChecks(config, stack, outputs, changes > 0 ? "boot" : "always", progress);
            if (results.some((result) => result.failure !== undefined)) throw new ChecksFailed(results);
          },
        },
      ],
      usedMemory(),
    );
    if (!outputs) throw new Error("the run ended without a cluster");
    saveTimings(config, timings, changes);
    process.stdout.write(`${await summary(config, stack, outputs, timings, results, Date.now() - began)}\n`);
  });
}

export interface SavedTimings {
  readonly when: string;
  /** Resources that the run changed; 0: the cluster was there. */
  readonly changes: number;
  readonly phases: readonly Timing[];
}

/** Where the last runs' timings are kept, newest last; the benchmark's figures come from here. */
export function timingsFile(config: LabConfig): string {
  return join(config.directory, "timings.json");
}

function saveTimings(config: LabConfig, phases: readonly Timing[], changes: number): void {
  let earlier: SavedTimings[] = [];
  try {
    earlier = JSON.parse(readFileSync(timingsFile(config), "utf8")) as SavedTimings[];
  } catch {
    // The first run.
  }
  const now: SavedTimings = { when: new Date().toISOString(), changes, phases };
  writeFileSync(timingsFile(config), `${JSON.stringify([...earlier, now].slice(-20), null, 1)}\n`);
}

async function summary(
  config: LabConfig,
  stack: string,
  outputs: ClusterOutputs,
  timings: readonly Timing[],
  results: readonly CheckResult[],
  milliseconds: number,
): Promise<string> {
  const worker = outputs.machines.find((machine) => machine.role === "worker")?.name ?? "kubernetes-worker-0";
  const region = config.name === "lab" ? "" : ` COREKUBE_LAB=${config.name}`;
  return [
    "",
    await nodeTable(config, stack, outputs),
    "",
    `endpoint: ${outputs.endpoint}`,
    `checks: ${results.length} passed`,
    "",
    table([
      ["phase", "seconds", "memory (MB)"],
      ...timings.map((timing) => [timing.phase, timing.seconds.toFixed(1), String(timing.memory)]),
    ]),
    `total: ${(milliseconds / 1000).toFixed(0)} s`,
    "",
    "What to try next:",
    `  eval "$(make -s env${region})"`,
    "  kubectl get nodes -o wide",
    `  pulumi config set node_count ${outputs.machines.filter((machine) => machine.role === "worker").length + 1} && pulumi preview`,
    "  pulumi up",
    `  make ssh MACHINE=${worker}${region}`,
    `  make down${region}`,
  ].join("\n");
}

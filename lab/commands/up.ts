/** `make up`: creates a checked cluster, or resumes an earlier run. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setAddressMode, wantedAddressMode } from "../addressMode.js";
import { runChecks, type CheckResult } from "../checks/index.js";
import type { LabConfig } from "../config.js";
import { cloudOf } from "../clouds/index.js";
import { startDaemon, stopDaemon } from "../daemon-control.js";
import { setRegionCloud } from "../kind.js";
import { ensureBase } from "../region/base.js";
import { machineChecks } from "../region/preflight.js";
import { ensureProxy, proxyMode, proxyUrl, setProxyMode, wantedProxyMode } from "../region/proxy.js";
import { createRegion } from "../region/region.js";
import { ensureMirror, planMirror, type MirrorPlan } from "../mirror/index.js";
import { provideObjectStorage } from "./objectStorage.js";
import { firstChecks, hostChecks, preflight } from "./preflight.js";
import type { Progress } from "../progress.js";
import { ensurePackages, ensureTools, proxyPackages } from "../toolchain/index.js";
import { toolchainParts } from "../toolchain/parts.js";
import { versionsOf } from "../toolchain/versions.js";
import { mustRun } from "../engine/run.js";
import { raiseLimits } from "./limits.js";
import { usedMemory } from "./memory.js";
import { writeKubeconfig, type ClusterOutputs } from "../engine/outputs.js";
import { runPhases, type Phase, type Timing, type Together } from "./phases.js";
import { clearInterrupted } from "./recover.js";
import { exclusively } from "./run-lock.js";
import { checkStack, stackAddons, stackCloud, stackRelease, writeSettings } from "../engine/settings.js";
import { clearLocks, ensureStack } from "../engine/stack.js";
import { nodeTable } from "./status.js";
import { table } from "../../engine/table.js";

/** The cluster runs, but fails checks. */
export class ChecksFailed extends Error {
  constructor(readonly results: readonly CheckResult[]) {
    const failed = results.filter((result) => result.failure !== undefined);
    super(
      `${failed.length} of ${results.length} checks failed:\n${failed.map((result) => `- ${result.name}\n    ${result.failure ?? ""}`).join("\n")}`,
    );
    this.name = "ChecksFailed";
  }
}

/**
 * What is kept between regions: packages, tools, machine base, mirror.
 * @param release The release of Kubernetes that the mirror gets; others that it has stay.
 * @param addons Those whose images it gets, by their blocks of settings, besides those of every cluster.
 */
export function buildPhases(config: LabConfig, release: string, addons: readonly string[] = []): (Phase | Together)[] {
  const from = versionsOf(release);
  let plan: MirrorPlan | undefined;
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
          title: "tools and images",
          // Ignition applies a machine's user-data before its first boot.
          run: async (progress) => {
            await cloudOf(config).prepare(config, progress);
            plan = await planMirror(config, from, progress, addons);
            await ensureTools(config, ["pulumi", "kubectl", "etcdctl", "ignition-apply", ...plan.tools], progress, {
              parts: toolchainParts(from),
            });
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
        await ensureMirror(config, plan!, progress);
      },
    },
  ];
}

/** Starts the region: network, cloud API, metadata service, mirror, and the machines that it had. */
export function regionPhase(config: LabConfig): Phase {
  return {
    name: "region",
    title: "region: network, cloud API, metadata, mirror",
    run: async (progress) => {
      raiseLimits(progress);
      await createRegion(config, progress);
      setAddressMode(config, wantedAddressMode(config));
      await changeProxyMode(config, progress);
      await startDaemon(config, progress);
    },
  };
}

/** Applies COREKUBE_LAB_PROXY. The daemon writes the firewall rules, so it is restarted when the mode changes. */
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

/** Settings that route the machines' downloads through the region's proxy, if it has one. */
function proxySettings(config: LabConfig): Readonly<Record<string, unknown>> {
  return proxyMode(config) === "off"
    ? {}
    : { "corekube:http_proxy": proxyUrl(config), "corekube:https_proxy": proxyUrl(config) };
}

/**
 * Creates the stack and runs `pulumi up` on it; returns the number of resources that changed.
 * @param settings Replace those of `Pulumi.<stack>.yaml`, by full key.
 * @throws Error with the engine's errors when the run fails.
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
  await provideObjectStorage(config, stack, progress);
  return (await mustRun(config, stack, ["up", "--yes", "--skip-preview"], progress)).changes;
}

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
        ...buildPhases(config, stackRelease(config, stack), stackAddons(config, stack)),
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
  /** Resources that the run changed; 0 when the cluster was up to date. */
  readonly changes: number;
  readonly phases: readonly Timing[];
}

/** Timings of the last runs, newest last; the benchmark reads them. */
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

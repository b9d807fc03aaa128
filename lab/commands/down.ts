/** `make down`: destroys the cluster and takes the region away, in whatever state they are. `make clean` empties the cache too. */
import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { leftOf } from "../clouds/cloud.js";
import { cloudOf } from "../clouds/index.js";
import { projectDirectory, type LabConfig } from "../config.js";
import { daemonStatus, stopDaemon } from "../daemon-control.js";
import { regionExists, removeRegion } from "../region/region.js";
import type { Progress } from "../progress.js";
import { diagnostics, runEngine } from "./deploy.js";
import { restoreLimits } from "./limits.js";
import { usedMemory } from "./memory.js";
import { runPhases } from "./phases.js";
import { exclusively } from "./run-lock.js";
import { stackName } from "./settings.js";
import { clearLocks, stackExists } from "./stack.js";

/** What is destroyed by the engine before the region goes: only a region that answers can be asked. */
async function destroyStack(config: LabConfig, stack: string, progress: Progress): Promise<void> {
  if (!stackExists(config, stack)) {
    progress.report("no stack");
    return;
  }
  if (!(await regionExists(config)) || daemonStatus(config).state !== "serving") {
    progress.report("the region does not run: its machines go with it");
    return;
  }
  const cloud = cloudOf(config);
  if (cloud.lost(config) !== undefined) {
    progress.report("the region's cloud has ended, and its account with it: its machines are removed with the region");
    return;
  }
  try {
    await clearLocks(config, stack, progress);
    const result = await runEngine(
      config,
      stack,
      ["destroy", "--yes", "--skip-preview", "--continue-on-error"],
      progress,
    );
    if (result.code !== 0) throw new Error(diagnostics(result.output));
    if (cloud.left) reportLeft(await cloud.left(config), progress);
  } catch (error) {
    // The region is removed as a whole next: what the engine could not destroy goes then.
    progress.report(
      `pulumi destroy did not end well; removing the region all the same: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** @throws Error when something is left in the account. */
function reportLeft(kinds: Readonly<Record<string, readonly string[]>>, progress: Progress): void {
  const counts = Object.entries(kinds).map(([kind, ids]) => `${ids.length} ${kind}`);
  progress.report(`left in the account: ${counts.join(", ")}`);
  const left = leftOf({ kinds });
  if (left.length > 0) throw new Error(`pulumi destroy left behind ${left.join("; ")}`);
}

/** Takes the region away: daemon, machines, network, state. */
export async function removeEverything(config: LabConfig, progress: Progress): Promise<void> {
  progress.report("stopping the daemon");
  await stopDaemon(config);
  progress.report("removing machines and network");
  await removeRegion(config);
  await restoreLimits();
  progress.report(`removing ${config.directory}`);
  rmSync(config.directory, { recursive: true, force: true });
  const above = dirname(config.directory);
  if (above === join(projectDirectory, ".lab") && existsSync(above) && readdirSync(above).length === 0)
    rmdirSync(above);
}

/** The whole command. */
export async function down(config: LabConfig, options: { readonly cache: boolean }): Promise<void> {
  await exclusively(config, "down", async () => {
    await runPhases(
      [
        {
          name: "destroy",
          title: "pulumi destroy",
          run: (progress) => destroyStack(config, stackName(config), progress),
        },
        { name: "region", title: "region", run: (progress) => removeEverything(config, progress) },
        ...(options.cache
          ? [
              {
                name: "cache",
                title: `cache ${config.cache}`,
                run: (): Promise<void> => {
                  rmSync(config.cache, { recursive: true, force: true });
                  return Promise.resolve();
                },
              },
            ]
          : []),
      ],
      usedMemory(),
    );
  });
  if (existsSync(config.cache))
    process.stdout.write(`kept: ${config.cache} (built tools, mirror, machine base); "make clean" removes it too\n`);
}

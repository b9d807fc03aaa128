/** `make down`: destroys the cluster and removes the region, whatever their state. `make clean` also removes the cache. */
import { existsSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { leftOf } from "../clouds/cloud.js";
import { cloudOf } from "../clouds/index.js";
import { projectDirectory, type LabConfig } from "../config.js";
import { daemonStatus, stopDaemon } from "../daemon-control.js";
import { regionExists, removeRegion } from "../region/region.js";
import type { Progress } from "../progress.js";
import { mustRun } from "../engine/run.js";
import { restoreLimits } from "./limits.js";
import { usedMemory } from "./memory.js";
import { runPhases } from "./phases.js";
import { exclusively } from "./run-lock.js";
import { stackName } from "../engine/settings.js";
import { clearLocks, stackExists } from "../engine/stack.js";

/** Destroys the stack before the region is removed; needs a region whose API answers. */
async function destroyStack(config: LabConfig, stack: string, progress: Progress): Promise<void> {
  if (!stackExists(config, stack)) {
    progress.report("no stack");
    return;
  }
  if (!(await regionExists(config)) || daemonStatus(config).state !== "serving") {
    progress.report("the region is not running; its machines are removed with it");
    return;
  }
  const cloud = cloudOf(config);
  if (cloud.lost(config) !== undefined) {
    progress.report("the region's cloud has ended, and its account with it: its machines are removed with the region");
    return;
  }
  try {
    await clearLocks(config, stack, progress);
    await mustRun(config, stack, ["destroy", "--yes", "--skip-preview", "--continue-on-error"], progress);
    if (cloud.left) reportLeft(await cloud.left(config), progress);
  } catch (error) {
    // The whole region is removed next, with everything that the engine could not destroy.
    progress.report(
      `pulumi destroy failed; removing the region anyway: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Reports how many resources of each kind are left. @throws Error when there is one that the stack should have destroyed. */
function reportLeft(kinds: Readonly<Record<string, readonly string[]>>, progress: Progress): void {
  const counts = Object.entries(kinds).map(([kind, ids]) => `${ids.length} ${kind}`);
  progress.report(`left in the account: ${counts.join(", ")}`);
  const left = leftOf({ kinds });
  if (left.length > 0) throw new Error(`pulumi destroy left behind ${left.join("; ")}`);
}

/** Removes the region: daemon, machines, network, state. */
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

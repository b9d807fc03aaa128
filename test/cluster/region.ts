/** The tests' own region: made once for all files of this folder, removed at the end, with an account of what it left. */
import { usedMemory } from "../../lab/commands/memory.js";
import { runPhases } from "../../lab/commands/phases.js";
import { newestVersion } from "../../components/spec/versions.js";
import { buildPhases, regionPhase } from "../../lab/commands/up.js";
import { labConfig, regionNames } from "../../lab/config.js";
import { leftovers, takeFootprint, type Footprint } from "./support/footprint.js";
import { removeEverything } from "../../lab/commands/down.js";
import { setRegionCloud } from "../../lab/kind.js";
import { watchProcesses } from "../../lab/checks/secrets.js";
import { plainProgress, type Progress } from "../../lab/progress.js";

/** `COREKUBE_TEST_LAB`: another region than `test`, for one file at a time beside a run of all tests. */
export const config = labConfig({ ...process.env, COREKUBE_LAB: process.env["COREKUBE_TEST_LAB"] ?? "test" });
export const progress: Progress = plainProgress("    ");

let before: Footprint | undefined;
let processes: ReturnType<typeof watchProcesses> | undefined;

/**
 * Makes the region; a region that a killed run left is removed first.
 * @param releases That the mirror has.
 * @param addons Whose images the mirror has, besides those of every cluster.
 */
export async function openRegion(
  cloud = "digitalocean",
  releases: readonly string[] = [newestVersion],
  addons: readonly string[] = [],
): Promise<void> {
  const build = async (wanted: readonly string[]): Promise<void> => {
    for (const release of wanted) await runPhases(buildPhases(config, release, addons), usedMemory());
  };
  // A file before this one may have made it with fewer.
  if (before) return build(releases);
  await removeEverything(config, progress);
  setRegionCloud(config, cloud);
  await build(releases);
  before = await takeFootprint();
  processes = watchProcesses();
  await runPhases([regionPhase(config)], usedMemory());
}

/** Ends the watch over all processes; returns the secrets that were seen in command lines since the region was made. */
export function secretsInProcesses(): string[] {
  if (!processes) throw new Error("the region was not made");
  return processes.stop();
}

/** Removes the region; returns what is left of it. */
export async function closeRegion(): Promise<string[]> {
  await removeEverything(config, progress);
  if (!before) throw new Error("the region was not made");
  // Other regions come and go beside this one, of other checkouts too.
  const others = regionNames
    .filter((name) => name !== config.name)
    .map((name) => labConfig({ COREKUBE_LAB: name }))
    .flatMap(({ name, hostLink, namespace }) => [hostLink, namespace, `/.lab/${name}/`]);
  const taken = before;
  // The next file makes a region of its own.
  before = undefined;
  return leftovers(taken, await takeFootprint(), [config.directory, config.namespace], others);
}

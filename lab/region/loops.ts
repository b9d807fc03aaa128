/** Loop devices: a volume's file as a block device. */
import { setTimeout as sleep } from "node:timers/promises";
import { tryRun, run } from "../process/run.js";
import { until } from "../process/until.js";

export interface Loop {
  /** "/dev/loop3" */
  readonly device: string;
  readonly major: number;
  readonly minor: number;
}

interface Listed {
  readonly name: string;
  readonly "back-file": string | null;
  readonly "maj:min": string;
  readonly autoclear: boolean | string | number;
}

async function list(): Promise<readonly (Loop & { readonly file: string; readonly released: boolean })[]> {
  const output = (await run(["losetup", "--list", "--json", "--output", "NAME,BACK-FILE,MAJ:MIN,AUTOCLEAR"])).trim();
  if (output === "") return [];
  const { loopdevices } = JSON.parse(output) as { loopdevices: readonly Listed[] };
  return loopdevices.map((entry) => {
    const [major, minor] = entry["maj:min"].trim().split(":").map(Number);
    const released = entry.autoclear === true || entry.autoclear === 1 || entry.autoclear === "1";
    return { device: entry.name, file: entry["back-file"] ?? "", major: major!, minor: minor!, released };
  });
}

/** The loop device of a file, made if there is none. One that was released but is still in use somewhere does not count. */
export async function ensureLoop(file: string): Promise<Loop> {
  const known = await findLoop(file);
  if (known) return known;
  // Between finding a free device and taking it another process, of a region beside this one too, may take it.
  await until(`a loop device for ${file}`, { timeout: 5_000, pause: 50 }, () => run(["losetup", "--find", file]));
  const made = await findLoop(file);
  if (!made) throw new Error(`no loop device was made for ${file}; "losetup --list" shows which are taken`);
  return made;
}

/**
 * Releases the loop devices of a file and waits until they are gone, but no longer than `timeout` milliseconds: one that
 * is mounted goes once its last user has gone.
 */
export async function releaseLoop(file: string, timeout: number): Promise<void> {
  const end = Date.now() + timeout;
  for (;;) {
    const left = (await list()).filter((loop) => backing(loop.file) === file);
    for (const loop of left) if (!loop.released) await tryRun(["losetup", "--detach", loop.device]);
    if (left.length === 0 || Date.now() >= end) return;
    await sleep(30);
  }
}

/** The loop device of a file, if it has one. */
export const findLoop = async (file: string): Promise<Loop | undefined> =>
  (await list()).find((loop) => loop.file === file && !loop.released);

/**
 * Releases the loop devices of all files below a folder and waits until they are gone: an unmounted file system is written out
 * first, and lives on for as long as a process that is ending still sees it.
 * @throws Error when one stays.
 */
export async function releaseLoops(folder: string): Promise<void> {
  const inside = async (): Promise<readonly Loop[]> =>
    (await list()).filter((loop) => backing(loop.file).startsWith(`${folder}/`));
  for (const loop of await inside()) await tryRun(["losetup", "--detach", loop.device]);
  const end = Date.now() + 60_000;
  let left = await inside();
  while (left.length > 0 && Date.now() < end) {
    await sleep(50);
    left = await inside();
  }
  if (left.length > 0)
    throw new Error(
      `loop devices ${left.map((loop) => loop.device).join(", ")} are still in use: unmount them and try again`,
    );
}

/** The kernel marks a file that was deleted. */
const backing = (file: string): string => file.replace(/ \(deleted\)$/, "");

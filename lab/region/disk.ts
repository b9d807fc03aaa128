/**
 * A machine's disk: a sparse file of the machine's size with a file system, mounted where its root is.
 *
 * It takes the space that is written to it, not its size. The mount is the region's, not the machine's: it stays while the
 * machine is off, so that the lab can write into the root, and goes with the machine.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ensureLoop, releaseLoops } from "./loops.js";
import { tryRun, run } from "../process/run.js";

const gigabyte = 1024 ** 3;

const diskFile = (directory: string): string => join(directory, "disk.img");
const rootOf = (directory: string): string => join(directory, "root");

/**
 * Makes a new, empty disk and mounts it at `<directory>/root`; what was there is thrown away.
 * @param directory The machine's folder.
 * @param size GB
 */
export async function createDisk(directory: string, size: number): Promise<void> {
  await removeDisk(directory);
  const file = diskFile(directory);
  const partial = `${file}.partial`;
  mkdirSync(rootOf(directory), { recursive: true });
  rmSync(partial, { force: true });
  writeFileSync(partial, "", { mode: 0o600 });
  truncateSync(partial, size * gigabyte);
  // The file reads as zeros already, so nothing has to be written for the tables; the journal's size would grow with the disk's.
  const options = "-q -F -L ROOT -J size=64 -E nodiscard,lazy_itable_init=1,lazy_journal_init=1";
  await run(["mkfs.ext4", ...options.split(" "), partial]);
  renameSync(partial, file);
  await mountDisk(directory);
}

/** Mounts the disk unless it is (a restart of the host takes mounts away). */
export async function mountDisk(directory: string): Promise<void> {
  const root = rootOf(directory);
  if (isMounted(root)) return;
  await shareMounts(dirname(directory));
  // Through another device the same file would be mounted twice, and each mount would spoil what the other writes.
  await releaseLoops(directory);
  const { device } = await ensureLoop(diskFile(directory));
  // The kernel would fill gigabytes of tables with zeros in the background, which the host would have to store.
  await run(["mount", "-t", "ext4", "-o", "noinit_itable", device, root]);
}

/**
 * systemd-nspawn keeps all of the host's mounts out of sight in its machine, so a machine would hold the disks of others that
 * were there when it started, for as long as it runs. In a folder whose mounts are shared it sees them go.
 */
async function shareMounts(folder: string): Promise<void> {
  if (!isMounted(folder)) await run(["mount", "--bind", folder, folder]);
  await run(["mount", "--make-shared", folder]);
}

/** Takes the mount away that disks are below of; none of them may be mounted. Does nothing where there is none. */
export async function unshareMounts(folder: string): Promise<void> {
  while (isMounted(folder)) await run(["umount", folder]);
}

/** Unmounts and removes the disk; does nothing where there is none. The machine must not run. @throws Error when the disk stays in use. */
export async function removeDisk(directory: string): Promise<void> {
  await unmountDisk(directory);
  const file = diskFile(directory);
  for (const path of [file, `${file}.partial`]) rmSync(path, { force: true });
  rmSync(rootOf(directory), { recursive: true, force: true });
}

async function unmountDisk(directory: string): Promise<void> {
  const root = rootOf(directory);
  const end = Date.now() + 5_000;
  while (isMounted(root)) {
    // What a process that was just killed held is let go a moment later.
    const result = await tryRun(["umount", root]);
    if (result.code === 0) continue;
    if (Date.now() > end)
      throw new Error(`${root} cannot be unmounted: ${result.stderr.trim()}; "fuser -vm ${root}" shows who uses it`);
    await sleep(50);
  }
  await releaseLoops(directory);
}

const isMounted = (path: string): boolean => mountPoints().includes(path);

/** Folders where this machine has mounted something. */
export const mountPoints = (): string[] =>
  readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => unescaped(line.split(" ")[1] ?? ""));

/** A path as the kernel writes it in its lists of mounts, with its special characters. */
export const unescaped = (path: string): string =>
  path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

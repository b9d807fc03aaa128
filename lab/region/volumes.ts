/** Block volumes: a sparse file behind a loop device, shown in the machine under the links that its cloud gives it. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import type { VolumeSight, VolumeSpec } from "./spec.js";
import type { LabConfig } from "../config.js";
import { unescaped } from "./disk.js";
import { type Loop, ensureLoop, findLoop, releaseLoop } from "./loops.js";
import { machineDirectory, machinesDirectory, volumeFile, volumesDirectory } from "./names.js";
import { initOf } from "./nspawn.js";
import { tryRun, run } from "../process/run.js";

const gigabyte = 1024 ** 3;

/** Makes a volume as its spec says: its file, its size, and the one machine that it is attached to. */
export async function applyVolume(config: LabConfig, volume: VolumeSpec): Promise<void> {
  await createVolume(config, volume);
  for (const id of attachedTo(config, volume.id)) if (id !== volume.machineId) await detachVolume(config, volume, id);
  if (volume.machineId === null) return;
  if (volume.leaving !== true) return attachVolume(config, volume, volume.machineId);
  if ((await seenVolume(config, volume)) === "mounted")
    throw new Error(`machine ${volume.machineId} has its file system mounted, and keeps it until it is unmounted`);
  await detachVolume(config, volume, volume.machineId);
}

/** How the volume's machine has it. */
export async function seenVolume(
  config: LabConfig,
  { id, machineId }: Pick<VolumeSpec, "id" | "machineId">,
): Promise<VolumeSight> {
  if (machineId === null || !attachedTo(config, id).includes(machineId)) return "absent";
  const init = initOf(config, machineId);
  const loop = init && (await findLoop(volumeFile(config, id)));
  return init && loop && mountsOf(init.pid, loop).length > 0 ? "mounted" : "shown";
}

/** Machines that show the volume, by the files that make them do so. */
function attachedTo(config: LabConfig, id: string): readonly number[] {
  const folder = machinesDirectory(config);
  const machines = existsSync(folder) ? readdirSync(folder).map(Number).filter(Number.isInteger) : [];
  return machines.filter((machine) => existsSync(tmpfilesOf(config, machine, id)));
}

/** Makes the file; an existing one keeps its content and may only grow. */
async function createVolume(config: LabConfig, volume: VolumeSpec): Promise<void> {
  const file = volumeFile(config, volume.id);
  mkdirSync(volumesDirectory(config), { recursive: true });
  if (existsSync(file)) {
    if (statSync(file).size < volume.size * gigabyte) {
      truncateSync(file, volume.size * gigabyte);
      const loop = await tryRun(["losetup", "--associated", file, "--noheadings", "--output", "NAME"]);
      for (const device of loop.stdout.split("\n").filter(Boolean))
        await tryRun(["losetup", "--set-capacity", device.trim()]);
    }
    return;
  }
  const partial = `${file}.partial`;
  rmSync(partial, { force: true });
  writeFileSync(partial, "", { mode: 0o600 });
  truncateSync(partial, volume.size * gigabyte);
  renameSync(partial, file);
}

/** Removes the volume with its content. */
export async function deleteVolume(config: LabConfig, id: string): Promise<void> {
  const file = volumeFile(config, id);
  await releaseLoop(file, 2_000);
  for (const path of [file, `${file}.partial`]) rmSync(path, { force: true });
}

/**
 * Shows the volume in the machine, now and after each boot: systemd's tmpfiles make the device node early at boot, and
 * if the machine runs it is made at once.
 */
async function attachVolume(config: LabConfig, volume: VolumeSpec, machineId: number): Promise<void> {
  const loop = await ensureLoop(volumeFile(config, volume.id));
  writeTmpfiles(config, machineId, volume.id, [
    `b ${loop.device} 0660 root disk - ${loop.major}:${loop.minor}`,
    `d /dev/disk/by-id 0755 root root -`,
    ...volume.links.map((link) => `L+ ${link} - - - - ${relative(dirname(link), loop.device)}`),
  ]);
  const links = volume.links.flatMap((link) => [link, relative(dirname(link), loop.device)]);
  await inMachine(config, machineId, attachScript, [loop.device, String(loop.major), String(loop.minor), ...links]);
}

const attachScript = `
[ -b "$1" ] || mknod -m 0660 "$1" b "$2" "$3"
mkdir -p /dev/disk/by-id
shift 3
while [ $# -gt 0 ]; do ln -sfn "$2" "$1"; shift 2; done`;

/**
 * Takes the volume away, as pulling a device would: a file system on it is written out and then refuses all further
 * access, so that the next machine finds it whole while this one gets errors.
 */
async function detachVolume(config: LabConfig, volume: VolumeSpec, machineId: number): Promise<void> {
  const file = volumeFile(config, volume.id);
  writeTmpfiles(config, machineId, volume.id, []);
  if (!existsSync(file)) return;
  const init = initOf(config, machineId);
  const loop = await findLoop(file);
  if (init && loop) {
    for (const target of mountsOf(init.pid, loop)) await shutDownFilesystem(`/proc/${init.pid}/root${target}`);
    await inMachine(config, machineId, 'rm -f -- "$@"', [...volume.links, loop.device]);
  }
  // A stopped machine's mount may take a moment to go; a running one's, which refuses all access now, stays until it ends.
  await releaseLoop(file, init ? 200 : 5_000);
}

/** Before a start: what tmpfiles makes at boot must name the loop devices of today, which a restart of the host changes. */
export async function refreshVolumes(
  config: LabConfig,
  volumes: readonly VolumeSpec[],
  machineId: number,
): Promise<void> {
  const folder = tmpfilesFolder(config, machineId);
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (name.startsWith(tmpfilesPrefix)) rmSync(join(folder, name));
  for (const volume of volumes) await attachVolume(config, volume, machineId);
}

const tmpfilesPrefix = "corekube-lab-volume-";
const tmpfilesFolder = (config: LabConfig, machineId: number): string =>
  join(machineDirectory(config, machineId), "root/etc/tmpfiles.d");
const tmpfilesOf = (config: LabConfig, machineId: number, volume: string): string =>
  join(tmpfilesFolder(config, machineId), `${tmpfilesPrefix}${volume}.conf`);

/** Writes the machine's tmpfiles for one volume; no lines: removes them. */
function writeTmpfiles(config: LabConfig, machineId: number, volume: string, lines: readonly string[]): void {
  const file = tmpfilesOf(config, machineId, volume);
  if (lines.length === 0) return rmSync(file, { force: true });
  // A machine that is not made yet gets its volumes when it is.
  if (!existsSync(join(machineDirectory(config, machineId), "root"))) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${lines.join("\n")}\n`);
}

async function inMachine(
  config: LabConfig,
  machineId: number,
  script: string,
  parameters: readonly string[],
): Promise<void> {
  const init = initOf(config, machineId);
  if (!init) return;
  const enter = ["nsenter", "--target", String(init.pid), "--mount", "--pid", "--"];
  await run([...enter, "/bin/sh", "-ec", script, "volume", ...parameters]);
}

/** Where a machine has mounted the device; the same file system may be mounted in several places, one is enough. */
function mountsOf(pid: number, loop: Loop): readonly string[] {
  const device = `${loop.major}:${loop.minor}`;
  const lines = readFileSync(`/proc/${pid}/mountinfo`, "utf8")
    .split("\n")
    .map((line) => line.split(" "));
  const target = lines.find((fields) => fields[2] === device)?.[4];
  return target === undefined ? [] : [unescaped(target)];
}

/**
 * Flushes a mounted file system and makes it refuse all access (the ioctl EXT4_IOC_SHUTDOWN with flag 0, which XFS
 * knows under the same number). Perl is part of every Debian-like system, and nothing smaller can call an ioctl.
 */
async function shutDownFilesystem(path: string): Promise<void> {
  const script =
    'open(my $f, "<", $ARGV[0]) or die "open: $!\\n"; my $flags = pack("L", 0); ioctl($f, 0x8004587d, $flags) or die "ioctl: $!\\n";';
  await run(["perl", "-e", script, path]);
}

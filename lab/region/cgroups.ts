/**
 * A cgroup for each machine, so that all that belongs to it can be found, ended and removed by name.
 *
 * Works on cgroup v2 and on v1 with one hierarchy per controller; of the host's hierarchies none is mounted or changed.
 *
 *     <hierarchy>/corekube-<region>/host       supervisors, daemon, load balancer
 *     <hierarchy>/corekube-<region>/<machine>  the machine
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LabConfig } from "../config.js";
import { commandName } from "./processes.js";

interface Hierarchy {
  readonly path: string;
  readonly version: 1 | 2;
}

/** Group of the region's own processes, beside those of the machines. */
export const hostGroup = "host";

function hierarchies(): readonly Hierarchy[] {
  const found: Hierarchy[] = [];
  for (const line of readFileSync("/proc/self/mounts", "utf8").split("\n")) {
    const [, path, type] = line.split(" ");
    if (!path || !path.startsWith("/sys/fs/cgroup") || found.some((known) => known.path === path)) continue;
    if (type === "cgroup2") found.push({ path, version: 2 });
    else if (type === "cgroup") found.push({ path, version: 1 });
  }
  return found;
}

/** Makes the group in every hierarchy. Returns its folders; a process joins by writing its pid to each `cgroup.procs`. */
export function createGroup(config: LabConfig, group: string): readonly string[] {
  return hierarchies().map(({ path, version }) => {
    const region = join(path, config.namespace);
    const folder = join(region, group);
    mkdirSync(region, { recursive: true });
    if (version === 2) {
      delegateControllers(path, region);
    } else {
      // A new cpuset has no CPUs and takes no process, unless it is set to inherit.
      writeIfThere(join(region, "cgroup.clone_children"), "1");
      inheritCpuset(path, region);
    }
    mkdirSync(folder, { recursive: true });
    if (version === 1) inheritCpuset(region, folder);
    return folder;
  });
}

function delegateControllers(parent: string, region: string): void {
  for (const controller of readFileSync(join(parent, "cgroup.controllers"), "utf8")
    .trim()
    .split(/\s+/)
    .filter(Boolean)) {
    for (const folder of [parent, region]) {
      try {
        writeFileSync(join(folder, "cgroup.subtree_control"), `+${controller}`);
      } catch {
        // The host keeps this controller to itself; the machine goes without.
      }
    }
  }
}

function inheritCpuset(parent: string, child: string): void {
  for (const name of ["cpuset.cpus", "cpuset.mems"]) {
    const file = join(child, name);
    if (existsSync(file) && readFileSync(file, "utf8").trim() === "")
      writeIfThere(file, readFileSync(join(parent, name), "utf8"));
  }
}

function writeIfThere(file: string, text: string): void {
  if (existsSync(file)) writeFileSync(file, text);
}

/** Moves this process into the region's own group: it then outlives the session that started it. */
export function joinHostGroup(config: LabConfig, pid = process.pid): void {
  for (const folder of createGroup(config, hostGroup)) writeFileSync(join(folder, "cgroup.procs"), String(pid));
}

/** Processes of a group and of all groups below it. */
export function processesOf(config: LabConfig, group: string): readonly number[] {
  const pids = new Set<number>();
  for (const { path } of hierarchies()) collect(join(path, config.namespace, group), pids);
  return [...pids];
}

function collect(folder: string, pids: Set<number>): void {
  for (const child of subgroups(folder)) collect(child, pids);
  try {
    for (const pid of readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean))
      pids.add(Number(pid));
  } catch {
    // The group went away while we looked.
  }
}

function subgroups(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(folder, entry.name));
  } catch {
    return [];
  }
}

/** Groups that the region has now. */
export function groupsOf(config: LabConfig): readonly string[] {
  const names = new Set<string>();
  for (const { path } of hierarchies())
    for (const folder of subgroups(join(path, config.namespace))) names.add(basename(folder));
  return [...names];
}

/** Ends every process of the group and removes it. @throws Error when processes remain after `timeout` milliseconds. */
export async function removeGroup(config: LabConfig, group: string, timeout = 10_000): Promise<void> {
  const start = Date.now();
  const end = start + timeout;
  for (;;) {
    const pids = processesOf(config, group).filter((pid) => pid !== process.pid);
    if (pids.length === 0) break;
    if (Date.now() > end)
      throw new Error(
        `processes ${pids.join(", ")} of "${config.namespace}/${group}" do not end; look at /proc/${pids[0]}/stack`,
      );
    // systemd-nspawn exits after its machine, and cleans up.
    const patient = Date.now() - start < 6_000;
    for (const pid of pids) if (!patient || commandName(pid) !== "systemd-nspawn") kill(pid);
    await sleep(30);
  }
  for (const { path } of hierarchies()) removeTree(join(path, config.namespace, group));
}

/** Removes the region's group itself once no machine's group is left in it. */
export function removeRegionGroup(config: LabConfig): void {
  for (const { path } of hierarchies()) removeTree(join(path, config.namespace));
}

function removeTree(folder: string): void {
  for (const child of subgroups(folder)) removeTree(child);
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!["ENOENT", "EBUSY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

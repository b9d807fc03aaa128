/**
 * The region's network: one namespace with a gateway, a link to the host, and a route on the host to the public range.
 *
 * Every machine hangs on point-to-point links that the region routes between and answers ARP for (proxy ARP). To the
 * machine it looks like a shared network; to the region all traffic is routed, so that ordinary nftables rules with
 * connection tracking see it. (Bridges would need bridge connection tracking, which many kernels lack.)
 */
import { existsSync, lstatSync, readdirSync, rmSync, rmdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import type { Progress } from "../progress.js";
import { groupsOf, hostGroup, removeGroup, removeRegionGroup } from "./cgroups.js";
import {
  balancerSocket,
  balancersDirectory,
  machineOfNamespace,
  machineName,
  machinesDirectory,
  metadataAddress,
  nameServerDirectory,
  objectStorageDirectory,
  proxyDirectory,
  publicBridge,
  uplink,
  volumesDirectory,
} from "./names.js";
import { setHostNames } from "./hostNames.js";
import { tryRun, run } from "../process/run.js";
import { ip, setSysctls } from "./run.js";
import { mountPoints, unshareMounts } from "./disk.js";
import { releaseLoops } from "./loops.js";

/**
 * Makes the region's namespace, its gateway and the host's link and route; what exists already is kept.
 * @throws Error when another folder's region has the name; when the host refuses: what was made until then is left to
 *   `removeRegion`.
 */
export async function createRegion(config: LabConfig, progress: Progress): Promise<void> {
  await refuseForeign(config);
  if (await isComplete(config)) return;
  progress.report(`network of the region ${config.name}: namespace ${config.namespace}, public ${config.publicCidr}`);
  // A crash in the middle left it half done; no machine can have been started in it yet, or it would be complete.
  await removeNetwork(config);
  await setHostNames(config, []);
  await run(["ip", "netns", "add", config.namespace]);
  await ip(config.namespace, ["link set lo up", `link add ${publicBridge} type bridge`, `link set ${publicBridge} up`]);
  await ip(config.namespace, [
    `addr add ${config.gateway}/32 dev ${publicBridge}`,
    `addr add ${metadataAddress}/32 dev ${publicBridge}`,
  ]);
  await setSysctls(config.namespace, {
    "net/ipv4/ip_forward": 1,
    "net/ipv4/conf/all/rp_filter": 0,
    "net/ipv4/conf/default/rp_filter": 0,
  });
  await ip(null, [
    `link add ${config.hostLink} type veth peer name ${uplink} netns ${config.namespace}`,
    ...(ownerText(config.directory) === "" ? [] : [`link set ${config.hostLink} alias ${ownerText(config.directory)}`]),
    `addr add ${config.adminAddress}/24 dev ${config.hostLink}`,
    `addr add ${config.strangerAddress}/24 dev ${config.hostLink}`,
    `link set ${config.hostLink} up`,
  ]);
  await ip(config.namespace, [`addr add ${config.regionAddress}/24 dev ${uplink}`, `link set ${uplink} up`]);
  const { publicCidr, regionAddress, hostLink, adminAddress } = config;
  await ip(null, [`route add ${publicCidr} via ${regionAddress} dev ${hostLink} src ${adminAddress}`]);
}

/** Whether the region's namespace is there. */
export const regionExists = async (config: LabConfig): Promise<boolean> =>
  (await namespaces()).includes(config.namespace);

/**
 * A region's name is its only claim on this machine, so two checkouts with the same name would take each other's machines
 * for leftovers. The link to the host therefore carries the folder that the region belongs to.
 */
async function refuseForeign(config: LabConfig): Promise<void> {
  const owner = await readFile(`/sys/class/net/${config.hostLink}/ifalias`, "utf8").then(
    (text) => text.trim(),
    () => "",
  );
  if (owner === "" || owner === ownerText(config.directory) || !existsSync(Buffer.from(owner, "base64url").toString()))
    return;
  const folder = Buffer.from(owner, "base64url").toString();
  throw new Error(
    `the region "${config.name}" on this machine belongs to ${folder}, not to ${config.directory}; take it down from there, or with COREKUBE_LAB_DIR=${folder}, and try again`,
  );
}

/** A folder as the alias of a link, which takes at most 255 characters; a longer path claims nothing. */
function ownerText(directory: string): string {
  const text = Buffer.from(directory).toString("base64url");
  return text.length <= 255 ? text : "";
}

/** The route is made last: when it is there, so is all the rest. */
async function isComplete(config: LabConfig): Promise<boolean> {
  if (!(await regionExists(config))) return false;
  const route = await tryRun(["ip", "-o", "route", "show", "exact", config.publicCidr]);
  return route.stdout.includes(` dev ${config.hostLink} `);
}

/** Names of all network namespaces of this machine. */
export async function namespaces(): Promise<readonly string[]> {
  const listed = await run(["ip", "netns", "list"]);
  return listed
    .split("\n")
    .map((line) => line.split(" ")[0]!)
    .filter(Boolean);
}

/** Ids of the machines that have a network namespace in this region. */
export async function machinesWithNamespace(config: LabConfig): Promise<readonly number[]> {
  return (await namespaces()).map((name) => machineOfNamespace(config, name)).filter((id) => id !== undefined);
}

/**
 * Removes all that the region has on this machine: processes, namespaces, link and route, loop devices, mounts, cgroups
 * and the machines' folders. Needs nothing but the names, so it works after a crash, and twice. Keeps logs and the cache.
 * @throws Error naming what could not be removed, or the folder that the region belongs to when it is another one that exists.
 */
export async function removeRegion(config: LabConfig): Promise<void> {
  await refuseForeign(config);
  // The region's own processes first: a supervisor would start its machine again, the daemon answer for it.
  await removeGroup(config, hostGroup);
  for (const group of groupsOf(config)) await removeGroup(config, group);
  removeRegionGroup(config);
  const machines = machinesDirectory(config);
  await unmountBelow(config.directory, machines);
  // Before the mount that the machines' disks are below of: without it, the kernel shows their files under another path.
  for (const folder of [volumesDirectory(config), machines]) await releaseLoops(folder);
  await unshareMounts(machines);
  for (const id of await machinesWithNamespace(config)) await removeNamespace(machineName(config, id));
  for (const name of existsSync(propagation) ? readdirSync(propagation) : []) {
    const id = machineOfNamespace(config, name);
    if (id !== undefined) removePropagation(config, id);
  }
  await removeNetwork(config);
  await setHostNames(config, []);
  rmSync(balancerSocket(config), { force: true });
  for (const folder of [
    machinesDirectory,
    volumesDirectory,
    balancersDirectory,
    proxyDirectory,
    nameServerDirectory,
    objectStorageDirectory,
  ])
    rmSync(folder(config), { recursive: true, force: true });
}

const propagation = "/run/systemd/nspawn/propagate";

/** The folder that systemd-nspawn keeps for each machine and leaves behind when it is killed. */
export function removePropagation(config: LabConfig, id: number): void {
  try {
    rmdirSync(join(propagation, machineName(config, id)));
  } catch (error) {
    if (!["ENOENT", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}

/** Ends what still runs in a namespace and removes it with all its links. */
export async function removeNamespace(name: string): Promise<void> {
  if (!(await namespaces()).includes(name)) return;
  const inside = await tryRun(["ip", "netns", "pids", name]);
  for (const pid of inside.stdout.split("\n").filter(Boolean).map(Number)) {
    if (pid === process.pid) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  }
  const removed = await tryRun(["ip", "netns", "del", name]);
  if (removed.code !== 0 && (await namespaces()).includes(name))
    throw new Error(`network namespace ${name}: ${removed.stderr.trim()}`);
}

async function removeNetwork(config: LabConfig): Promise<void> {
  // A deleted namespace takes its links with it only after a moment; the host's end is deleted by name at once.
  if (exists(`/sys/class/net/${config.hostLink}`)) {
    const removed = await tryRun(["ip", "link", "del", config.hostLink]);
    if (removed.code !== 0 && exists(`/sys/class/net/${config.hostLink}`))
      throw new Error(`link ${config.hostLink}: ${removed.stderr.trim()}`);
  }
  await removeNamespace(config.namespace);
}

async function unmountBelow(directory: string, except: string): Promise<void> {
  const targets = mountPoints().filter((target) => target.startsWith(`${directory}/`) && target !== except);
  // The deepest first.
  for (const target of targets.sort((a, b) => b.length - a.length)) await run(["umount", "-l", target]);
}

const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

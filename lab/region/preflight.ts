/** What must hold on this machine before a region can be made: one check an object, each with its remedy. */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { Address4 } from "ip-address";
import type { LabConfig } from "../config.js";
import { daemonFiles } from "../daemon-files.js";
import { processesOf } from "./cgroups.js";
import { isAlive, readMark } from "../process/marks.js";
import { regionExists } from "./region.js";
import { tryRun, run } from "../process/run.js";
import { inNamespace } from "./run.js";

export type CheckResult =
  { readonly ok: true } | { readonly ok: false; readonly found: string; readonly remedy: string };

export interface MachineCheck {
  readonly name: string;
  run(config: LabConfig): Promise<CheckResult>;
}

export const passed: CheckResult = { ok: true };
export const failed = (found: string, remedy: string): CheckResult => ({ ok: false, found, remedy });

export const gigabyte = 1024 ** 3;

/** Free space for machines and volumes of one cluster, bytes. */
const regionSpace = 8 * gigabyte;
/** Free space for built tools, the machine base, release files and images, bytes. Checked until the base exists. */
const cacheSpace = 8 * gigabyte;
/** Free memory for a small cluster, bytes. */
const memory = 3 * gigabyte;

const commands: Readonly<Record<string, string>> = {
  bash: "bash",
  haproxy: "haproxy",
  ip: "iproute2",
  losetup: "mount",
  "mkfs.ext4": "e2fsprogs",
  nft: "nftables",
  nsenter: "util-linux",
  perl: "perl",
  "systemd-nspawn": "systemd-container",
  unshare: "util-linux",
};

const onPath = (command: string): boolean =>
  (process.env["PATH"] ?? "").split(":").some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Runs a script in namespaces of its own, which are gone when it ends. */
async function trial(what: string, options: readonly string[], script: string, remedy: string): Promise<CheckResult> {
  const result = await tryRun(["unshare", ...options, "--", "sh", "-ec", script]).catch((error: unknown) => ({
    code: 1,
    stdout: "",
    stderr: String(error),
  }));
  return result.code === 0
    ? passed
    : failed(`${what}: ${result.stderr.trim().split("\n").at(-1) || `exit code ${result.code}`}`, remedy);
}

interface Used {
  readonly cidr: string;
  readonly by: string;
}

/** Networks that the host uses on links other than `ownLink`. */
async function usedNetworks(ownLink: string): Promise<readonly Used[]> {
  const links = JSON.parse(await run(["ip", "-4", "-json", "addr", "show"])) as {
    ifname?: string;
    addr_info?: { local: string; prefixlen: number }[];
  }[];
  const routes = JSON.parse(await run(["ip", "-4", "-json", "route", "show", "table", "main"])) as {
    dst: string;
    dev?: string;
  }[];
  return [
    ...links.flatMap((link) =>
      link.ifname === ownLink
        ? []
        : (link.addr_info ?? []).map(({ local, prefixlen }) => ({
            cidr: `${local}/${prefixlen}`,
            by: `address ${local}/${prefixlen} of ${link.ifname}`,
          })),
    ),
    ...routes
      .filter((route) => route.dst !== "default" && route.dev !== ownLink)
      .map((route) => ({
        cidr: route.dst.includes("/") ? route.dst : `${route.dst}/32`,
        by: `route ${route.dst} on ${route.dev ?? "?"}`,
      })),
  ];
}

const overlaps = (a: string, b: string): boolean => {
  const [left, right] = [new Address4(a), new Address4(b)];
  return left.isInSubnet(right) || right.isInSubnet(left);
};

const existingParent = (path: string): string => (existsSync(path) ? path : existingParent(dirname(path)));

/** Free bytes on the file system of a folder, which need not exist yet. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(existingParent(path));
  return bavail * bsize;
}

async function space(path: string, needed: number, setting: string): Promise<CheckResult> {
  const free = freeBytes(path);
  if (free >= needed) return passed;
  return failed(
    `${(free / gigabyte).toFixed(1)} GB free at ${path}, needed ${needed / gigabyte} GB`,
    `free some space, or name another folder in ${setting}`,
  );
}

export const machineChecks: readonly MachineCheck[] = [
  {
    name: "runs as root",
    run: async () =>
      process.getuid?.() === 0
        ? passed
        : failed(`user id ${process.getuid?.()}`, "run it with sudo: machines, networks and loop devices need root"),
  },
  {
    name: "programs",
    run: async () => {
      const missing = Object.keys(commands).filter((command) => !onPath(command));
      if (missing.length === 0) return passed;
      return failed(
        `not on PATH: ${missing.join(", ")}`,
        `apt-get install ${[...new Set(missing.map((command) => commands[command]))].join(" ")}`,
      );
    },
  },
  {
    name: "machines in containers",
    run: () =>
      trial(
        "namespaces",
        ["--pid", "--mount", "--uts", "--ipc", "--cgroup", "--fork"],
        "true",
        "run the lab on a Linux machine or a virtual machine, or in a container started with --privileged",
      ),
  },
  {
    name: "networks",
    run: () =>
      trial(
        "a network namespace with veth, bridge and vxlan",
        ["--net"],
        "ip link add name one type veth peer name two; ip link add name three type bridge; ip link add name four type vxlan id 1 dstport 8472 dev one; echo 1 > /proc/sys/net/ipv4/ip_forward",
        "load the kernel modules (modprobe veth bridge vxlan), or start the container with --privileged",
      ),
  },
  {
    name: "packet filter",
    run: () =>
      trial(
        "nftables with connection tracking",
        ["--net"],
        "nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c ct state established ct direction reply accept; add map inet t m { type ifname : verdict; }'",
        "load the kernel modules (modprobe nf_tables nft_ct nf_conntrack)",
      ),
  },
  {
    name: "overlay file systems",
    run: () =>
      trial(
        "overlay",
        ["--mount", "--propagation", "private"],
        "mount -t tmpfs t /mnt; mkdir /mnt/l /mnt/u /mnt/w /mnt/m; mount -t overlay o -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/m",
        "load the kernel module (modprobe overlay): containers in the machines need it",
      ),
  },
  {
    name: "loop devices",
    run: async () => {
      const free = await tryRun(["losetup", "--find"]).catch(() => ({
        code: 1,
        stderr: "losetup cannot be run",
        stdout: "",
      }));
      return free.code === 0
        ? passed
        : failed(
            free.stderr.trim(),
            "load the kernel module (modprobe loop); in a container, bind /dev/loop-control and /dev/loop*",
          );
    },
  },
  {
    name: "addresses",
    run: async (config) => {
      const wanted = [
        { cidr: config.publicCidr, what: "the region's public network" },
        { cidr: `${config.adminAddress}/24`, what: "the link between host and region" },
      ];
      const clashes = (await usedNetworks(config.hostLink)).flatMap((used) =>
        wanted
          .filter(({ cidr }) => overlaps(cidr, used.cidr))
          .map(({ cidr, what }) => `${cidr} (${what}) overlaps with the ${used.by}`),
      );
      if (clashes.length === 0) return passed;
      return failed(
        [...new Set(clashes)].join("; "),
        "remove that address or route, or use the other region: COREKUBE_LAB=test has other addresses than lab",
      );
    },
  },
  {
    name: "ports in the region",
    run: async (config) => {
      if (!(await regionExists(config))) return passed;
      const daemon = readMark(daemonFiles(config).process);
      const ours = new Set([...processesOf(config, "host"), ...(isAlive(daemon) ? [daemon.pid] : [])]);
      const listening = await run(inNamespace(config.namespace, ["ss", "-Hltnp"]));
      const ports = [config.apiUrl, config.mirrorUrl, config.registryUrl].map((url) => new URL(url).port).concat("80");
      for (const line of listening.split("\n")) {
        const port = line.trim().split(/\s+/)[3]?.split(":").at(-1);
        const pid = Number(/pid=([0-9]+)/.exec(line)?.[1] ?? NaN);
        if (port && ports.includes(port) && !ours.has(pid)) {
          return failed(
            `port ${port} in ${config.namespace} is taken by process ${Number.isNaN(pid) ? "(unknown)" : pid}`,
            `stop that process; "ip netns pids ${config.namespace}" lists all`,
          );
        }
      }
      return passed;
    },
  },
  {
    name: "file system of the region's folder",
    run: async (config) => {
      // An overlay cannot carry the overlays of containers.
      const overlayMagic = 0x794c7630;
      if (statfsSync(existingParent(config.directory)).type !== overlayMagic) return passed;
      return failed(
        `${config.directory} is on an overlay file system`,
        "set COREKUBE_LAB_DIR to a folder on a plain file system, such as a volume of the container",
      );
    },
  },
  { name: "disk space for the region", run: (config) => space(config.directory, regionSpace, "COREKUBE_LAB_DIR") },
  {
    name: "disk space for the cache",
    run: async (config) =>
      existsSync(join(config.cache, "base")) && existsSync(join(config.cache, "mirror"))
        ? passed
        : space(config.cache, cacheSpace, "COREKUBE_CACHE"),
  },
  {
    name: "memory",
    run: async () => {
      const available =
        Number(/^MemAvailable:\s+([0-9]+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) * 1024;
      if (available >= memory) return passed;
      return failed(
        `${(available / gigabyte).toFixed(1)} GB of memory available, needed ${memory / gigabyte} GB`,
        "close other programs, or give the virtual machine more memory",
      );
    },
  },
];

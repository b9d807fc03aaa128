/**
 * What a machine shows of its memory and its CPUs: files in the kernel's formats that follow from the machine's size.
 *
 * A machine shares the host's kernel, whose own files show the host. The machine lays these over them early at boot
 * (see root.ts): /proc/meminfo, /proc/cpuinfo, /sys/devices/system/cpu and /sys/devices/system/node, which is what the
 * kubelet takes a node's capacity from, and `free`, `lscpu` and `getconf _NPROCESSORS_ONLN` their figures.
 *
 * Shown is not enforced: a machine may use more than it has. What asks the kernel itself still learns of the host: the
 * system calls sched_getaffinity and sysinfo (`nproc`, `uptime`), /proc/stat (`top`), and pods, whose /proc and /sys are new ones.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import type { MachineSpec } from "./spec.js";

/** What of a machine its hardware follows from. */
export type Hardware = Pick<MachineSpec, "vcpus" | "memory">;

/** Where the machine finds the files of its hardware. */
export const hardwareMount = "/run/corekube-lab/hardware";

/** Places in the machine that the files are laid over, by their path in the folder. */
const hardwareTargets: Readonly<Record<string, string>> = {
  meminfo: "/proc/meminfo",
  cpuinfo: "/proc/cpuinfo",
  cpu: "/sys/devices/system/cpu",
  node: "/sys/devices/system/node",
};

const kibibytes = (megabytes: number): number => megabytes * 1024;

/**
 * MemTotal of a machine, kB: what its kernel leaves of the size's memory.
 * One 64th is the kernel's table of pages (64 bytes for each page of 4,096); 49,904 kB are its code and early reservations; from
 * 4 GB up, 64 MB more are bounce buffers for devices that address 32 bits (swiotlb). The constant is from a Node object of an
 * s-2vcpu-2gb in a public report (digitalocean-cloud-controller-manager, issue 639: capacity 2014480Ki).
 * @param memory The size's memory, MB.
 */
export function memTotal(memory: number): number {
  const nominal = kibibytes(memory);
  return nominal - nominal / 64 - 49_904 - (memory >= 4096 ? kibibytes(64) : 0);
}

/** /proc/meminfo of a machine that has booted and is not busy, as far as programs read it; it does not change while the machine runs. */
export function meminfo({ memory }: Hardware): string {
  const total = memTotal(memory);
  const part = (megabytes: number): number => Math.floor(Math.min(kibibytes(megabytes), total / 8));
  const anonymous = part(120);
  const cached = part(320);
  const buffers = part(24);
  const slab = part(64);
  const free = total - anonymous - cached - buffers - slab - part(16);
  const shared = part(2);
  const values: Readonly<Record<string, number>> = {
    MemTotal: total,
    MemFree: free,
    MemAvailable: free + Math.floor((cached + buffers + slab / 2) * 0.9),
    Buffers: buffers,
    Cached: cached,
    Active: Math.floor(cached / 2) + shared,
    Inactive: Math.ceil(cached / 2) + anonymous,
    SwapTotal: 0,
    SwapFree: 0,
    AnonPages: anonymous,
    Shmem: shared,
    Slab: slab,
    SReclaimable: Math.floor(slab / 2),
    SUnreclaim: Math.ceil(slab / 2),
  };
  const lines = Object.entries(values).map(
    ([name, value]) => `${`${name}:`.padEnd(16)}${String(value).padStart(8)} kB`,
  );
  const pages = ["Total", "Free", "Rsvd", "Surp"].map((name) => `${`HugePages_${name}:`.padEnd(16)}${"0".padStart(8)}`);
  return [...lines, ...pages, "Hugepagesize:       2048 kB", ""].join("\n");
}

/** /proc/cpuinfo: the host's first processor, as often as the machine has CPUs; one thread a core, all in one socket. */
export function cpuinfo({ vcpus }: Hardware, host: string): string {
  const first = host.split(/\n\n/)[0]!.trimEnd();
  return Array.from({ length: vcpus }, (_, number) => {
    const own: Readonly<Record<string, number>> = {
      processor: number,
      "physical id": 0,
      siblings: vcpus,
      "core id": number,
      "cpu cores": vcpus,
      apicid: number,
      "initial apicid": number,
    };
    const lines = first.split("\n").map((line) => {
      const name = line.split(":")[0]!.trim();
      return name in own ? `${line.slice(0, line.indexOf(":"))}: ${own[name]}` : line;
    });
    return `${lines.join("\n")}\n\n`;
  }).join("");
}

/** A list of CPUs from the first one on, in the kernel's notation. */
const list = (vcpus: number): string => (vcpus === 1 ? "0" : `0-${vcpus - 1}`);

/** The same as a mask, in groups of 32 bits. */
function mask(numbers: readonly number[]): string {
  const digits = numbers.reduce((bits, number) => bits | (1n << BigInt(number)), 0n).toString(16);
  const padded = digits.padStart(Math.ceil(digits.length / 8) * 8, "0");
  return (padded.match(/.{8}/g) ?? []).join(",").replace(/^0+(?=.)/, "");
}

/** Files below `cpu` and `node`, by path, without the final newline. */
export function topologyFiles({ vcpus, memory }: Hardware): Readonly<Record<string, string>> {
  const all = Array.from({ length: vcpus }, (_, number) => number);
  const files: Record<string, string> = {
    "cpu/online": list(vcpus),
    "cpu/possible": list(vcpus),
    "cpu/present": list(vcpus),
    "cpu/offline": "",
    "cpu/isolated": "",
    "cpu/kernel_max": "255",
    "node/online": "0",
    "node/possible": "0",
    "node/has_cpu": "0",
    "node/has_memory": "0",
    "node/has_normal_memory": "0",
    "node/node0/cpulist": list(vcpus),
    "node/node0/cpumap": mask(all),
    "node/node0/distance": "10",
    "node/node0/meminfo": `Node 0 MemTotal: ${memTotal(memory)} kB`,
    "node/node0/hugepages/hugepages-2048kB/nr_hugepages": "0",
  };
  for (const number of all) {
    const topology = `cpu/cpu${number}/topology`;
    const own = { map: mask([number]), list: String(number) };
    const together = { map: mask(all), list: list(vcpus) };
    Object.assign(files, {
      [`${topology}/core_id`]: String(number),
      [`${topology}/physical_package_id`]: "0",
      [`${topology}/die_id`]: "0",
    });
    for (const [names, cpus] of [
      [["thread_siblings", "core_cpus"], own],
      [["core_siblings", "package_cpus", "die_cpus"], together],
    ] as const) {
      for (const name of names)
        Object.assign(files, { [`${topology}/${name}`]: cpus.map, [`${topology}/${name}_list`]: cpus.list });
    }
  }
  return files;
}

/**
 * What can be shown of a size on this host. Not more CPUs than the host has: the kubelet puts pods on all that it sees, and the kernel
 * refuses those that are not there.
 */
export function shown({ vcpus, memory }: Hardware, host = cpus().length): Hardware {
  return { vcpus: Math.min(vcpus, host), memory };
}

/** Writes all files. @param folder Replaced as a whole; the machine must not run. */
export function writeHardware(folder: string, size: Hardware): void {
  const hardware = shown(size);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const files = {
    meminfo: meminfo(hardware),
    cpuinfo: cpuinfo(hardware, readFileSync("/proc/cpuinfo", "utf8")),
    ...Object.fromEntries(Object.entries(topologyFiles(hardware)).map(([path, text]) => [path, `${text}\n`])),
  };
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(partial, path)), { recursive: true });
    writeFileSync(join(partial, path), text);
  }
  for (let number = 0; number < hardware.vcpus; number += 1)
    symlinkSync(`../../cpu/cpu${number}`, join(partial, `node/node0/cpu${number}`));
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

/** Lines of the machine's script that lay the files over the kernel's own; what the host has not is not made up. */
export const hardwareScript = Object.entries(hardwareTargets)
  .map(
    ([name, target]) =>
      `if [ -e ${hardwareMount}/${name} ] && [ -e ${target} ]; then mount --bind ${hardwareMount}/${name} ${target}; fi`,
  )
  .join("\n");

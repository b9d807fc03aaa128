/** What a region changes on this machine, to check that nothing of it is left. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { run, tryRun } from "../../../lab/process/run.js";

/** State of this machine at one moment: sorted lists without what changes on its own. */
export interface Footprint {
  readonly links: readonly string[];
  readonly addresses: readonly string[];
  readonly routes: readonly string[];
  readonly namespaces: readonly string[];
  readonly mounts: readonly string[];
  readonly loopDevices: readonly string[];
  readonly rules: readonly string[];
  readonly cgroups: readonly string[];
  /** Lines of /etc/hosts. */
  readonly hosts: readonly string[];
  /** `pid command` */
  readonly processes: readonly string[];
}

/** Output lines of a command; none when the command is not installed. */
async function lines(...command: readonly string[]): Promise<string[]> {
  const result = await tryRun(command).catch(() => undefined);
  return (result?.stdout ?? "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .sort();
}

function cgroupsBelow(folder: string, depth: number): string[] {
  if (depth === 0) return [];
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap((entry) => [`${folder}/${entry.name}`, ...cgroupsBelow(`${folder}/${entry.name}`, depth - 1)]);
  } catch {
    return []; // Removed meanwhile.
  }
}

function processes(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        // Kernel threads have no command line; they come and go.
        return command ? [`${pid} ${command}`] : [];
      } catch {
        return [];
      }
    })
    .sort();
}

export async function takeFootprint(): Promise<Footprint> {
  return {
    // Without flags, indices and counters.
    links: (await run(["ip", "-o", "link"]))
      .split("\n")
      .flatMap((line) => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? [])
      .sort(),
    addresses: (await lines("ip", "-o", "addr")).map((line) => /^\d+: (\S+\s+\S+ \S+)/.exec(line)?.[1] ?? line).sort(),
    routes: [...(await lines("ip", "route", "show", "table", "all")), ...(await lines("ip", "rule"))],
    namespaces: (await lines("ip", "netns", "list")).map((line) => line.split(" ")[0] ?? line),
    mounts: readFileSync("/proc/self/mounts", "utf8").split("\n").filter(Boolean).sort(),
    loopDevices: await lines("losetup", "--noheadings", "--output", "NAME,BACK-FILE"),
    rules: await lines("nft", "list", "ruleset"),
    // Others come and go with logins and services; all that a region makes are below its own.
    cgroups: cgroupsBelow("/sys/fs/cgroup", 5)
      .filter((path) => path.includes("/corekube-"))
      .sort(),
    hosts: readFileSync("/etc/hosts", "utf8").split("\n").sort(),
    processes: processes(),
  };
}

/**
 * What exists now and did not before, except lines with one of `others`, which belong to another region. Processes count only
 * when they belong to the region: `mark` is in their command line, or they run in its folder.
 */
export function leftovers(
  before: Footprint,
  after: Footprint,
  mark: readonly string[],
  others: readonly string[] = [],
): string[] {
  const found: string[] = [];
  for (const kind of [
    "links",
    "addresses",
    "routes",
    "namespaces",
    "mounts",
    "loopDevices",
    "rules",
    "cgroups",
    "hosts",
  ] as const) {
    const known = new Set(before[kind]);
    found.push(...after[kind].filter((line) => !known.has(line)).map((line) => `${kind}: ${line}`));
  }
  const known = new Set(before.processes);
  for (const line of after.processes) {
    if (!known.has(line) && (mark.some((text) => line.includes(text)) || runsIn(line, mark)))
      found.push(`processes: ${line}`);
  }
  return found.filter((line) => !others.some((text) => line.includes(text)));
}

function runsIn(line: string, folders: readonly string[]): boolean {
  const pid = line.split(" ")[0] ?? "";
  try {
    const places = [
      readlinkSync(`/proc/${pid}/cwd`),
      readlinkSync(`/proc/${pid}/root`),
      readFileSync(`/proc/${pid}/cgroup`, "utf8"),
    ];
    return places.some((place) => folders.some((folder) => place.includes(folder)));
  } catch {
    return false;
  }
}

/** Processor time and memory of a command and its descendants, sampled from /proc. */
import { readdirSync, readFileSync } from "node:fs";

const sampleMilliseconds = 200;
/** Number of samples per search for new processes, which reads all of /proc. */
const samplesPerSearch = 5;
/** Of `times` in /proc/<pid>/stat; fixed on Linux for user space. */
const ticksPerSecond = 100;

export interface Usage {
  /** Highest sum of the proportional set sizes (PSS) of all processes at one moment, MB: shared pages count once. */
  readonly memory: number;
  /** Seconds of processor time by kind of process. */
  readonly processor: Readonly<Record<string, number>>;
  /** MB by kind of process, at the moment of the highest sum. */
  readonly memoryBy: Readonly<Record<string, number>>;
}

interface Seen {
  readonly kind: string;
  readonly seconds: number;
}

/** Samples `root` and its descendants until `stop`. */
export function watchProcesses(root: number): { stop(): Usage } {
  const seen = new Map<number, Seen>();
  let alive: readonly number[] = [];
  let samples = 0;
  let peak = 0;
  let memoryBy: Record<string, number> = {};
  const sample = (): void => {
    if (samples++ % samplesPerSearch === 0) alive = tree(root);
    const now: Record<string, number> = {};
    for (const pid of alive) {
      const stat = statOf(pid);
      if (stat === undefined) continue;
      // A forked child has its parent's command line until it executes a program.
      const kind = kindOf(pid) ?? seen.get(pid)?.kind ?? "others";
      seen.set(pid, { kind, seconds: stat.seconds });
      now[kind] = (now[kind] ?? 0) + memoryOf(pid);
    }
    const sum = Object.values(now).reduce((all, value) => all + value, 0);
    if (sum > peak) [peak, memoryBy] = [sum, now];
  };
  const timer = setInterval(sample, sampleMilliseconds);
  return {
    stop() {
      clearInterval(timer);
      const processor: Record<string, number> = {};
      for (const { kind, seconds } of seen.values()) processor[kind] = (processor[kind] ?? 0) + seconds;
      return { memory: peak, processor, memoryBy };
    },
  };
}

interface Stat {
  readonly parent: number;
  readonly seconds: number;
}

function tree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
    if (stat !== undefined) parents.set(Number(name), stat.parent);
  }
  const below = (pid: number): boolean => {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at))
      if (at === root) return true;
    return false;
  };
  return [...parents.keys()].filter(below);
}

/** Undefined: the process has ended. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name in parentheses may contain any character.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond };
  } catch {
    return undefined;
  }
}

function memoryOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Undefined: the process has ended, or has no command line yet. */
function kindOf(pid: number): string | undefined {
  let command: string;
  try {
    command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return undefined;
  }
  if (command === "") return undefined;
  const plugin = /pulumi-resource-(\w+)/.exec(command);
  if (plugin) return `plugin ${plugin[1]}`;
  if (command.includes("pulumi-language-")) return "language host";
  if (command.includes("@pulumi/pulumi/cmd/run")) return "program";
  return /(^|\/)pulumi$/.test(command.split("\0", 1)[0] ?? "") ? "engine" : "others";
}

/** Processes by pid and start time: a pid alone may have been given to somebody else in the meantime. */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessMark {
  readonly pid: number;
  /** Clock ticks between the kernel's start and the process's (field 22 of /proc/PID/stat). */
  readonly startTime: string;
  /** Tells apart two runs of the machine, in which pid and start time might meet. */
  readonly bootId: string;
}

/** The mark of a process that runs now; undefined when there is none (a zombie counts as none). */
export function markOf(pid: number): ProcessMark | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name stands in parentheses and may hold spaces and parentheses itself.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return { pid, startTime: fields[19]!, bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim() };
  } catch {
    return undefined;
  }
}

/** Whether the very process that was marked still runs. */
export function isAlive(mark: ProcessMark | undefined): mark is ProcessMark {
  if (!mark) return false;
  const now = markOf(mark.pid);
  return now !== undefined && now.startTime === mark.startTime && now.bootId === mark.bootId;
}

/** Sends a signal, unless the process has ended. Returns whether it was sent. */
export function signalMark(mark: ProcessMark | undefined, signal: NodeJS.Signals | number): boolean {
  if (!isAlive(mark)) return false;
  try {
    process.kill(mark.pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Waits until the process has ended. Returns false when it still runs after `timeout` milliseconds. */
export async function waitForEnd(mark: ProcessMark | undefined, timeout: number): Promise<boolean> {
  const end = Date.now() + timeout;
  while (isAlive(mark)) {
    if (Date.now() >= end) return false;
    await sleep(20);
  }
  return true;
}

/** Children of a process, by its main thread. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Name of the running program, cut to 15 characters by the kernel. */
export function commandName(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return undefined;
  }
}

/** Whether the process is the first one of a PID namespace below this one. */
export function isNamespaceInit(pid: number): boolean {
  try {
    const line = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]?.split(/\s+/) ?? [];
    return line.length > 1 && line.at(-1) === "1";
  } catch {
    return false;
  }
}

/** All processes that /proc shows. */
export const allProcesses = (): readonly number[] =>
  readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map(Number);

export function writeMark(file: string, mark: ProcessMark): void {
  writeFileSync(file, `${JSON.stringify(mark)}\n`);
}

/** The mark that a file holds; undefined when the file is missing or cut off by a crash. */
export function readMark(file: string): ProcessMark | undefined {
  try {
    const value = JSON.parse(readFileSync(file, "utf8")) as Partial<ProcessMark>;
    if (typeof value.pid !== "number" || typeof value.startTime !== "string" || typeof value.bootId !== "string")
      return undefined;
    return { pid: value.pid, startTime: value.startTime, bootId: value.bootId };
  } catch {
    return undefined;
  }
}

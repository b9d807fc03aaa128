/** Processes by id and start time: the kernel may give an id to another process once its owner has ended. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { writeAtomically } from "./files.js";
import { sendSignal } from "./run.js";

export interface ProcessMark {
  readonly pid: number;
  /** Clock ticks from the start of the kernel to the start of the process (field 22 of /proc/PID/stat). */
  readonly startTime: string;
  /** Boot of the machine: after a restart another process may have the same id and start time. */
  readonly bootId: string;
}

/** The mark of a running process; undefined when there is none (a zombie counts as none). */
export function markOf(pid: number): ProcessMark | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name is in parentheses and may itself contain spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return { pid, startTime: fields[19]!, bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim() };
  } catch {
    return undefined;
  }
}

/** Whether the marked process still runs. */
export function isAlive(mark: ProcessMark | undefined): mark is ProcessMark {
  const now = mark && markOf(mark.pid);
  return now !== undefined && now.startTime === mark?.startTime && now.bootId === mark.bootId;
}

/** Sends a signal unless the process has ended. Returns whether the process was running. */
export function signalMark(mark: ProcessMark | undefined, signal: NodeJS.Signals | number): boolean {
  if (!isAlive(mark)) return false;
  sendSignal(mark.pid, signal, false);
  return true;
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

/** Children of a process's main thread. */
export function childrenOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(/\s+/).filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

export function writeMark(file: string, mark: ProcessMark): void {
  writeAtomically(file, `${JSON.stringify(mark)}\n`);
}

/** The mark in a file; undefined when the file is missing or damaged. */
export function readMark(file: string): ProcessMark | undefined {
  try {
    const { pid, startTime, bootId } = JSON.parse(readFileSync(file, "utf8")) as Partial<ProcessMark>;
    if (typeof pid !== "number" || typeof startTime !== "string" || typeof bootId !== "string") return undefined;
    return { pid, startTime, bootId };
  } catch {
    return undefined;
  }
}

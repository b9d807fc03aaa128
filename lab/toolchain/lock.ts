/**
 * Locks between runs on one machine: a file that names its owner's process.
 *
 * A lock of a killed run is recognized, even if another process got its id, and taken over.
 */
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, markOf, readMark, writeMark, type ProcessMark } from "../process/marks.js";
import type { Progress } from "../progress.js";

/** Milliseconds between two tries. */
const interval = 500;
/** Milliseconds between two reports of a waiting run. */
const reminder = 8_000;

/**
 * Runs `task` while holding the lock `file`; waits for as long as another live run (or another part of this one) holds it.
 * @throws `progress.signal.reason` when interrupted while waiting; whatever `task` throws.
 */
export async function withLock<T>(file: string, progress: Progress, task: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(file), { recursive: true });
  sweep(file);
  const mine = `${file}.${randomUUID()}`;
  writeMark(mine, markOf(process.pid)!);
  try {
    let reported = 0;
    while (!tryLink(mine, file)) {
      const owner = readMark(file);
      if (!owner) continue; // Just released.
      if (!isAlive(owner)) {
        removeStale(file, owner);
        continue;
      }
      if (Date.now() - reported > reminder) {
        const holder = owner.pid === process.pid ? "another part of this run" : `another run (process ${owner.pid})`;
        progress.report(`waiting for ${holder}, which holds ${file}`);
        reported = Date.now();
      }
      await sleep(interval, undefined, { signal: progress.signal });
    }
  } finally {
    rmSync(mine, { force: true });
  }
  try {
    return await task();
  } finally {
    rmSync(file, { force: true });
  }
}

/** Removes the claims of runs that were killed while waiting. */
function sweep(file: string): void {
  for (const name of readdirSync(dirname(file)).filter((other) => other.startsWith(`${basename(file)}.`))) {
    const claim = join(dirname(file), name);
    const owner = readMark(claim);
    if (owner && !isAlive(owner)) rmSync(claim, { force: true });
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a dead owner's lock. Of two runs that try, one renames it; a new owner's lock is put back. */
function removeStale(file: string, stale: ProcessMark): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch {
    return; // Another run was faster.
  }
  const taken = readMark(aside);
  if (taken && (taken.pid !== stale.pid || taken.startTime !== stale.startTime)) tryLink(aside, file);
  rmSync(aside, { force: true });
}

/**
 * Locks between runs on one machine: a file that names its owner's process.
 *
 * A lock left by a killed run is recognized (its process is gone, even if the id was given to another one) and taken
 * over.
 */
import { randomUUID } from "node:crypto";
import { linkSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, markOf, readMark, writeMark, type ProcessMark } from "../process/marks.js";
import type { Progress } from "../progress.js";

/** How often a waiting run looks again, milliseconds. */
const interval = 500;
/** How often it says so, milliseconds. */
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
    let told = 0;
    while (!tryLink(mine, file)) {
      const owner = readMark(file);
      if (!owner) continue; // Released this very moment.
      if (!isAlive(owner)) {
        removeStale(file, owner);
        continue;
      }
      if (Date.now() - told > reminder) {
        const holder = owner.pid === process.pid ? "another part of this run" : `another run (process ${owner.pid})`;
        progress.report(`waiting for ${holder}, which holds ${file}`);
        told = Date.now();
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

/** Removes the claims of runs that were killed while they waited. */
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

/** Takes a dead owner's lock away. Two runs may find it at once: a rename has one winner, and a fresh lock goes back. */
function removeStale(file: string, stale: ProcessMark): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch {
    return; // The other one was faster.
  }
  const taken = readMark(aside);
  if (taken && (taken.pid !== stale.pid || taken.startTime !== stale.startTime)) tryLink(aside, file);
  rmSync(aside, { force: true });
}

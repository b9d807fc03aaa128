/**
 * Whether a run is under way on the stack, whoever started it.
 *
 * Pulumi Cloud says so in the stack's history. A backend of files has a lock for each run; other backends that Pulumi keeps itself
 * (buckets) have it too, where only Pulumi can read it: there, a state that was written after the last run had ended says so.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Run, Stack } from "./stack.js";
import type { StackState } from "./state.js";

export interface Activity {
  readonly active: boolean;
  /** When the run that is under way, or else the last one, began. Undefined: there was none. */
  readonly since: Date | undefined;
  /** The last run that has ended. */
  readonly last: Run | undefined;
  /** In a few words, for people. */
  readonly text: string;
}

interface Lock {
  readonly pid: number;
  readonly hostname: string;
  readonly username: string;
  readonly timestamp: string;
}

/** A state is written once more while a run ends. */
const endSeconds = 5;

export async function activityOf(stack: Stack, state: StackState): Promise<Activity> {
  const [last] = await stack.history();
  if (last?.result === "in-progress")
    return {
      active: true,
      since: last.began,
      last: undefined,
      text: `a run (${last.kind}) is under way since ${time(last.began)}`,
    };
  const ended = last === undefined ? "no run yet" : `last run: ${last.kind}, ${last.result}, ended ${time(last.ended)}`;
  const locks = await readLocks(stack);
  const held = locks?.find((lock) => lock.hostname !== hostname() || isAlive(lock.pid));
  if (held !== undefined) {
    const since = new Date(held.timestamp);
    return {
      active: true,
      since,
      last,
      text: `a run of ${held.username}@${held.hostname} is under way since ${time(since)}`,
    };
  }
  if (locks !== undefined && locks.length > 0)
    return {
      active: false,
      since: new Date(locks[0]!.timestamp),
      last,
      text: "the last run was killed. Run: pulumi cancel && pulumi refresh",
    };
  const interrupted = state.pending.length > 0;
  if (locks !== undefined || !wroteAfter(state, last))
    return {
      active: false,
      since: last?.began,
      last,
      text: interrupted ? `${ended}; it was killed. Run: pulumi refresh` : ended,
    };
  return { active: true, since: last?.ended, last, text: "a run is under way, or was killed" };
}

function wroteAfter({ written, pending }: StackState, last: Run | undefined): boolean {
  if (pending.length > 0) return true;
  if (written === undefined) return false;
  return last?.ended === undefined || written.getTime() > last.ended.getTime() + endSeconds * 1000;
}

/** Locks of a backend of files; undefined for other backends. */
async function readLocks(stack: Stack): Promise<readonly Lock[] | undefined> {
  const url = await stack.backend();
  if (!url.startsWith("file://")) return undefined;
  const root = url.startsWith("file://~") ? join(homedir(), url.slice("file://~".length)) : fileURLToPath(url);
  const folder = join(root, ".pulumi", "locks", "organization", stack.project(), await stack.name());
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      try {
        return [JSON.parse(readFileSync(join(folder, name), "utf8")) as Lock];
      } catch {
        // It has just been removed, or is being written.
        return [];
      }
    });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Of another user.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

const time = (date: Date | undefined): string =>
  date === undefined ? "at an unknown time" : date.toISOString().replace(/\.\d+Z$/, "Z");

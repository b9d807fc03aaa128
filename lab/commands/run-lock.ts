/** One command at a time works on a region. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { isAlive, markOf, type ProcessMark } from "../process/marks.js";

interface Holder extends ProcessMark {
  readonly command: string;
}

const lockFile = (config: LabConfig): string => join(config.directory, "run.lock");

function readHolder(config: LabConfig): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(lockFile(config), "utf8")) as Holder;
    return isAlive(holder) ? holder : undefined;
  } catch {
    return undefined; // No lock, or one that was cut off while it was written.
  }
}

/**
 * Runs `action` while no other command works on the region. The lock of a process that has ended is ignored.
 * @throws Error that names the other command.
 */
export async function exclusively<T>(config: LabConfig, command: string, action: () => Promise<T>): Promise<T> {
  mkdirSync(config.directory, { recursive: true, mode: 0o700 });
  const holder = readHolder(config);
  if (holder) {
    throw new Error(
      `"make ${holder.command}" (pid ${holder.pid}) is using region ${config.name}; wait for it, or stop it with "kill -INT ${holder.pid}"`,
    );
  }
  writeFileSync(lockFile(config), JSON.stringify({ ...markOf(process.pid), command }));
  try {
    return await action();
  } finally {
    rmSync(lockFile(config), { force: true });
  }
}

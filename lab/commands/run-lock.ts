/** One command at a time works on a region. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { startTime } from "./process.js";

interface Holder {
  readonly pid: number;
  readonly start: string;
  readonly command: string;
}

function lockFile(config: LabConfig): string {
  return join(config.directory, "run.lock");
}

function readHolder(config: LabConfig): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(lockFile(config), "utf8")) as Holder;
    return startTime(holder.pid) === holder.start ? holder : undefined;
  } catch {
    return undefined; // No lock, or one that was cut off while it was written.
  }
}

/**
 * Runs `action` while no other command works on the region. A lock whose process is gone counts for nothing.
 * @throws Error that names the other command.
 */
export async function exclusively<T>(config: LabConfig, command: string, action: () => Promise<T>): Promise<T> {
  mkdirSync(config.directory, { recursive: true, mode: 0o700 });
  const holder = readHolder(config);
  if (holder) {
    throw new Error(
      `"make ${holder.command}" (pid ${holder.pid}) works on region ${config.name}; wait for its end, or stop it with "kill -INT ${holder.pid}"`,
    );
  }
  const own: Holder = { pid: process.pid, start: startTime(process.pid) ?? "", command };
  writeFileSync(lockFile(config), JSON.stringify(own));
  try {
    return await action();
  } finally {
    rmSync(lockFile(config), { force: true });
  }
}

/** What the kernel shows of a process that the lab did not start itself. */
import { readFileSync } from "node:fs";

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

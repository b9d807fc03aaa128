/** The console of a machine as a log file: what Ignition said and what the machine printed since its last start. */
import { appendFileSync, existsSync, mkdirSync, renameSync } from "node:fs";
import type { LabConfig } from "../config.js";
import { consoleLog, logsDirectory } from "./names.js";

/** Begins a new log; the one before is kept beside it as `.1`. */
export function rotateConsole(config: LabConfig, name: string): void {
  mkdirSync(logsDirectory(config), { recursive: true });
  const file = consoleLog(config, name);
  if (existsSync(file)) renameSync(file, `${file}.1`);
}

/** Adds a message of the lab's, at most its last 64 KB. */
export function appendConsole(config: LabConfig, name: string, text: string): void {
  mkdirSync(logsDirectory(config), { recursive: true });
  appendFileSync(consoleLog(config, name), `${text.slice(-65_536)}\n`);
}

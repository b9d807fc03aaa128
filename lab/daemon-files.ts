/** Files by which the daemon and its control meet. */
import { join } from "node:path";
import type { LabConfig } from "./config.js";

export const daemonFiles = (
  config: LabConfig,
): { readonly process: string; readonly ready: string; readonly log: string } => ({
  /** Process of the daemon, with its start time. */
  process: join(config.directory, "daemon.json"),
  /** The same, once it serves. */
  ready: join(config.directory, "daemon.ready.json"),
  /** One JSON object per line: time, level, message. */
  log: join(config.directory, "logs", "daemon.log"),
});

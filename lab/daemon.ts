/**
 * The region's daemon: the cloud's API and metadata, the mirror, and the driver that makes machines of what the cloud wants.
 *
 * Runs inside the region's network namespace, started by daemon-control.ts. Its end stops the serving only: machines,
 * load balancers and firewalls stay, and the next start takes them over.
 */
import { mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import pino from "pino";
import type { Closer } from "./clouds/cloud.js";
import { cloudOf } from "./clouds/index.js";
import { labConfig } from "./config.js";
import { daemonFiles } from "./daemon-files.js";
import { startMirror } from "./mirror/index.js";
import { markOf, writeMark } from "./process/marks.js";
import { joinHostGroup } from "./region/cgroups.js";
import { NspawnDriver } from "./region/driver.js";

/** Bytes after which the log is moved to `.1`. */
const logLimit = 8 * 1024 * 1024;

/** JSON lines, limited in size, without the API's token. */
function openLog(file: string, token: string): pino.Logger {
  const destination = pino.destination({ dest: file, mkdir: true, mode: 0o600, sync: true });
  setInterval(() => {
    if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) < logLimit) return;
    renameSync(file, `${file}.1`);
    destination.reopen();
  }, 10_000).unref();
  return pino(
    {
      base: null,
      messageKey: "message",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      hooks: { streamWrite: (line) => line.replaceAll(token, "***") },
    },
    destination,
  );
}

const textOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

async function main(): Promise<void> {
  const config = labConfig();
  const files = daemonFiles(config);
  mkdirSync(config.directory, { recursive: true });
  const mark = markOf(process.pid)!;
  rmSync(files.ready, { force: true });
  joinHostGroup(config);
  const log = openLog(files.log, config.token);

  let stopping = false;
  const closers: Closer[] = [];
  const stop = async (reason: string, code: number): Promise<void> => {
    if (stopping) return;
    stopping = true;
    log.info(`stopping: ${reason}`);
    // What does not close in time is cut off: nothing is lost by it, the state is written with every answer.
    setTimeout(() => process.exit(code), 8_000).unref();
    for (const { name, close } of closers.reverse()) {
      await close().catch((error: unknown) => log.error(`${name}: ${String(error)}`));
    }
    rmSync(files.ready, { force: true });
    process.exit(code);
  };
  process.on("SIGTERM", () => void stop("SIGTERM", 0));
  process.on("SIGINT", () => void stop("SIGINT", 0));
  process.on("unhandledRejection", (error) => log.error(`unhandled: ${textOf(error)}`));
  process.on("uncaughtException", (error) => {
    log.error(`uncaught: ${textOf(error)}`);
    void stop("internal error", 1);
  });

  const driver = new NspawnDriver(config, { report: (text) => log.info(text) });
  const mirror = await startMirror(config);
  closers.push({ name: "mirror", close: () => mirror.stop() });
  closers.push(...(await cloudOf(config).serve(config, driver, log)));
  writeMark(files.ready, mark);
  log.info(`serving on ${config.apiUrl}`);
}

main().catch((error: unknown) => {
  // Standard error is the log file, whose end is in the error of the process that started this one.
  process.stderr.write(
    `${JSON.stringify({ level: "error", time: new Date().toISOString(), message: textOf(error) })}\n`,
  );
  process.exit(1);
});

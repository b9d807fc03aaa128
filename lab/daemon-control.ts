/** Starts and stops the region's daemon, and tells whether it serves. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { motoLost, motoStatus } from "./clouds/aws/moto.js";
import { type LabConfig, projectDirectory } from "./config.js";
import { daemonFiles } from "./daemon-files.js";
import { regionCloud } from "./kind.js";
import { type ProcessMark, isAlive, markOf, readMark, signalMark, waitForEnd } from "./region/processes.js";
import { createRegion } from "./region/region.js";
import { inNamespace } from "./region/run.js";
import type { Progress } from "./progress.js";

/** How long the API may take to answer, milliseconds. */
const startTimeout = 60_000;

export type DaemonStatus =
  | { readonly state: "stopped" }
  /** Runs but does not serve (yet). */
  | { readonly state: "starting"; readonly pid: number }
  | { readonly state: "serving"; readonly pid: number };

export function daemonStatus(config: LabConfig): DaemonStatus {
  const files = daemonFiles(config);
  const running = readMark(files.process);
  if (!isAlive(running)) return { state: "stopped" };
  const ready = readMark(files.ready);
  const serves = ready !== undefined && ready.pid === running.pid && ready.startTime === running.startTime;
  return { state: serves ? "serving" : "starting", pid: running.pid };
}

/**
 * Starts the daemon in the region (which is made if it is missing) and waits until its API answers; one that serves is kept.
 * @throws Error with the tail of the daemon's log when it ends or does not answer in time; when the region's AWS has been lost.
 */
export async function startDaemon(config: LabConfig, progress: Progress): Promise<void> {
  if (regionCloud(config) === "aws" && motoStatus(config) === "lost") throw new Error(motoLost(config));
  await createRegion(config, progress);
  let mark: ProcessMark | undefined;
  if (daemonStatus(config).state === "stopped") mark = await launch(config, progress);
  const end = Date.now() + startTimeout;
  let reported = Date.now();
  for (;;) {
    progress.signal?.throwIfAborted();
    const { state } = daemonStatus(config);
    if (state === "serving" && (await answers(config))) return;
    if (mark && !isAlive(mark))
      throw new Error(
        `the lab's daemon ended while it started; the end of ${daemonFiles(config).log}:\n${logTail(config)}`,
      );
    if (Date.now() > end) {
      throw new Error(
        `the lab's API does not answer at ${config.apiUrl} after ${startTimeout / 1000} s; the end of ${daemonFiles(config).log}:\n${logTail(config)}`,
      );
    }
    if (Date.now() - reported > 5_000) {
      progress.report(`waiting for the lab's API at ${config.apiUrl}`);
      reported = Date.now();
    }
    await sleep(100);
  }
}

async function launch(config: LabConfig, progress: Progress): Promise<ProcessMark> {
  const files = daemonFiles(config);
  mkdirSync(dirname(files.log), { recursive: true });
  rmSync(files.ready, { force: true });
  progress.report(`starting the lab's daemon in ${config.namespace}`);
  const log = openSync(files.log, "a", 0o600);
  const [program, ...parameters] = inNamespace(config.namespace, [
    process.execPath,
    "--import",
    pathToFileURL(require.resolve("tsx")).href,
    join(projectDirectory, "lab", "daemon.ts"),
  ]);
  const child = spawn(program!, parameters, {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: projectDirectory,
    env: daemonEnvironment(config),
  });
  closeSync(log);
  await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
  child.unref();
  // nsenter becomes the daemon, so its pid stays; the daemon writes its own mark.
  const started = markOf(child.pid!);
  if (!started) throw new Error(`the lab's daemon ended at once; the end of ${files.log}:\n${logTail(config)}`);
  return started;
}

/** The daemon gets the region's settings and what it needs to find programs; no credentials of the user's. */
function daemonEnvironment(config: LabConfig): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {
    COREKUBE_LAB: config.name,
    COREKUBE_LAB_DIR: config.directory,
    COREKUBE_CACHE: config.cache,
    LANG: "C.UTF-8",
  };
  const passed = [
    "PATH",
    "HOME",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "GOPROXY",
    "GOFLAGS",
  ];
  for (const name of passed) if (process.env[name] !== undefined) environment[name] = process.env[name];
  return environment;
}

async function answers(config: LabConfig): Promise<boolean> {
  try {
    // For AWS this is a path of no service: what matters is that the front answers.
    const response = await fetch(
      `${config.apiUrl}${regionCloud(config) === "aws" ? "/corekube/state" : "/v2/account"}`,
      { headers: { authorization: `Bearer ${config.token}` }, signal: AbortSignal.timeout(3_000) },
    );
    await response.arrayBuffer();
    return response.status < 500;
  } catch {
    return false;
  }
}

/** Ends the daemon; machines go on. @throws Error when it does not end. */
export async function stopDaemon(config: LabConfig): Promise<void> {
  const files = daemonFiles(config);
  const mark = readMark(files.process);
  if (signalMark(mark, "SIGTERM") && !(await waitForEnd(mark, 15_000))) {
    signalMark(mark, "SIGKILL");
    if (!(await waitForEnd(mark, 3_000))) throw new Error(`the lab's daemon (process ${mark?.pid}) does not end`);
  }
  for (const file of [files.ready, files.process]) rmSync(file, { force: true });
}

/** The last lines of the daemon's log, for error messages. */
export function logTail(config: LabConfig, lines = 15): string {
  const { log } = daemonFiles(config);
  return existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n").slice(-lines).join("\n") : "(empty)";
}

/** Starts and stops the region's daemon, and reports whether it serves. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cloudOf } from "./clouds/index.js";
import { type LabConfig, projectDirectory } from "./config.js";
import { daemonFiles } from "./daemon-files.js";
import { Daemon } from "./process/daemon.js";
import { readMark } from "./process/marks.js";
import type { Progress } from "./progress.js";
import { createRegion } from "./region/region.js";
import { inNamespace } from "./region/run.js";

const daemon = (config: LabConfig): Daemon =>
  new Daemon("the lab's daemon", daemonFiles(config).process, daemonFiles(config).log);

export type DaemonStatus =
  | { readonly state: "stopped" }
  /** Runs but does not serve (yet). */
  | { readonly state: "starting"; readonly pid: number }
  | { readonly state: "serving"; readonly pid: number };

export function daemonStatus(config: LabConfig): DaemonStatus {
  const running = daemon(config).running();
  if (!running) return { state: "stopped" };
  const ready = readMark(daemonFiles(config).ready);
  const serves = ready?.pid === running.pid && ready.startTime === running.startTime;
  return { state: serves ? "serving" : "starting", pid: running.pid };
}

/**
 * Starts the daemon in the region (which is made if it is missing) and waits until its API answers; one that serves is kept.
 * @throws Error with the end of the daemon's log when it ends or does not answer in time; when the region's account has been lost.
 */
export async function startDaemon(config: LabConfig, progress: Progress): Promise<void> {
  const lost = cloudOf(config).lost(config);
  if (lost !== undefined) throw new Error(lost);
  await createRegion(config, progress);
  if (daemonStatus(config).state === "stopped") {
    rmSync(daemonFiles(config).ready, { force: true });
    progress.report(`starting the lab's daemon in ${config.namespace}; its API is ${config.apiUrl}`);
  }
  await daemon(config).start({
    // nsenter becomes the daemon, so its process id stays.
    command: inNamespace(config.namespace, [
      process.execPath,
      ...["--import", pathToFileURL(require.resolve("tsx")).href],
      join(projectDirectory, "lab", "daemon.ts"),
    ]),
    cwd: projectDirectory,
    env: daemonEnvironment(config),
    ready: async () => daemonStatus(config).state === "serving" && (await answers(config)),
    timeout: 60_000,
    pause: 100,
    signal: progress.signal,
  });
}

/** The daemon gets the region's settings and what it needs to find programs; no credentials of the user's. */
function daemonEnvironment(config: LabConfig): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {
    COREKUBE_LAB: config.name,
    COREKUBE_LAB_DIR: config.directory,
    COREKUBE_CACHE: config.cache,
    LANG: "C.UTF-8",
  };
  const proxies = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"];
  const passed = ["PATH", "HOME", "TMPDIR", "GOPROXY", ...proxies, ...proxies.map((name) => name.toLowerCase())];
  for (const name of passed) if (process.env[name] !== undefined) environment[name] = process.env[name];
  return environment;
}

async function answers(config: LabConfig): Promise<boolean> {
  const response = await fetch(`${config.apiUrl}${cloudOf(config).probe}`, {
    headers: { authorization: `Bearer ${config.token}` },
    signal: AbortSignal.timeout(3_000),
  });
  await response.arrayBuffer();
  return response.status < 500;
}

/** Ends the daemon; machines stay. @throws Error when it does not end. */
export async function stopDaemon(config: LabConfig): Promise<void> {
  await daemon(config).stop(15_000);
  rmSync(daemonFiles(config).ready, { force: true });
}

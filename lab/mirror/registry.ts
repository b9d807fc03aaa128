/** The image registry: the distribution project's server as a child process; its content is in the cache. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { tail } from "../process/files.js";
import { until } from "../process/until.js";
import { toolPath } from "../toolchain/index.js";
import { registryDirectory } from "./records.js";
import { freePort } from "../process/freePort.js";

export interface RegistryOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whether images can be pushed. @default false */
  readonly writable?: boolean;
  /** Folder of its settings, not shared with another running registry; made when missing. */
  readonly folder: string;
  /** File that its messages are added to. @default a file in `folder` */
  readonly log?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Registry {
  readonly port: number;
  stop(): Promise<void>;
}

/** Milliseconds until the server has to answer. */
const startTimeout = 20_000;
/** Milliseconds between SIGTERM and SIGKILL. */
const stopTimeout = 5_000;

/**
 * Starts the registry and waits until it answers. It is restarted when it ends, until `stop`.
 * @throws Error with its last messages when it does not answer: the address is taken, or the storage cannot be read.
 */
export async function startRegistry(config: LabConfig, options: RegistryOptions): Promise<Registry> {
  const storage = registryDirectory(config);
  mkdirSync(storage, { recursive: true });
  mkdirSync(options.folder, { recursive: true });
  const log = options.log ?? join(options.folder, "registry.log");
  const port = options.port === 0 ? await freePort(options.host) : options.port;
  const settings = join(options.folder, "registry.json");
  // JSON is YAML too.
  writeFileSync(
    settings,
    JSON.stringify({
      version: "0.1",
      log: { level: "warn", accesslog: { disabled: true } },
      storage: {
        filesystem: { rootdirectory: storage },
        maintenance: { readonly: { enabled: options.writable !== true }, uploadpurging: { enabled: false } },
      },
      // Of an original's index the mirror has the image for linux/amd64 only.
      validation: {
        manifests: { indexes: { platforms: "list", platformlist: [{ architecture: "amd64", os: "linux" }] } },
      },
      http: { addr: `${options.host}:${port}`, secret: randomUUID() },
    }),
  );

  let stopping = false;
  let child: ChildProcess;
  const launch = (): ChildProcess => {
    const output = openSync(log, "a");
    // The kernel ends the server with this process, so that the address is free for the next run.
    const started = spawn("setpriv", ["--pdeathsig", "SIGTERM", toolPath(config, "registry"), "serve", settings], {
      stdio: ["ignore", output, output],
      env: { ...process.env, OTEL_TRACES_EXPORTER: "none" },
    });
    closeSync(output);
    started.on("error", () => undefined);
    started.on("exit", () => {
      if (!stopping)
        setTimeout(() => {
          if (!stopping) child = launch();
        }, 1_000).unref();
    });
    return started;
  };
  child = launch();

  const stop = async (): Promise<void> => {
    stopping = true;
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      child.kill("SIGTERM");
      const insist = setTimeout(() => child.kill("SIGKILL"), stopTimeout);
      await ended;
      clearTimeout(insist);
    }
  };
  try {
    const address = `http://${options.host}:${port}/v2/`;
    const { signal } = options;
    await until(`image registry on ${options.host}:${port}`, { timeout: startTimeout, pause: 50, signal }, async () => {
      const response = await fetch(address, { signal: AbortSignal.timeout(2_000) });
      if (!response.ok) throw new Error(`status ${response.status}`);
      return true;
    });
  } catch (error) {
    await stop();
    options.signal?.throwIfAborted();
    throw new Error(`${(error as Error).message}; its last messages:\n${tail(log, 5)}`, { cause: error });
  }
  return { port, stop };
}

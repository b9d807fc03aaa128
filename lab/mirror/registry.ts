/** The image registry: the server of the distribution project as a child process, its content in a folder of the cache. */
import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LabConfig } from "../config.js";
import { toolPath } from "../toolchain/index.js";
import { registryDirectory } from "./records.js";

export interface RegistryOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whether images can be pushed. @default false */
  readonly writable?: boolean;
  /** Folder of its settings; made when missing. Of no other registry at the same time. */
  readonly folder: string;
  /** File that its messages are added to. @default a file in `folder` */
  readonly log?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface Registry {
  readonly port: number;
  stop(): Promise<void>;
}

/** How long the server may take to answer, milliseconds. */
const startTimeout = 20_000;
/** How long it may take to end, milliseconds. */
const stopTimeout = 5_000;

/**
 * Starts the registry and waits until it answers. A server that ends by itself is started again, until `stop`.
 * @throws Error with its last messages when it does not come up (the address is taken, the storage cannot be read).
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
      http: { addr: `${options.host}:${port}`, secret: randomUUID() },
    }),
  );

  let stopping = false;
  let child: ChildProcess;
  const launch = (): ChildProcess => {
    const output = openSync(log, "a");
    // The kernel ends the server with us, however we end: it must not keep the address from the next run.
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
    await waitUntilServing(`http://${options.host}:${port}/v2/`, options.signal);
  } catch (error) {
    const last = lastLines(log);
    await stop();
    options.signal?.throwIfAborted();
    throw new Error(
      `image registry does not answer on ${options.host}:${port}: ${(error as Error).message}${last ? `; its last messages:\n${last}` : ""}`,
      { cause: error },
    );
  }
  return { port, stop };
}

async function waitUntilServing(address: string, signal?: AbortSignal): Promise<void> {
  const end = Date.now() + startTimeout;
  for (;;) {
    try {
      const response = await fetch(address, { signal: AbortSignal.timeout(2_000) });
      if (response.ok) return;
      throw new Error(`status ${response.status}`);
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await sleep(50, undefined, { signal });
  }
}

function lastLines(file: string): string {
  try {
    return readFileSync(file, "utf8").trim().split("\n").slice(-5).join("\n");
  } catch {
    return "";
  }
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

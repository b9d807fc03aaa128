/** A large stack of the real program without machines: the lab's API on a loopback port, nothing behind it. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApi } from "../lab/clouds/digitalocean/api.js";
import { ensureStack } from "../lab/engine/stack.js";
import { stackName, writeSettings } from "../lab/engine/settings.js";
import { labConfig, type LabConfig } from "../lab/config.js";
import { CommandError } from "../lab/process/run.js";
import { plainProgress } from "../lab/progress.js";
import { FakeDriver } from "../test/support/fakeDriver.js";

/** Settings of a cluster with room for 5,000 workers: each machine needs a private address and a /24 of the pod network. */
const largeCluster = {
  "corekube:high_availability": true,
  "corekube:node_cidr": "10.8.0.0/16",
  "corekube:pod_cidr": "10.64.0.0/10",
  "corekube:mirrors": {},
};

export interface LargeStack {
  readonly config: LabConfig;
  readonly stack: string;
  /** Sets the number of workers, and other settings. */
  resize(workers: number, more?: Readonly<Record<string, unknown>>): void;
}

/** Runs `work` with a stack that is removed afterwards. */
export async function withLargeStack(workers: number, work: (stack: LargeStack) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "corekube-bench-"));
  process.env["COREKUBE_LAB"] = "test";
  process.env["COREKUBE_LAB_DIR"] = directory;
  const config = labConfig();
  const stack = stackName(config);
  const api = await createApi({
    driver: new FakeDriver(),
    stateFile: join(directory, "api.json"),
    config,
    logger: { info: () => undefined, error: (line) => process.stderr.write(`${line}\n`) },
    scarcity: () => ({ droplets: 10_000 }),
    rateLimit: { hourly: 1_000_000, burst: 1_000_000 },
  });
  try {
    const url = await api.app.listen({ host: "127.0.0.1", port: 0 });
    const resize: LargeStack["resize"] = (count, more = {}) =>
      writeSettings(config, stack, {
        ...largeCluster,
        ...more,
        "corekube:node_count": count,
        "digitalocean:apiEndpoint": url,
      });
    resize(workers);
    mkdirSync(join(directory, "logs"), { recursive: true });
    await ensureStack(config, stack, plainProgress());
    await work({ config, stack, resize });
  } finally {
    await api.app.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Ends the process with the result of a benchmark. */
export function end(main: Promise<void>): void {
  main.then(
    () => process.exit(),
    (error: unknown) => {
      // The engine names the reason before its long list of outputs.
      const output = error instanceof CommandError ? error.result.stdout.slice(0, 4_000) : "";
      process.stderr.write(`${output}\n${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );
}

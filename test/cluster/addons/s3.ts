/** Object storage outside a cluster, where machines and pods of the region reach it: folders of this machine behind S3. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, openSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LabConfig } from "../../../lab/config.js";
import { until } from "../../../lab/process/until.js";
import type { Progress } from "../../../lab/progress.js";
import { ensureTools, toolPath } from "../../../lab/toolchain/index.js";

const port = 7070;

export class ObjectStorage {
  /** Those of its only user. */
  readonly keyId = randomBytes(10).toString("hex");
  readonly secret = randomBytes(20).toString("hex");
  readonly endpoint: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "corekube-objects-"));
  #server: ChildProcess | undefined;

  constructor(private readonly config: LabConfig) {
    this.endpoint = `http://${config.gateway}:${port}`;
  }

  /** Serves in the region, which must be there, a bucket of this name. */
  async start(bucket: string, progress: Progress): Promise<void> {
    await ensureTools(this.config, ["versitygw"], progress);
    mkdirSync(join(this.#folder, "buckets", bucket), { recursive: true });
    const log = openSync(join(this.#folder, "log"), "a");
    const { namespace, gateway } = this.config;
    const program = [toolPath(this.config, "versitygw"), "--port", `${gateway}:${port}`, "posix"];
    this.#server = spawn("nsenter", [`--net=/run/netns/${namespace}`, ...program, join(this.#folder, "buckets")], {
      // Not on the command line, which everybody on this machine can read.
      env: { ...process.env, ROOT_ACCESS_KEY: this.keyId, ROOT_SECRET_KEY: this.secret },
      stdio: ["ignore", log, log],
    });
    await until(
      "the object storage",
      { timeout: 30_000, pause: 200 },
      async () => (await fetch(this.endpoint)).status > 0,
    );
  }

  /** Paths of the objects below a path. */
  objects(path: string): string[] {
    const folder = join(this.#folder, "buckets", path);
    return readdirSync(folder, { recursive: true, encoding: "utf8", withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort();
  }

  /** The objects go, too. */
  stop(): void {
    this.#server?.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

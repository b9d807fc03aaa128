/**
 * `make bench`: boots a cluster in the test region and writes time, memory and sizes to docs/benchmarks.md.
 *
 * `node --import tsx bench/run.ts --cold` uses empty caches (tools, Go modules, Go builds).
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Scaling } from "../test/cluster/support/scale.js";
import { down } from "../lab/commands/down.js";
import { usedMemory } from "../lab/commands/memory.js";
import { run } from "../lab/process/run.js";
import { stackName } from "../lab/engine/settings.js";
import { pulumi } from "../lab/engine/stack.js";
import { timingsFile, up, type SavedTimings } from "../lab/commands/up.js";
import { labConfig, type LabConfig } from "../lab/config.js";
import { plainProgress } from "../lab/progress.js";
import { machineDescription, writeBlock } from "./document.js";
import { figures, userDataLimit, workerResourceLimit, type Figures } from "./figures.js";

interface Export {
  readonly deployment: {
    readonly resources?: readonly {
      readonly type: string;
      readonly urn: string;
      readonly custom?: boolean;
      readonly inputs?: Readonly<Record<string, unknown>>;
    }[];
  };
}

/** Bytes of user-data by pool. */
async function userDataBytes(config: LabConfig, stack: string): Promise<Record<string, number>> {
  const state = JSON.parse(await pulumi(config, ["stack", "export", "--stack", stack], { stack })) as Export;
  const bytes: Record<string, number> = {};
  for (const resource of state.deployment.resources ?? []) {
    const { userData, name } = resource.inputs ?? {};
    if (typeof userData !== "string" || typeof name !== "string") continue;
    const pool = name.split("-").at(-2) ?? name;
    bytes[pool] = Math.max(bytes[pool] ?? 0, Buffer.byteLength(userData));
  }
  return bytes;
}

/** Resources that one more worker adds: all of them, and those that are not components. */
async function workerResources(config: LabConfig, stack: string): Promise<Figures["worker"]> {
  const scaling = new Scaling(config, stack, plainProgress());
  const began = Date.now();
  try {
    await scaling.set(3);
    const changes = await scaling.changes();
    const seconds = (Date.now() - began) / 1000;
    const names = changes.map((change) => change.urn.split("::").at(-2)?.split("$").at(-1) ?? "");
    return {
      all: changes.length,
      custom: names.filter((type) => !type.startsWith("corekube:") || /:(Delivery|Join)$/.test(type)).length,
      previewSeconds: seconds,
    };
  } finally {
    await scaling.set(2);
  }
}

async function main(): Promise<void> {
  const cold = process.argv.includes("--cold");
  const scratch = cold ? mkdtempSync(join(tmpdir(), "corekube-bench-")) : undefined;
  if (scratch) {
    process.env["COREKUBE_CACHE"] = join(scratch, "cache");
    process.env["GOCACHE"] = join(scratch, "go-build");
    process.env["GOMODCACHE"] = join(scratch, "go-modules");
  }
  process.env["COREKUBE_LAB"] = "test";
  const config = labConfig();
  const stack = stackName(config);
  const idle = usedMemory();
  try {
    await down(config, { cache: false });
    await up(config, stack);
    await up(config, stack);
    const [first, second] = (JSON.parse(readFileSync(timingsFile(config), "utf8")) as SavedTimings[]).slice(-2);
    if (!first || !second) throw new Error("make up wrote no timings");
    const measured: Figures = {
      cold,
      machine: await machineDescription(),
      date: new Date().toISOString().slice(0, 10),
      idleMemory: idle,
      userData: await userDataBytes(config, stack),
      worker: await workerResources(config, stack),
      first: first.phases,
      second: second.phases,
    };
    writeFigures(measured);
  } finally {
    await down(config, { cache: false });
    // Go's module cache is read-only.
    if (scratch) {
      await run(["chmod", "-R", "u+w", scratch]);
      rmSync(scratch, { recursive: true, force: true });
    }
  }
}

/** Replaces the block of warm or cold runs in docs/benchmarks.md. */
function writeFigures(measured: Figures): void {
  const block = figures(measured);
  writeBlock(measured.cold ? "cold" : "warm", block);
  process.stdout.write(`${block}\n`);
  for (const [pool, bytes] of Object.entries(measured.userData)) {
    if (bytes > userDataLimit) throw new Error(`user-data of ${pool}: ${bytes} bytes, the limit is ${userDataLimit}`);
  }
  if (measured.worker.custom > workerResourceLimit)
    throw new Error(`resources per worker: ${measured.worker.custom}, the limit is ${workerResourceLimit}`);
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);

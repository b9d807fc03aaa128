/**
 * `make bench-preview`: measures `pulumi preview` of large clusters and writes the figures to docs/benchmarks.md.
 *
 * The program is the real one, from an empty stack, against the lab's API on a loopback port with no machines behind it.
 * `--runs 1`, `--workers 10,100` measure less and write nothing.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createApi, type Api } from "../lab/clouds/digitalocean/api.js";
import { ensureStack } from "../lab/engine/stack.js";
import { stackName, writeSettings } from "../lab/engine/settings.js";
import { labConfig, type LabConfig } from "../lab/config.js";
import { plainProgress } from "../lab/progress.js";
import { FakeDriver } from "../test/support/fakeDriver.js";
import { machineDescription, writeBlock } from "./document.js";
import { measurePreview, median, type Preview } from "./measure.js";
import { previewAims, previewFigures, type PreviewFigures } from "./previewFigures.js";

const defaultWorkers = [10, 100, 1000, 5000];
const defaultRuns = 3;

/** Settings of a cluster with room for 5,000 workers: each machine needs a private address and a /24 of the pod network. */
const largeCluster = {
  "corekube:high_availability": true,
  "corekube:node_cidr": "10.8.0.0/16",
  "corekube:pod_cidr": "10.64.0.0/10",
  "corekube:mirrors": {},
};

async function serveApi(config: LabConfig): Promise<{ api: Api; url: string }> {
  const api = await createApi({
    driver: new FakeDriver(),
    stateFile: join(config.directory, "api.json"),
    config,
    logger: { info: () => undefined, error: (line) => process.stderr.write(`${line}\n`) },
    scarcity: () => ({ droplets: 10_000 }),
    rateLimit: { hourly: 1_000_000, burst: 1_000_000 },
  });
  return { api, url: await api.app.listen({ host: "127.0.0.1", port: 0 }) };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: "string" }, workers: { type: "string" } } });
  const runs = Number(values.runs ?? defaultRuns);
  const sizes = values.workers?.split(",").map(Number) ?? defaultWorkers;
  const directory = mkdtempSync(join(tmpdir(), "corekube-bench-"));
  process.env["COREKUBE_LAB"] = "test";
  process.env["COREKUBE_LAB_DIR"] = directory;
  const config = labConfig();
  const stack = stackName(config);
  const { api, url } = await serveApi(config);
  try {
    const settings = (workers: number): void =>
      writeSettings(config, stack, {
        ...largeCluster,
        "corekube:node_count": workers,
        "digitalocean:apiEndpoint": url,
      });
    settings(sizes[0] ?? 1);
    mkdirSync(join(directory, "logs"), { recursive: true });
    await ensureStack(config, stack, plainProgress());
    const previews: Preview[] = [];
    for (const workers of sizes) {
      settings(workers);
      const taken: Preview[] = [];
      for (let run = 1; run <= runs; run++) {
        const preview = await measurePreview(config, stack, workers);
        taken.push(preview);
        process.stdout.write(
          `${workers} workers, run ${run} of ${runs}: ${preview.seconds.toFixed(1)} s, ${preview.memory.toFixed(0)} MB, ${preview.resources} resources\n`,
        );
      }
      previews.push(median(taken));
    }
    const figures: PreviewFigures = {
      machine: await machineDescription(),
      date: new Date().toISOString().slice(0, 10),
      runs,
      previews,
    };
    const block = previewFigures(figures);
    process.stdout.write(`${block}\n`);
    if (values.runs === undefined && values.workers === undefined) writeBlock("preview", block);
    const missed = previewAims(figures).filter((aim) => !aim.met);
    if (missed.length > 0)
      throw new Error(`missed: ${missed.map(({ name, got, aim }) => `${name}: ${got}, aim ${aim}`).join("; ")}`);
  } finally {
    await api.app.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);

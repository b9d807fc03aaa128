/**
 * `make bench-preview`: measures `pulumi preview` of large clusters and writes the figures to docs/benchmarks.md.
 *
 * The program is the real one, from an empty stack, against the lab's API on a loopback port with no machines behind it.
 * `--runs 1`, `--workers 10,100` measure less and write nothing.
 */
import { parseArgs } from "node:util";
import { end, withLargeStack } from "./cloud.js";
import { conclude, machineDescription } from "./document.js";
import { measure, median, type Measured } from "./measure.js";
import { previewAims, previewFigures, type PreviewFigures } from "./previewFigures.js";

const defaultWorkers = [10, 100, 1000, 5000];
const defaultRuns = 3;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: "string" }, workers: { type: "string" } } });
  const runs = Number(values.runs ?? defaultRuns);
  const sizes = values.workers?.split(",").map(Number) ?? defaultWorkers;
  const previews: Measured[] = [];
  await withLargeStack(sizes[0] ?? 1, async ({ config, stack, resize }) => {
    for (const workers of sizes) {
      resize(workers);
      const taken: Measured[] = [];
      for (let run = 1; run <= runs; run++) {
        const preview = await measure(config, stack, workers, ["preview"]);
        taken.push(preview);
        process.stdout.write(
          `${workers} workers, run ${run} of ${runs}: ${preview.seconds.toFixed(1)} s, ${preview.memory.toFixed(0)} MB, ${preview.resources} resources\n`,
        );
      }
      previews.push(median(taken));
    }
  });
  const figures: PreviewFigures = {
    machine: await machineDescription(),
    date: new Date().toISOString().slice(0, 10),
    runs,
    previews,
  };
  const complete = values.runs === undefined && values.workers === undefined;
  conclude("preview", previewFigures(figures), previewAims(figures), complete);
}

end(main());

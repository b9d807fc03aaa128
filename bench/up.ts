/**
 * `make bench-up`: measures a `pulumi up` that changes nothing, beside its preview, and writes the figures to docs/benchmarks.md.
 *
 * The program is the real one, against the lab's API on a loopback port with no machines behind it; what would reach machines and
 * the cluster is a stub. `--runs 1`, `--workers 100` measure less and write nothing.
 */
import { parseArgs } from "node:util";
import { createPlugin } from "../lab/standins/digitalocean/plugin.js";
import { makingNothing, serveProviders } from "../test/support/stubProviders.js";
import { end, withLargeStack } from "./cloud.js";
import { conclude, machineDescription } from "./document.js";
import { measure, median, type Measured } from "./measure.js";
import { upAims, upFigures, type UpFigures } from "./upFigures.js";

const defaultWorkers = [100, 1000];
const defaultRuns = 3;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: "string" }, workers: { type: "string" } } });
  const runs = Number(values.runs ?? defaultRuns);
  const sizes = values.workers?.split(",").map(Number) ?? defaultWorkers;
  const measured: { preview: Measured; up: Measured }[] = [];
  await withLargeStack(sizes[0] ?? 1, async ({ config, stack, resize }) => {
    for (const workers of sizes) {
      resize(workers);
      const pulumi = async (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Measured> => {
        const providers = await serveProviders(makingNothing(createPlugin({ DIGITALOCEAN_TOKEN: config.token })));
        try {
          return await measure(config, stack, workers, args, { ...providers.env, ...env });
        } finally {
          await providers.close();
        }
      };
      // One checkpoint at the end and not one for each resource: only here, and not in what is measured.
      const made = await pulumi(["up", "--yes", "--skip-preview"], {
        PULUMI_EXPERIMENTAL: "true",
        PULUMI_SKIP_CHECKPOINTS: "true",
      });
      process.stdout.write(`${workers} workers created in ${made.seconds.toFixed(1)} s\n`);
      const taken: { preview: Measured; up: Measured }[] = [];
      for (let run = 1; run <= runs; run++) {
        const preview = await pulumi(["preview", "--expect-no-changes"]);
        const up = await pulumi(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
        taken.push({ preview, up });
        process.stdout.write(
          `${workers} workers, run ${run} of ${runs}: preview ${preview.seconds.toFixed(1)} s, up ${up.seconds.toFixed(1)} s, ${up.resources} resources\n`,
        );
      }
      measured.push({
        preview: median(taken.map(({ preview }) => preview)),
        up: median(taken.map(({ up }) => up)),
      });
    }
  });
  const figures: UpFigures = {
    machine: await machineDescription(),
    date: new Date().toISOString().slice(0, 10),
    runs,
    measured,
  };
  const complete = values.runs === undefined && values.workers === undefined;
  conclude("up", upFigures(figures), upAims(figures), complete);
}

end(main());

/**
 * `make bench-up`: measures a `pulumi up` that changes nothing, beside its preview, a preview of another flag of every kubelet, and a
 * refresh that asks every worker; writes the figures to docs/benchmarks.md.
 *
 * The program is the real one, against the lab's API on a loopback port with no machines behind it; what would reach machines and
 * the cluster is a stub, but for the refresh: it reads from a real SSH server. `--runs 1`, `--workers 100` measure less and write nothing.
 */
import { parseArgs } from "node:util";
import { createPlugin } from "../lab/standins/digitalocean/plugin.js";
import { makingNothing, serveProviders } from "../test/support/stubProviders.js";
import { AnsweringWorkers } from "./answering.js";
import { end, withLargeStack } from "./cloud.js";
import { conclude, machineDescription } from "./document.js";
import { measure, median, type Measured } from "./measure.js";
import {
  type Refreshed,
  type Refreshes,
  type Runs,
  silentWorkers,
  upAims,
  upFigures,
  type UpFigures,
} from "./upFigures.js";

const defaultWorkers = [100, 1000];
const defaultRuns = 3;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: "string" }, workers: { type: "string" } } });
  const runs = Number(values.runs ?? defaultRuns);
  const sizes = values.workers?.split(",").map(Number) ?? defaultWorkers;
  const measured: Runs[] = [];
  const workersAnswer = new AnsweringWorkers();
  await workersAnswer.start();
  await withLargeStack(sizes[0] ?? 1, async ({ config, stack, resize }) => {
    for (const workers of sizes) {
      resize(workers);
      const pulumi = async (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Measured> => {
        const cloud = makingNothing(createPlugin({ DIGITALOCEAN_TOKEN: config.token }));
        const providers = await serveProviders(cloud, undefined, undefined, workersAnswer.read);
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
      const taken: Omit<Runs, keyof Refreshes>[] = [];
      for (let run = 1; run <= runs; run++) {
        const preview = await pulumi(["preview", "--expect-no-changes"]);
        const up = await pulumi(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
        // A flag of every kubelet, and of the control plane.
        resize(workers, { "corekube:log_level": "DEBUG" });
        const changed = await pulumi(["preview"]);
        resize(workers);
        if (!changed.output.includes("corekube:machine:Join") || !/~ \d+ to update/.test(changed.output))
          throw new Error(`the preview shows no change of workers: ${changed.output.slice(-2_000)}`);
        taken.push({ preview, changed, up });
        process.stdout.write(
          `${workers} workers, run ${run} of ${runs}: preview ${preview.seconds.toFixed(1)} s, of another flag ${changed.seconds.toFixed(1)} s, up ${up.seconds.toFixed(1)} s, ${up.resources} resources\n`,
        );
      }
      const refresh = async (silent: number): Promise<Refreshed> => {
        workersAnswer.silent.clear();
        for (let index = 0; index < silent; index++) workersAnswer.silent.add(`kubernetes-worker-${index}`);
        workersAnswer.together = 0;
        const { seconds } = await pulumi(["refresh", "--yes", "--skip-preview"]);
        process.stdout.write(
          `${workers} workers, ${silent} without an answer: refresh ${seconds.toFixed(1)} s, ${workersAnswer.together} together\n`,
        );
        return { seconds, together: workersAnswer.together };
      };
      measured.push({
        preview: median(taken.map(({ preview }) => preview)),
        changed: median(taken.map(({ changed }) => changed)),
        up: median(taken.map(({ up }) => up)),
        refresh: await refresh(0),
        withSilent: await refresh(silentWorkers),
      });
    }
  });
  await workersAnswer.stop();
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

/**
 * `npm run record`: makes the sample stacks with this checkout and keeps their states as those of its release (package.json's
 * version), against which every later checkout is previewed. Writes nothing unless a preview of each then finds nothing to change.
 */
import { version } from "../../package.json";
import { changesOf, described } from "./support/changes.js";
import { each, refuseRecorded, samples, settingsOf, write } from "./support/recordings.js";
import { RecordedStacks, type StackState } from "./support/stacks.js";

async function main(): Promise<void> {
  refuseRecorded(version);
  const stacks = new RecordedStacks();
  const states = new Map<string, StackState>();
  try {
    await stacks.start();
    await each(samples, async (sample) => {
      await stacks.create(sample, settingsOf(sample));
      states.set(sample, await stacks.make(sample));
      const changes = described(changesOf(await stacks.preview(sample)));
      if (changes.length > 0)
        throw new Error(`${sample}: a preview right after its creation has changes:\n${changes.join("\n")}`);
      process.stdout.write(`${sample}: ${states.get(sample)!.deployment.resources.length} resources\n`);
    });
  } finally {
    await stacks.stop();
  }
  write(version, states);
  process.stdout.write(`wrote test/recorded/${version}\n`);
}

main().then(
  () => process.exit(),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);

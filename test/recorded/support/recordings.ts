/** Recorded releases: `<release>/<sample>.yaml`, a stack's settings, and `<release>/<sample>.json.gz`, the state that the release made with them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { parse } from "yaml";
import { projectDirectory } from "../../../lab/config.js";
import type { Settings, StackState } from "./stacks.js";

export const recordings = join(projectDirectory, "test", "recorded");
const samplesFolder = join(recordings, "samples");

const named = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => name.slice(0, -".yaml".length))
    .sort();

/** Stacks that are made for a recording. */
export const samples: readonly string[] = named(samplesFolder);

/** Releases that are recorded, oldest first. */
export const releases: readonly string[] = readdirSync(recordings)
  .filter((name) => /^\d+\.\d+\.\d+$/.test(name))
  .sort((left, right) => left.localeCompare(right, "en", { numeric: true }));

export const settingsOf = (sample: string, folder = samplesFolder): Settings =>
  parse(readFileSync(join(folder, `${sample}.yaml`), "utf8")) as Settings;

/** A recorded stack. */
export interface Recording {
  readonly release: string;
  readonly sample: string;
  readonly settings: Settings;
  readonly state: StackState;
}

export function recordingsOf(release: string): readonly Recording[] {
  const folder = join(recordings, release);
  return named(folder).map((sample) => ({
    release,
    sample,
    settings: settingsOf(sample, folder),
    state: JSON.parse(gunzipSync(readFileSync(join(folder, `${sample}.json.gz`))).toString()) as StackState,
  }));
}

/** @throws Error with the remedy when the release is recorded already. */
export function refuseRecorded(release: string): void {
  if (existsSync(join(recordings, release)))
    throw new Error(
      `test/recorded/${release} exists: it is what users of ${release} have, and is never made again. ` +
        "Raise the version first: npm version --no-git-tag-version minor && npm run record",
    );
}

export function write(release: string, states: ReadonlyMap<string, StackState>): void {
  refuseRecorded(release);
  const folder = join(recordings, release);
  mkdirSync(folder);
  for (const [sample, state] of states) {
    writeFileSync(join(folder, `${sample}.yaml`), readFileSync(join(samplesFolder, `${sample}.yaml`)));
    writeFileSync(join(folder, `${sample}.json.gz`), gzipSync(JSON.stringify(state), { level: 9 }));
  }
}

/** Runs as many at once as there are cores. */
export async function each<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const next = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
}

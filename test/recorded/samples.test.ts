/** What recordings cover: each setting is in a sample, or there is a reason. */
import assert from "node:assert/strict";
import { effects } from "../../infra/settings/reference.js";
import { samples, settingsOf } from "./support/recordings.js";

/** Settings that no sample has. */
const left: Readonly<Record<string, string>> = {
  accept_removed_apis: "it lets a run begin, and leaves nothing in the state",
  emulated_version: "of a cluster in the middle of a change; a release is recorded at rest",
  "mirrors.checksums": "a file beside the settings; what follows from it is what follows from other checksums",
  ...Object.fromEntries(
    ["vpc_id", "public_subnet_ids", "private_subnet_ids"].map((name) => [
      `aws.${name}`,
      "a network that exists, which an empty account has not",
    ]),
  ),
};

/** Paths of everything that is set, such as `etcd.mem` and `node_taints[0].key`. */
function pathsOf(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value)) return [path, ...value.flatMap((item) => pathsOf(item, `${path}[0]`))];
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => pathsOf(item, `${path}.${key}`))];
}

describe("samples of recordings", () => {
  const set = new Set(
    samples.flatMap((sample) =>
      Object.entries(settingsOf(sample))
        .filter(([key]) => key.startsWith("corekube:"))
        .flatMap(([key, value]) => pathsOf(value, key.slice("corekube:".length))),
    ),
  );

  it("have every setting, but for those with a reason", () => {
    assert.deepEqual([...effects().keys()].filter((name) => !set.has(name) && left[name] === undefined).sort(), []);
  });

  it("have none of those that are left out", () => {
    assert.deepEqual(
      Object.keys(left).filter((name) => set.has(name) || !effects().has(name)),
      [],
    );
  });
});

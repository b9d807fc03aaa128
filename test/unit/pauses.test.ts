/** What a change of the release takes away for a moment, and in which clusters. */
import assert from "node:assert/strict";
import type { ChosenReleases } from "../../components/spec/cluster.js";
import { pausesOf } from "../../components/spec/pauses.js";

const plain = (version: string): ChosenReleases => ({ kubernetesVersion: version, nodeVersion: version });
const emulating: ChosenReleases = { kubernetesVersion: "1.36.3", nodeVersion: "1.35.4", emulatedVersion: "1.35" };
const both = (releases: ChosenReleases) => ({ started: releases, finished: releases });
const [etcd, api] = [/^The only member of etcd .* some seconds/, /^The only controller .* up to a minute/];

describe("pauses of another release", () => {
  const rows: readonly (readonly [
    what: string,
    chosen: ChosenReleases,
    recorded: Parameters<typeof pausesOf>[1],
    replicas: number,
    expected: readonly RegExp[],
  ])[] = [
    ["none of a new cluster", plain("1.36.3"), {}, 1, []],
    ["none without a change", plain("1.36.3"), both(plain("1.36.3")), 1, []],
    ["a minor version: etcd's and the API's", plain("1.36.1"), both(plain("1.35.4")), 1, [etcd, api]],
    ["a patch with the same etcd: the API's", plain("1.36.3"), both(plain("1.36.1")), 1, [api]],
    ["an emulation: the API's", emulating, both(plain("1.35.4")), 1, [api]],
    ["the end of an emulation: both", plain("1.36.3"), both(emulating), 1, [etcd, api]],
    ["a change that goes on", plain("1.36.3"), { started: plain("1.36.3"), finished: plain("1.35.4") }, 1, [etcd, api]],
    ["none where others take over", plain("1.36.1"), both(plain("1.35.4")), 3, []],
  ];
  for (const [what, chosen, recorded, count, expected] of rows)
    it(what, () => {
      const found = pausesOf(chosen, recorded, { etcd: { count }, controllers: { count } });
      assert.equal(found.length, expected.length, found.join("\n"));
      expected.forEach((pattern, index) => assert.match(found[index]!, pattern));
    });
});

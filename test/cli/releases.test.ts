/** Which settings `corekube update` writes for another release. */
import assert from "node:assert/strict";
import { type ReleaseOptions, releaseSettings } from "../../cli/releases.js";
import type { ChosenReleases } from "../../components/spec/cluster.js";
import { chooseReleases, type RecordedReleases } from "../../components/spec/upgrade.js";

const plain = (version: string): ChosenReleases => ({ kubernetesVersion: version, nodeVersion: version });
const emulating: ChosenReleases = { kubernetesVersion: "1.36.3", nodeVersion: "1.35.4", emulatedVersion: "1.35" };
const at = (started: ChosenReleases, finished: ChosenReleases = started): RecordedReleases => ({ started, finished });

describe("corekube update: releases", () => {
  const rows: readonly (readonly [
    what: string,
    ReleaseOptions,
    RecordedReleases,
    kubernetes: string,
    emulated: string | null,
  ])[] = [
    ["the next minor emulates the one before", { version: "1.36.3" }, at(plain("1.35.4")), "1.36.3", "1.35"],
    ["the next minor at once", { version: "1.36.3", soak: false }, at(plain("1.35.4")), "1.36.3", null],
    ["a patch", { version: "1.36.1" }, at(plain("1.36.3")), "1.36.1", null],
    ["a patch of the control plane that emulates", { version: "1.36.1" }, at(emulating), "1.36.1", "1.35"],
    ["finished", { finalize: true }, at(emulating), "1.36.3", null],
    ["finished, half-way", { finalize: true }, at(emulating, plain("1.35.4")), "1.36.3", null],
    ["back", { back: true }, at(emulating), "1.35.4", null],
    ["back, half-way", { back: true }, at(emulating, plain("1.35.4")), "1.35.4", null],
    ["back again, half-way back", { back: true }, at(plain("1.35.4"), emulating), "1.35.4", null],
  ];
  for (const [what, options, recorded, kubernetes_version, emulated_version] of rows)
    it(`${what}; the program accepts it`, () => {
      assert.deepEqual(releaseSettings(options, recorded), { kubernetes_version, emulated_version });
      const choice = chooseReleases({ kubernetes_version, emulated_version: emulated_version ?? "" }, recorded);
      assert.ok("releases" in choice, JSON.stringify(choice));
    });

  for (const options of [{ finalize: true }, { back: true }])
    it(`${Object.keys(options)[0]} is refused where nothing is emulated`, () => {
      assert.throws(
        () => releaseSettings(options, at(plain("1.35.4"))),
        /^Problem: --(finalize|back): got a cluster whose control plane emulates nothing; .*Run: corekube versions$/,
      );
    });

  it("is nothing without an option for it", () => {
    assert.equal(releaseSettings({}, at(plain("1.35.4"))), undefined);
  });
});

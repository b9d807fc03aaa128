/** What a run says of the releases of a cluster before it changes anything. */
import assert from "node:assert/strict";
import type { ChosenReleases } from "../../components/spec/cluster.js";
import { pausesOf, remarksOn } from "../../components/spec/releaseRemarks.js";

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

describe("remarks on releases", () => {
  it("say what is there, how an emulation ends, and what the API does not serve any more", () => {
    const versions = ["1.34.9", "1.35.4", "1.35.9", "1.36.1", "1.36.3", "1.37.2"];
    const gone = (version: string) => (version.startsWith("1.36") ? ["example.org/v1beta1 Thing"] : []);
    const remarks = (chosen: ChosenReleases, recorded: Parameters<typeof remarksOn>[1]) =>
      remarksOn(chosen, recorded, versions, gone).join("\n");
    assert.equal(remarks(plain("1.37.2"), {}), "");
    assert.equal(remarks(plain("1.37.2"), both(plain("1.37.2"))), "");
    assert.match(
      remarks(plain("1.35.4"), both(plain("1.35.4"))),
      /keeps Kubernetes 1\.35\.4\. This checkout has 1\.36\.3: pulumi config set/,
    );
    const begun = /1\.36 does not serve any more: example\.org\/v1beta1 Thing\. Manifests /;
    assert.match(remarks(plain("1.36.1"), both(plain("1.35.4"))), begun);
    assert.match(remarks({ ...emulating, kubernetesVersion: "1.36.1" }, both(plain("1.35.4"))), begun);
    assert.doesNotMatch(remarks(plain("1.36.3"), { started: plain("1.36.3"), finished: plain("1.35.4") }), begun);
    assert.match(
      remarks(emulating, both(emulating)),
      /^The control plane gets .*rm emulated_version && pulumi up\. To take it back: pulumi config set kubernetes_version 1\.35\.4 /,
    );
  });
});

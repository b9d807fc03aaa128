/** How the resources of a cluster hang together, and what a further worker adds. */
import assert from "node:assert/strict";
import { keyOf, type Registration, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

describe("resources of a cluster", function () {
  this.timeout(runTimeout);
  let single: Run;
  let available: Run;
  before(async () => {
    single = await runProgram(testSpec());
    available = await runProgram(testSpec({ highAvailability: true }));
  });

  it("have one name each", () => {
    const keys = available.registrations.map(keyOf);
    assert.equal(new Set(keys).size, keys.length);
  });

  it("hang under components, the components under the stack", () => {
    const roots = single.registrations
      .filter(({ parent }) => parent === "")
      .map(keyOf)
      .sort();
    assert.deepEqual(roots, [
      "corekube:addons:ClusterAddons/dev",
      "corekube:addons:NodeAddons/dev",
      "corekube:cluster:Readiness/dev-api",
      "corekube:cluster:Releases/finished",
      "corekube:cluster:SecretsReencryption/dev",
      "corekube:controllers:Controllers/dev",
      "corekube:digitalocean:DigitalOcean/dev",
      "corekube:endpoint:ApiEndpoint/dev",
      "corekube:etcd:Cluster/dev",
      "corekube:machine:Configuration/dev-controller",
      "corekube:machine:Configuration/dev-etcd",
      "corekube:machine:Configuration/dev-public",
      "corekube:machine:Configuration/dev-worker",
      "corekube:pki:Pki/dev",
      "corekube:workers:Workers/dev",
      "corekube:workers:Workers/dev-public",
      "pulumi:providers:corekube/dev",
      "tls:index/privateKey:PrivateKey/dev-ssh",
    ]);
  });
});

describe("a further worker", function () {
  this.timeout(runTimeout);
  const sorted = (run: Run): Map<string, Registration> => new Map(run.registrations.map((each) => [keyOf(each), each]));
  let before2: Map<string, Registration>;
  let after3: Map<string, Registration>;
  before(async () => {
    before2 = sorted(await runProgram(testSpec({ workerCount: 2 })));
    after3 = sorted(await runProgram(testSpec({ workerCount: 3 })));
  });

  it("is a machine and its join, and nothing else", () => {
    const added = [...after3.keys()].filter((key) => !before2.has(key)).sort();
    assert.deepEqual(added, ["corekube:machine:Join/dev-worker-2", "digitalocean:index/droplet:Droplet/dev-worker-2"]);
  });

  it("changes no input, option or order of what exists", () => {
    for (const [key, registration] of before2) {
      assert.deepEqual(after3.get(key), registration, key);
    }
  });

  it("has the user-data of its pool", () => {
    const userData = (index: number): unknown =>
      after3.get(`digitalocean:index/droplet:Droplet/dev-worker-${index}`)?.inputs["userData"];
    assert.equal(userData(2), userData(0));
  });
});

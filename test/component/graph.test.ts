/** How many resources a cluster has, and what a further worker costs. */
import assert from "node:assert/strict";
import { keyOf, type Registration, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

/** Number of resources of each type. */
function counts(run: Run): Record<string, number> {
  const result: Record<string, number> = {};
  for (const { type } of run.registrations) {
    const short = type.split(":").pop()!;
    result[short] = (result[short] ?? 0) + 1;
  }
  return result;
}

/** Same in both clusters, whatever their size. */
const fixed = {
  // The cluster's components.
  DigitalOcean: 1,
  Pki: 1,
  ApiEndpoint: 1,
  Cluster: 1,
  Controllers: 1,
  NodeAddons: 1,
  Workers: 2,
  ClusterAddons: 1,
  // Network.
  Vpc: 1,
  SshKey: 1,
  Tag: 5,
  // Authorities and the administrator.
  Authority: 3,
  SelfSignedCert: 3,
  // The API as administrators reach it.
  Readiness: 1,
  // Before controllers get keys for Secrets at rest, and after they have them.
  EncryptionKeyGate: 1,
  SecretsReencryption: 1,
  // Add-ons.
  corekube: 1,
  kubernetes: 1,
  ClusterRoleBinding: 8,
  ClusterRole: 3,
  ServiceAccount: 3,
  ConfigMap: 3,
  DaemonSet: 2,
  Deployment: 1,
  Service: 1,
  PodDisruptionBudget: 1,
};

describe("resources of a cluster", function () {
  this.timeout(runTimeout);
  let single: Run;
  let available: Run;
  before(async () => {
    single = await runProgram(testSpec());
    available = await runProgram(testSpec({ highAvailability: true }));
  });

  it("are these with one etcd member, one controller and two workers", () => {
    const leaves = 1 + 2 + 8;
    assert.deepEqual(counts(single), {
      ...fixed,
      Firewall: 4,
      Droplet: 4,
      Volume: 2,
      VolumeAttachment: 2,
      Delivery: 2,
      Join: 2,
      Certificate: leaves,
      CertRequest: leaves,
      LocallySignedCert: leaves,
      // Each certificate's, each authority's, service accounts' and SSH's, and two for Secrets at rest.
      PrivateKey: leaves + 3 + 2 + 2,
    });
  });

  it("are these when the cluster is highly available", () => {
    const leaves = 1 + 3 * 2 + 3 * 8;
    assert.deepEqual(counts(available), {
      ...fixed,
      Firewall: 5,
      LoadBalancer: 2,
      Droplet: 8,
      Volume: 6,
      VolumeAttachment: 6,
      Delivery: 6,
      Join: 2,
      Certificate: leaves,
      CertRequest: leaves,
      LocallySignedCert: leaves,
      PrivateKey: leaves + 3 + 2 + 2,
    });
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
      "corekube:cluster:SecretsReencryption/dev",
      "corekube:controllers:Controllers/dev",
      "corekube:digitalocean:DigitalOcean/dev",
      "corekube:endpoint:ApiEndpoint/dev",
      "corekube:etcd:Cluster/dev",
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

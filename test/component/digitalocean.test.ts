/** What the cluster asks DigitalOcean for. */
import assert from "node:assert/strict";
import { clusterTags } from "../../components/digitalocean/names.js";
import { keyOf, type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

describe("DigitalOcean", function () {
  this.timeout(runTimeout);
  let single: Run;
  let available: Run;
  before(async () => {
    single = await runProgram(testSpec());
    available = await runProgram(testSpec({ highAvailability: true }));
  });

  it("gets one private network with the nodes' range", () => {
    assert.deepEqual(
      single.of("Vpc").map(({ inputs }) => [inputs["name"], inputs["region"], inputs["ipRange"]]),
      [["dev", "fra1", "10.4.0.0/20"]],
    );
  });

  it("gets droplets in it, reachable with the program's key, without agents", () => {
    const { inputs, ignoreChanges, protect } = single.one("Droplet", "dev-worker-1");
    const { userData, ...rest } = inputs;
    assert.equal(typeof userData, "string");
    assert.deepEqual(rest, {
      name: "dev-worker-1",
      region: "fra1",
      size: "s-4vcpu-8gb",
      image: "flatcar-stable",
      vpcUuid: "vpc-dev",
      sshKeys: ["512189"],
      tags: ["corekube:dev:worker", "KubernetesCluster:dev", "team:platform"],
      monitoring: false,
      dropletAgent: false,
    });
    assert.deepEqual([...ignoreChanges].sort(), ["sshKeys", "userData"]);
    assert.equal(protect, false);
  });

  it("gets the size of each pool", () => {
    const sizes = new Map(single.of("Droplet").map(({ name, inputs }) => [name, inputs["size"]]));
    assert.equal(sizes.get("dev-etcd-0"), "s-1vcpu-2gb");
    assert.equal(sizes.get("dev-controller-0"), "s-2vcpu-4gb");
    assert.equal(sizes.get("dev-worker-0"), "s-4vcpu-8gb");
  });

  it("gets volumes without a file system for data and log of each etcd member, attached once", () => {
    assert.deepEqual(
      available.of("Volume").map(({ name }) => name),
      ["dev-etcd-0", "dev-etcd-1", "dev-etcd-2"].flatMap((name) => [`${name}-data`, `${name}-wal`]),
    );
    const { inputs } = available.one("Volume", "dev-etcd-1-data");
    assert.deepEqual([inputs["size"], inputs["region"]], [10, "fra1"]);
    assert.ok(!("initialFilesystemType" in inputs) && !("filesystemType" in inputs));
    const attachment = available.one("VolumeAttachment", "dev-etcd-1-data");
    assert.equal(attachment.inputs["volumeId"], "volume-dev-etcd-1-data");
    assert.equal(typeof attachment.inputs["dropletId"], "number");
    assert.equal(attachment.deleteBeforeReplace, true);
  });

  it("finds machines by the tag of their role, everywhere", () => {
    assert.deepEqual(
      available.of("Firewall").map(({ name, inputs }) => [name, inputs["tags"], "dropletIds" in inputs]),
      [
        ["dev-controller", ["corekube:dev:controller"], false],
        ["dev-controller-load-balancers", ["corekube:dev:controller"], false],
        ["dev-etcd", ["corekube:dev:etcd"], false],
        ["dev-public", ["corekube:dev:public"], false],
        ["dev-worker", ["corekube:dev:worker"], false],
      ],
    );
    for (const { inputs } of available.of("LoadBalancer")) {
      assert.equal(inputs["dropletTag"], "corekube:dev:controller");
      assert.ok(!("dropletIds" in inputs));
    }
  });

  it("lets the API's load balancers reach controllers", () => {
    assert.deepEqual(available.one("Firewall", "dev-controller-load-balancers").inputs["inboundRules"], [
      { protocol: "tcp", portRange: "6443", sourceLoadBalancerUids: ["lb-dev-api", "lb-dev-api-internal"] },
    ]);
  });

  it("forwards the API untouched, and asks /readyz over HTTPS", () => {
    const external = available.one("LoadBalancer", "dev-api").inputs;
    const internal = available.one("LoadBalancer", "dev-api-internal").inputs;
    for (const inputs of [external, internal]) {
      assert.deepEqual(inputs["forwardingRules"], [
        { entryProtocol: "tcp", entryPort: 6443, targetProtocol: "tcp", targetPort: 6443 },
      ]);
      const { protocol, port, path } = inputs["healthcheck"] as Record<string, unknown>;
      assert.deepEqual([protocol, port, path], ["https", 6443, "/readyz"]);
      assert.equal(inputs["vpcUuid"], "vpc-dev");
    }
    assert.equal(external["network"], "EXTERNAL");
    assert.deepEqual(external["firewall"], { allows: ["cidr:192.0.2.1/32"] });
    assert.equal(internal["network"], "INTERNAL");
  });

  it("has no load balancer when one controller is all there is", () => {
    assert.deepEqual(single.of("LoadBalancer"), []);
  });

  it("shares no tag and no name between clusters whose names begin alike", async () => {
    const other = await runProgram(testSpec({ name: "dev2", tags: { team: "platform" } }));
    const marks = (run: Run): unknown[] => run.of("Tag").map(({ inputs }) => inputs["name"]);
    assert.deepEqual(marks(single), [
      "KubernetesCluster:dev",
      "corekube:dev:controller",
      "corekube:dev:etcd",
      "corekube:dev:public",
      "corekube:dev:worker",
    ]);
    assert.deepEqual(
      marks(other).filter((mark) => marks(single).includes(mark)),
      [],
    );
    // It has no counterpart in the account.
    const local = "corekube:cluster:Releases/finished";
    const keys = new Set(single.registrations.map(keyOf).filter((key) => key !== local));
    assert.deepEqual(
      other.registrations.map(keyOf).filter((key) => keys.has(key)),
      [],
    );
  });

  it("does not own the stack's tags, which other clusters may have", () => {
    assert.ok(!single.of("Tag").some(({ inputs }) => String(inputs["name"]).startsWith("team")));
  });

  it("takes an image by slug or id as it is, and makes a custom image of an address", async () => {
    const byId = await runProgram(testSpec({ image: "123456" }));
    assert.equal(byId.one("Droplet", "dev-etcd-0").inputs["image"], "123456");
    assert.deepEqual(byId.of("CustomImage"), []);
    const url = "https://images.example.net/flatcar.bin.bz2";
    const byUrl = await runProgram(testSpec({ image: url }));
    assert.deepEqual(
      byUrl
        .of("CustomImage")
        .map(({ inputs, deleteBeforeReplace }) => [inputs["url"], inputs["regions"], deleteBeforeReplace]),
      // Deleted first, as the provider wants it, it would take all machines along.
      [[url, ["fra1"], false]],
    );
    assert.equal(byUrl.one("Droplet", "dev-etcd-0").inputs["image"], "7938206");
  });
});

describe("tags on DigitalOcean", function () {
  this.timeout(runTimeout);
  it("are key:value, or the key alone, in order", () => {
    assert.deepEqual(clusterTags({ name: "dev", tags: { z: "1", a: "", KubernetesCluster: "dev" } }), {
      cluster: "KubernetesCluster:dev",
      own: ["a", "z:1"],
    });
  });
});

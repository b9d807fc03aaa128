/** What somebody deleted in the cloud of a highly available cluster on AWS whose machines have no public addresses. */
import assert from "node:assert/strict";
import { labCloud } from "../../../lab/cluster/cloud.js";
import { isBastion, readOutputs } from "../../../lab/engine/outputs.js";
import { config } from "../region.js";
import { recoveryOf } from "./support.js";

const stack = "lab-aws";

describe("what is deleted in the cloud of AWS: private machines, a bastion, load balancers with names", function () {
  this.timeout(900_000);
  const endpoints = { ec2: config.apiUrl, elasticloadbalancing: config.apiUrl };
  const recovery = recoveryOf(stack, {
    cloud: "aws",
    addresses: "later",
    settings: { "corekube:aws": { endpoints, machines: "private" } },
  });
  const bastion = async () => (await labCloud(config).machines()).find(({ name }) => isBastion(name));

  it("the bastion: the next one has its address", async () => {
    const before = await bastion();
    assert.ok(before);
    await recovery.remove("machines", before.name);
    await recovery.heal();
    const after = await bastion();
    assert.notEqual(after?.id, before.id);
    assert.equal(after?.publicAddress, before.publicAddress);
  });

  it("the bastion and an etcd member, which is reached through it", async () => {
    await recovery.remove("machines", (await bastion())?.name ?? "", "kubernetes-etcd-2");
    await recovery.heal();
  });

  for (const names of [
    ["kubernetes-etcd-1"],
    ["kubernetes-controller-1"],
    ["kubernetes-worker-1"],
    ["kubernetes-etcd-0", "kubernetes-controller-0"],
  ])
    it(names.join(" and "), async () => {
      await recovery.remove("machines", ...names);
      await recovery.heal();
    });

  it("an etcd member with its volumes", async () => {
    await recovery.remove("machines", "kubernetes-etcd-0");
    await recovery.remove("volumes", "kubernetes-etcd-0-data", "kubernetes-etcd-0-wal");
    await recovery.heal();
  });

  it("a load balancer: the endpoint in the outputs is the next one's", async () => {
    const { endpoint } = await readOutputs(config, stack);
    await recovery.remove("load_balancers", "kubernetes-api");
    await recovery.heal();
    assert.notEqual((await readOutputs(config, stack)).endpoint, endpoint);
  });
});

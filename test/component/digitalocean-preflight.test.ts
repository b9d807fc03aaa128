/** What DigitalOcean is asked before anything is registered: what it says against settings ends the run. */
import assert from "node:assert/strict";
import { type WantedMachine, wantedMachines } from "../../components/cloud/recordedState.js";
import type { ClusterSpec } from "../../components/spec/cluster.js";
import type { Calls } from "./support/mocks.js";
import { runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

const region = "digitalocean:index/getRegion:getRegion";
const account = "digitalocean:index/getAccount:getAccount";
const droplets = "digitalocean:index/getDroplets:getDroplets";
const tags = "digitalocean:index/getTags:getTags";
const vpcs = "digitalocean:index/getVpc:getVpc";
const images = "digitalocean:index/getImage:getImage";
const state = "pulumi:pulumi:readStackResourceOutputs";

const made = (spec: ClusterSpec, change: (machine: WantedMachine) => object = () => ({})) => ({
  outputs: Object.fromEntries([
    ["urn:pulumi:test::corekube::digitalocean:index/vpc:Vpc::dev", { type: "digitalocean:index/vpc:Vpc", outputs: {} }],
    ...wantedMachines(spec).map((machine) => [
      `urn:pulumi:test::corekube::digitalocean:index/droplet:Droplet::${machine.name}`,
      {
        type: "digitalocean:index/droplet:Droplet",
        outputs: { size: machine.size, image: "12345", ...change(machine) },
      },
    ]),
  ]) as Record<string, unknown>,
});

describe("DigitalOcean, asked before", function () {
  this.timeout(runTimeout);
  const spec = testSpec();
  const size = spec.workers.size;
  const refused = (calls: Calls, words: RegExp, of = spec) => assert.rejects(runProgram(of, calls), words);

  it("a size that the region has not is refused before a machine is taken away for it, with one that it has", async () => {
    const without: Calls = {
      [region]: {
        available: true,
        sizes: [spec.etcd.size, spec.controllers.size, "m-8vcpu-64gb"].filter((each) => each !== size),
      },
    };
    const words = new RegExp(
      `corekube:node_size: got ${size}; allowed: a size that ${spec.region} has now, for dev-worker-0\\. Set another: pulumi config set node_size m-8vcpu-64gb$`,
    );
    await refused(without, words);
    const smaller = made(spec, ({ role }) => (role === "worker" ? { size: "s-1vcpu-1gb" } : {}));
    await refused({ ...without, [state]: smaller }, words);
  });

  it("a region that takes no droplets is refused", () =>
    refused(
      { [region]: { available: false, sizes: [] } },
      /corekube:region: got fra1; allowed: a region that takes new droplets now/,
    ));

  it("machines that run stop no run, whatever the cloud has run out of", async () => {
    const nothing: Calls = {
      [region]: { available: false, sizes: [] },
      [account]: { dropletLimit: 0 },
      [images]: { error: "404" },
      [state]: made({ ...spec, image: "12345" }),
    };
    await runProgram({ ...spec, image: "12345" }, nothing);
  });

  it("more droplets than the account may have are refused, with the number that fits", async () => {
    const more = testSpec({ workerCount: 4 });
    const limited = (limit: number): Calls => ({
      [account]: { dropletLimit: limit },
      [droplets]: { droplets: [{}, {}] },
    });
    await refused(
      limited(6),
      /corekube:node_count: got 6 droplets more; allowed: at most 4 more: the account has 2 and may have 6\. Use fewer machines: pulumi config set node_count 2\./,
      more,
    );
    await refused(limited(3), /corekube:node_count: got 6 .*allowed: at most 1 more.*\. Ask for more: https:/, more);
    // One that is replaced goes first.
    await runProgram(more, { ...limited(2), [state]: made(more, () => ({ size: "s-1vcpu-1gb" })) });
  });

  it("an image that the account has not in the region is refused", async () => {
    await refused(
      { [images]: { error: "could not find image" } },
      /corekube:image: got 12345; allowed: an image that this account has in fra1 \(.*could not find image\), .*\. Use this checkout's own: pulumi config set image https:\S+ && pulumi up/,
      { ...spec, image: "12345" },
    );
    await refused({ [images]: { regions: ["nyc3"] } }, /image: got flatcar; .*\(it is in nyc3\)/, {
      ...spec,
      image: "flatcar",
    });
  });

  it("a name that another stack's cluster has is refused before anything is made, and one's own never", async () => {
    const taken: Calls = {
      [tags]: { tags: [{ name: "corekube:Dev:worker", dropletsCount: 2, volumesCount: 1, totalResourceCount: 3 }] },
    };
    await refused(
      taken,
      /corekube:cluster_name: got dev; .*the tag corekube:Dev:worker exists, with 2 droplets and 1 volumes that are not in this stack's state\. Set another: pulumi config set cluster_name <name>$/,
    );
    await runProgram(spec, { ...taken, [state]: made(spec) });
  });

  it("a network that overlaps with another VPC of the account is refused before anything is made, with a free one, and one's own never", async () => {
    const taken = (ipRange: string): Calls => ({
      [droplets]: { droplets: [{ vpcUuid: "their-own" }, { vpcUuid: "their-own" }, { vpcUuid: "" }] },
      [vpcs]: { "their-own": { name: "other", region: "nyc3", ipRange } },
    });
    await refused(
      taken("10.0.0.0/13"),
      /corekube:node_cidr: got 10\.4\.0\.0\/20; allowed: a network that overlaps with no other VPC of this account, in any region: other in nyc3 has 10\.0\.0\.0\/13\. Set another: pulumi config set node_cidr 10\.8\.0\.0\/20$/,
    );
    await runProgram(spec, taken("10.200.0.0/20"));
    await runProgram(spec, { ...taken("10.4.0.0/20"), [state]: made(spec) });
  });
});

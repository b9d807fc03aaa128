/** What AWS is asked before anything is registered: what it says against settings ends the run, and where machines are is kept. */
import assert from "node:assert/strict";
import type { AwsSpec } from "../../components/aws/settings.js";
import { wantedMachines } from "../../components/cloud/recordedState.js";
import type { ClusterSpec } from "../../components/spec/cluster.js";
import type { Calls } from "./support/mocks.js";
import { type Run, runProgram, runTimeout } from "./support/registrations.js";
import { awsTestSpec } from "./support/spec.js";

const vpcs = "aws:ec2/getVpc:getVpc";
const subnets = "aws:ec2/getSubnet:getSubnet";
const zones = "aws:index/getAvailabilityZones:getAvailabilityZones";
const state = "pulumi:pulumi:readStackResourceOutputs";

const subnet = (zone: string, cidrBlock: string, rest: object = {}) => ({
  vpcId: "vpc-1",
  availabilityZone: zone,
  cidrBlock,
  tags: { "kubernetes.io/cluster/dev": "shared" },
  ...rest,
});
const network: Calls = {
  [vpcs]: { "vpc-1": { id: "vpc-1", cidrBlock: "10.4.0.0/16" } },
  [subnets]: {
    "subnet-a": subnet("eu-central-1a", "10.4.0.0/24"),
    "subnet-b": subnet("eu-central-1b", "10.4.1.0/24"),
    "subnet-b2": subnet("eu-central-1b", "10.4.2.0/24"),
    "subnet-far": subnet("eu-central-1c", "10.9.0.0/24"),
    "subnet-other": subnet("eu-central-1c", "10.4.3.0/24", { vpcId: "vpc-2" }),
    "subnet-bare": subnet("eu-central-1c", "10.4.3.0/24", { tags: {} }),
  },
};
const existing = (publicSubnetIds: readonly string[], rest: Partial<AwsSpec> = {}) =>
  awsTestSpec({ aws: { vpcId: "vpc-1", publicSubnetIds, ...rest } });

const zoneNames = ["eu-central-1a", "eu-central-1b", "eu-central-1c"];
const recorded = (type: string, name: string, availabilityZone: string) => ({
  [`urn:pulumi:test::corekube::${type}::${name}`]: { type, outputs: { availabilityZone } },
});
const subnetOf = (run: Run, machine: string): unknown => run.one("Instance", machine).inputs["subnetId"];

describe("AWS, asked before", function () {
  this.timeout(runTimeout);

  it("an existing network is used as it is: its zones, and no network of our own", async () => {
    const run = await runProgram(existing(["subnet-b", "subnet-a"]), network);
    assert.deepEqual(
      ["Vpc", "Subnet", "InternetGateway", "RouteTable", "NatGateway"].flatMap((type) => run.of(type)),
      [],
    );
    assert.deepEqual([subnetOf(run, "dev-worker-0"), subnetOf(run, "dev-worker-1")], ["subnet-a", "subnet-b"]);
    assert.deepEqual(
      run.of("SecurityGroup").map(({ inputs }) => inputs["vpcId"]),
      run.of("SecurityGroup").map(() => "vpc-1"),
    );
  });

  const refusals: readonly (readonly [string, Parameters<typeof existing>, RegExp])[] = [
    [
      "a network that is not there",
      [["subnet-a"], { vpcId: "vpc-9" }],
      /^corekube:aws\.vpc_id: got vpc-9; allowed: a network in eu-central-1 .*vpc-9 does not exist.*pulumi config set/,
    ],
    [
      "a subnet that is not there",
      [["subnet-a", "subnet-9"]],
      /^corekube:aws\.public_subnet_ids\[1\]: got subnet-9; allowed: a subnet in eu-central-1/,
    ],
    [
      "a subnet of another network",
      [["subnet-other"]],
      /^corekube:aws\.public_subnet_ids\[0\]: got subnet-other of vpc-2; allowed: a subnet of corekube:aws\.vpc_id \(vpc-1\)/,
    ],
    [
      "a subnet outside the nodes' range",
      [["subnet-far"]],
      /got subnet-far with 10\.9\.0\.0\/24; allowed: a subnet inside corekube:node_cidr \(10\.4\.0\.0\/20\)/,
    ],
    [
      "two subnets in a zone",
      [["subnet-b", "subnet-b2"]],
      /got subnet-b2 in eu-central-1b; allowed: one subnet for each zone \(subnet-b is there too\)/,
    ],
    [
      "a subnet that the cloud controller manager would not find",
      [["subnet-bare"]],
      /without the tag kubernetes\.io\/cluster\/dev; .*aws ec2 create-tags --resources subnet-bare --tags Key=kubernetes\.io\/cluster\/dev,Value=shared/,
    ],
    [
      "a private subnet that is not there",
      [["subnet-a"], { machines: "private", privateSubnetIds: ["subnet-9"] }],
      /^corekube:aws\.private_subnet_ids\[0\]/,
    ],
  ];
  for (const [what, args, words] of refusals) {
    it(`${what} is refused, with setting and remedy`, async () => {
      await assert.rejects(runProgram(existing(...args), network), { name: "Error", message: words });
    });
  }

  it("ranges of pods and Services must be none of the network's, its secondary ones included; of a new cluster only", async () => {
    const wide = (...ranges: string[]): Calls => ({
      ...network,
      [vpcs]: {
        "vpc-1": {
          id: "vpc-1",
          cidrBlock: "10.4.0.0/16",
          cidrBlockAssociations: ranges.map((cidrBlock) => ({ cidrBlock })),
        },
      },
    });
    const spec = existing(["subnet-a"]);
    const secondary = wide("10.0.0.0/16", spec.podCidr);
    await assert.rejects(
      runProgram(spec, secondary),
      /corekube:pod_cidr: got .*; allowed: a range that overlaps none of vpc-1 \(10\.4\.0\.0\/16, 10\.0\.0\.0\/16, .*Set another: pulumi config set pod_cidr 1\d+\.\d+\.0\.0\/\d+$/,
    );
    await assert.rejects(runProgram(spec, wide(spec.serviceCidr)), /corekube:service_cidr: got/);
    const outputs = recorded("aws:ec2/keyPair:KeyPair", "dev", "");
    await runProgram(spec, { ...secondary, [state]: { outputs } });
  });

  it("zones that the region has not are refused", async () => {
    const spec = awsTestSpec();
    await assert.rejects(
      runProgram({ ...spec, etcd: { ...spec.etcd, zones: ["eu-central-1f"] } }),
      /^Error: corekube:control_plane_placement: got eu-central-1f; allowed: zones of eu-central-1 .*eu-central-1a, eu-central-1b, eu-central-1c/,
    );
  });

  it("a region with two zones needs them by name", async () => {
    await assert.rejects(
      runProgram(awsTestSpec(), { [zones]: { names: ["eu-central-1b", "eu-central-1a"] } }),
      /Name them: pulumi config set control_plane_placement eu-central-1a,eu-central-1b/,
    );
  });

  const none: Calls = { "aws:ec2/getAmi:getAmi": { error: "your query returned no results" } };

  it("an image that the region has not is refused", async () => {
    await assert.rejects(
      runProgram(awsTestSpec(), none),
      /corekube:image: got Flatcar-stable-4593\.2\.5-hvm; allowed: the name of an image that Flatcar \(075585003325\) has in eu-central-1, .*no results/,
    );
  });

  const image = "Flatcar-stable-4593.2.5-hvm";
  const instances = (spec: ClusterSpec, change: (name: string) => object = () => ({})) =>
    Object.fromEntries(
      wantedMachines(spec).map(({ name, size }, index) => [
        `urn:pulumi:test::corekube::aws:ec2/instance:Instance::${name}`,
        {
          type: "aws:ec2/instance:Instance",
          outputs: {
            instanceType: size,
            availabilityZone: zoneNames[index % 3],
            ami: "ami-0aaaaaaaaaaaaaaaa",
            tags: { Image: image },
            ...change(name),
          },
        },
      ]),
    );

  it("an image that is not offered any more stops no run that makes no machine: what runs keeps it", async () => {
    const spec = awsTestSpec({ workerCount: 2 });
    const run = await runProgram(spec, { ...none, [state]: { outputs: instances(spec) } });
    assert.deepEqual([...new Set(run.of("Instance").map(({ inputs }) => inputs["ami"]))], ["ami-0aaaaaaaaaaaaaaaa"]);
    const renamed = {
      ...none,
      [state]: { outputs: instances(spec, () => ({ tags: { Image: "Flatcar-stable-1-hvm" } })) },
    };
    await assert.rejects(
      runProgram(spec, renamed),
      /corekube:image: got Flatcar-stable-4593.*Machines stay as they are with the image that they have: pulumi config set image ami-0aaaaaaaaaaaaaaaa$/,
    );
    const more = awsTestSpec({ workerCount: 3 });
    await assert.rejects(
      runProgram(more, { ...none, [state]: { outputs: instances(spec) } }),
      /corekube:image: got Flatcar.* It is needed for dev-worker-2\. Images: aws ec2 describe-images .*; then: pulumi config set image/,
    );
  });

  it("the same holds for the image of an older checkout, and what to set is this checkout's", async () => {
    const older = "Flatcar-stable-4459.2.1-hvm";
    const made = (spec: ClusterSpec) => ({ outputs: instances(spec, () => ({ tags: { Image: older } })) });
    const spec = { ...awsTestSpec({ workerCount: 2 }), image: older };
    const run = await runProgram(spec, { ...none, [state]: made(spec) });
    assert.deepEqual([...new Set(run.of("Instance").map(({ inputs }) => inputs["ami"]))], ["ami-0aaaaaaaaaaaaaaaa"]);
    await assert.rejects(
      runProgram({ ...awsTestSpec({ workerCount: 3 }), image: older }, { ...none, [state]: made(spec) }),
      /corekube:image: got Flatcar-stable-4459\.2\.1-hvm.* It is needed for dev-worker-2\. Use this checkout's own, which replaces all machines in turn: pulumi config set image Flatcar-stable-4593\.2\.5-hvm && pulumi up\. Or another\. Images: /,
    );
  });

  it("a given id is looked up as well, before a machine is taken away for it", async () => {
    const id = "ami-0bbbbbbbbbbbbbbbb";
    await assert.rejects(
      runProgram({ ...awsTestSpec(), image: id }, none),
      /corekube:image: got ami-0bbbbbbbbbbbbbbbb; allowed: the id of an image for x86_64 that this account may use/,
    );
  });

  const offerings = "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings";
  /** Types that the zones have. */
  const offered = (has: Readonly<Record<string, readonly string[]>>) => ({
    instanceTypes: Object.values(has).flat(),
    locations: Object.entries(has).flatMap(([zone, types]) => types.map(() => zone)),
  });
  const types = [...new Set(wantedMachines(awsTestSpec()).map(({ size }) => size))];

  it("machines are spread over zones that offer their types, not over the first ones by name", async () => {
    const four: Calls = {
      [zones]: { names: ["a", "b", "c", "d"].map((zone) => `eu-central-1${zone}`) },
      [offerings]: offered({ "eu-central-1a": types, "eu-central-1c": types, "eu-central-1d": types }),
    };
    const run = await runProgram(awsTestSpec({ workerCount: 3 }), four);
    assert.deepEqual(
      [0, 1, 2].map((index) => String(subnetOf(run, `dev-worker-${index}`)).slice(-1)),
      ["a", "c", "d"],
    );
    const two = { ...four, [offerings]: offered({ "eu-central-1a": types, "eu-central-1d": types }) };
    await assert.rejects(
      runProgram(awsTestSpec(), two),
      /got spread; allowed: zones that offer every instance type .*: 2 of .*pulumi config set control_plane_placement eu-central-1a,eu-central-1d$/,
    );
  });

  it("a type that a member's zone has not is refused before the member is taken away; one that was withdrawn stops nobody", async () => {
    const spec = awsTestSpec();
    const volume = recorded("aws:ebs/volume:Volume", "dev-etcd-0-data", "eu-central-1a");
    const without: Calls = {
      [offerings]: offered({ "eu-central-1a": ["m6i.xlarge"], "eu-central-1b": types, "eu-central-1c": types }),
    };
    const outputs = { ...instances(spec), ...volume };
    await runProgram(spec, { ...without, [state]: { outputs } });
    const other = instances(spec, (name) => (name === "dev-etcd-0" ? { instanceType: "m6i.4xlarge" } : {}));
    await assert.rejects(
      runProgram(spec, { ...without, [state]: { outputs: { ...other, ...volume } } }),
      /corekube:etcd_size: got .*; allowed: an instance type that EC2 offers in eu-central-1a, the zone of dev-etcd-0\. Set another: pulumi config set etcd_size m6i\.xlarge$/,
    );
  });

  it("a name that another stack's cluster has is refused before anything is made, and one's own never", async () => {
    const taken: Calls = {
      "aws:ec2/getSecurityGroups:getSecurityGroups": { ids: ["sg-1"], vpcIds: ["vpc-1"] },
    };
    const spec = awsTestSpec();
    await assert.rejects(
      runProgram(spec, taken),
      /corekube:cluster_name: got dev; allowed: a name that no other cluster of this account has in eu-central-1: security group sg-1 of network vpc-1/,
    );
    const outputs = recorded("aws:ec2/keyPair:KeyPair", "dev", "");
    await runProgram(spec, { ...taken, [state]: { outputs } });
  });

  it("a volume binds its machine to its zone; others move when their pool names zones without theirs, or stay", async () => {
    const outputs = {
      ...recorded("aws:ec2/instance:Instance", "dev-worker-0", "eu-central-1b"),
      ...recorded("aws:ebs/volume:Volume", "dev-etcd-0-data", "eu-central-1c"),
      ...recorded("aws:ec2/subnet:Subnet", "dev-public-eu-central-1d", "eu-central-1d"),
    };
    const spec = awsTestSpec({ workerCount: 2 });
    const stays = await runProgram(spec, { [state]: { outputs } });
    assert.equal(subnetOf(stays, "dev-worker-0"), "subnet-dev-public-eu-central-1b");
    const named = {
      ...spec,
      workers: { ...spec.workers, zones: ["eu-central-1a"] },
      etcd: { ...spec.etcd, zones: ["eu-central-1a"] },
      controllers: { ...spec.controllers, zones: ["eu-central-1a"] },
    };
    const run = await runProgram(named, { [state]: { outputs } });
    assert.equal(subnetOf(run, "dev-worker-0"), "subnet-dev-public-eu-central-1a");
    assert.equal(subnetOf(run, "dev-worker-1"), "subnet-dev-public-eu-central-1a");
    assert.equal(subnetOf(run, "dev-etcd-0"), "subnet-dev-public-eu-central-1c");
    assert.equal(run.one("Volume", "dev-etcd-0-data").inputs["availabilityZone"], "eu-central-1c");
    // A subnet that is there stays: something may be in it that is not ours.
    assert.deepEqual(
      run.of("Subnet").map(({ inputs }) => String(inputs["availabilityZone"]).slice(-1)),
      ["a", "c", "d"],
    );
  });

  it("the only way out and the bastion stay where they are when another zone becomes the first", async () => {
    const run = await runProgram(awsTestSpec({ aws: { machines: "private", nat: "single" } }));
    for (const [type, name] of [
      ["NatGateway", "dev-nat"],
      ["Instance", "dev-bastion"],
    ] as const)
      assert.ok(run.one(type, name).ignoreChanges.includes("subnetId"), name);
  });

  it("the ranges of subnets do not depend on which zones there are", async () => {
    const spec = awsTestSpec();
    const one = await runProgram({
      ...spec,
      etcd: { ...spec.etcd, zones: ["eu-central-1c"] },
      controllers: { ...spec.controllers, zones: ["eu-central-1c"] },
      workers: { ...spec.workers, zones: ["eu-central-1c"] },
    });
    assert.deepEqual(
      one.of("Subnet").map(({ inputs }) => [inputs["availabilityZone"], inputs["cidrBlock"]]),
      [["eu-central-1c", "10.4.2.0/24"]],
    );
  });
});

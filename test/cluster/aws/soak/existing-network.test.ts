/** A cluster in an existing network: private machines in the owner's subnets; all of the owner's resources still exist at the end. */
import assert from "node:assert/strict";
import * as ec2 from "@aws-sdk/client-ec2";
import { readState } from "../../../../lab/clouds/aws/readState.js";
import { runChecks } from "../../../../lab/checks/index.js";
import { runEngine } from "../../../../lab/engine/run.js";
import { deploy } from "../../../../lab/commands/up.js";
import { writeKubeconfig } from "../../../../lab/engine/outputs.js";
import { closeRegion, config, openRegion, progress } from "../../region.js";

const stack = "lab-aws";
const tag = "kubernetes.io/cluster/kubernetes";
const zones = ["eu-central-1a", "eu-central-1b"];

/** VPC with a public and a private subnet in each of two zones, and a way out for both. */
async function makeNetwork(): Promise<{ vpc: string; publicSubnets: string[]; privateSubnets: string[] }> {
  const client = new ec2.EC2Client({
    endpoint: config.apiUrl,
    region: "eu-central-1",
    credentials: { accessKeyId: "owner", secretAccessKey: "owner" },
  });
  const tagged = (type: ec2.ResourceType, Key: string) => [{ ResourceType: type, Tags: [{ Key, Value: "shared" }] }];
  const vpc = (
    await client.send(new ec2.CreateVpcCommand({ CidrBlock: "10.4.0.0/20", TagSpecifications: tagged("vpc", "owner") }))
  ).Vpc!.VpcId!;
  const gateway = (await client.send(new ec2.CreateInternetGatewayCommand({}))).InternetGateway!.InternetGatewayId!;
  await client.send(new ec2.AttachInternetGatewayCommand({ InternetGatewayId: gateway, VpcId: vpc }));
  const subnets = async (first: number): Promise<string[]> => {
    const made: string[] = [];
    for (const [index, zone] of zones.entries()) {
      const answer = await client.send(
        new ec2.CreateSubnetCommand({
          VpcId: vpc,
          CidrBlock: `10.4.${first + index}.0/24`,
          AvailabilityZone: zone,
          TagSpecifications: tagged("subnet", tag),
        }),
      );
      made.push(answer.Subnet!.SubnetId!);
    }
    return made;
  };
  const routed = async (ids: readonly string[], route: Partial<ec2.CreateRouteCommandInput>): Promise<void> => {
    const table = (await client.send(new ec2.CreateRouteTableCommand({ VpcId: vpc }))).RouteTable!.RouteTableId!;
    await client.send(new ec2.CreateRouteCommand({ RouteTableId: table, DestinationCidrBlock: "0.0.0.0/0", ...route }));
    for (const SubnetId of ids)
      await client.send(new ec2.AssociateRouteTableCommand({ RouteTableId: table, SubnetId }));
  };
  const publicSubnets = await subnets(0);
  await routed(publicSubnets, { GatewayId: gateway });
  const privateSubnets = await subnets(8);
  const address = (await client.send(new ec2.AllocateAddressCommand({ Domain: "vpc" }))).AllocationId!;
  const nat = (
    await client.send(new ec2.CreateNatGatewayCommand({ SubnetId: publicSubnets[0]!, AllocationId: address }))
  ).NatGateway!.NatGatewayId!;
  await routed(privateSubnets, { NatGatewayId: nat });
  return { vpc, publicSubnets, privateSubnets };
}

describe("a cluster in an existing network of AWS", function () {
  this.timeout(900_000);
  let owned: Readonly<Record<string, readonly string[]>> = {};
  let booted = false;

  before(() => openRegion("aws"));

  it("boots in the owner's private subnets, behind a bastion, and creates no network", async () => {
    const { vpc, publicSubnets, privateSubnets } = await makeNetwork();
    owned = (await readState(config)).kinds;
    const endpoints = { ec2: config.apiUrl, elasticloadbalancing: config.apiUrl };
    await deploy(config, stack, progress, {
      "corekube:high_availability": false,
      "corekube:aws": {
        endpoints,
        machines: "private",
        vpc_id: vpc,
        public_subnet_ids: publicSubnets,
        private_subnet_ids: privateSubnets,
      },
    });
    booted = true;
    const { instances, kinds } = await readState(config);
    for (const kind of ["VPCs", "subnets", "internet gateways", "NAT gateways"])
      assert.deepEqual(kinds[kind], owned[kind], kind);
    const machines = instances.filter(({ tags }) => !tags["Name"]?.endsWith("-bastion"));
    assert.equal(machines.length, 4);
    for (const { subnet, publicAddress, tags } of machines)
      assert.deepEqual([privateSubnets.includes(subnet), publicAddress], [true, null], tags["Name"]);
    const failed = (await runChecks(config, stack, await writeKubeconfig(config, stack), "boot", progress)).filter(
      ({ failure }) => failure !== undefined,
    );
    assert.deepEqual(failed, []);
  });

  it("pulumi destroy leaves what was there before, and nothing else", async () => {
    assert.ok(booted, "the cluster did not boot, see the first test");
    const result = await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.equal(result.code, 0, result.failure);
    assert.deepEqual((await readState(config)).kinds, owned);
  });

  after(async () => {
    assert.deepEqual(await closeRegion(), []);
  });
});

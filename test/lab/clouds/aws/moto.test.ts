/** moto as the lab runs it, with the loop that carries its state to a driver: a real process, and no machine. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ec2 from "@aws-sdk/client-ec2";
import {
  CreateLoadBalancerCommand as CreateClassic,
  DeleteLoadBalancerCommand as DeleteClassic,
  ElasticLoadBalancingClient,
} from "@aws-sdk/client-elastic-load-balancing";
import * as elb from "@aws-sdk/client-elastic-load-balancing-v2";
import type { MachineSpec, NameSpec, VolumeSpec } from "../../../../lab/region/spec.js";
import { type Moto, awsRegion, ensureMoto, awsPackages, startMoto, stopMoto } from "../../../../lab/clouds/aws/moto.js";
import { InstanceNumbers } from "../../../../lab/clouds/aws/numbers.js";
import { AwsSource } from "../../../../lab/clouds/aws/api.js";
import { leftOf } from "../../../../lab/clouds/cloud.js";
import { setAddressMode } from "../../../../lab/addressMode.js";
import { Synchroniser } from "../../../../lab/region/synchroniser.js";
import { labConfig, type LabConfig } from "../../../../lab/config.js";
import { freePort } from "../../../../lab/process/freePort.js";
import { backendName } from "../../../../lab/region/haproxy.js";
import { ensurePackages } from "../../../../lab/toolchain/index.js";
import { versions } from "../../../../lab/toolchain/versions.js";
import { awsSizes } from "../../../../components/aws/sizes.js";
import { FakeDriver } from "../../../support/fakeDriver.js";

const quiet = { report: () => undefined };

describe("the lab's AWS, from moto to the driver", function () {
  this.timeout(60_000);
  let folder: string;
  let config: LabConfig;
  let moto: Moto;
  let client: ec2.EC2Client;
  let balancers: elb.ElasticLoadBalancingV2Client;
  let classic: ElasticLoadBalancingClient;
  let driver: FakeDriver;
  let numbers: InstanceNumbers;
  let source: AwsSource;
  let region: Synchroniser;
  const errors: string[] = [];
  let health: { backend: string; machineId: number; healthy: boolean }[] = [];
  const subnets: string[] = [];
  let vpc = "";
  let group = "";

  before(async function () {
    this.timeout(900_000);
    folder = mkdtempSync(join(tmpdir(), "corekube-aws-"));
    config = labConfig({ ...process.env, COREKUBE_LAB: "test", COREKUBE_LAB_DIR: folder });
    await ensurePackages(quiet, undefined, awsPackages);
    await ensureMoto(config, quiet);
    moto = await startMoto(config, { port: await freePort() });
    const settings = {
      endpoint: moto.url,
      region: awsRegion,
      credentials: { accessKeyId: "lab", secretAccessKey: "lab" },
    };
    client = new ec2.EC2Client(settings);
    balancers = new elb.ElasticLoadBalancingV2Client(settings);
    classic = new ElasticLoadBalancingClient(settings);
    driver = new FakeDriver();
    numbers = new InstanceNumbers(join(folder, "instances.json"));
    source = new AwsSource(moto, numbers, async () => health, driver);
    const logger = { info: () => undefined, error: (line: string) => void errors.push(line) };
    region = new Synchroniser({ source, driver, logger });
    await synchronised();
  });
  after(async () => {
    await stopMoto(config);
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(() => assert.deepEqual(errors, []));

  const synchronised = async (): Promise<void> => (await region.changed()).all();
  const run = async (
    index: number,
    name: string,
    more: Partial<ec2.RunInstancesCommandInput> = {},
  ): Promise<string> => {
    const answer = await client.send(
      new ec2.RunInstancesCommand({
        MinCount: 1,
        MaxCount: 1,
        ImageId: "ami-0f1a7ca2000000001",
        InstanceType: "t3.large",
        KeyName: "key",
        UserData: Buffer.from('{"ignition":{"version":"3.4.0"}}').toString("base64"),
        NetworkInterfaces: [
          { DeviceIndex: 0, SubnetId: subnets[index], AssociatePublicIpAddress: index === 0, Groups: [group] },
        ],
        MetadataOptions: { HttpTokens: "required", HttpPutResponseHopLimit: 1, InstanceMetadataTags: "enabled" },
        BlockDeviceMappings: [{ DeviceName: "/dev/xvda", Ebs: { VolumeSize: 17, DeleteOnTermination: true } }],
        TagSpecifications: [{ ResourceType: "instance", Tags: [{ Key: "Name", Value: name }] }],
        ...more,
      }),
    );
    return answer.Instances![0]!.InstanceId!;
  };
  const describeOne = async (id: string): Promise<ec2.Instance> =>
    (await client.send(new ec2.DescribeInstancesCommand({ InstanceIds: [id] }))).Reservations![0]!.Instances![0]!;

  const attachmentOf = async (volume: string): Promise<string | undefined> =>
    (await client.send(new ec2.DescribeVolumesCommand({ VolumeIds: [volume] }))).Volumes![0]!.Attachments?.[0]?.State;

  it("begins empty, with Flatcar's image under its name and owner", async () => {
    assert.deepEqual(leftOf(await moto.state()), []);
    const name = `Flatcar-stable-${versions.flatcar.version}-hvm`;
    const { Images } = await client.send(
      new ec2.DescribeImagesCommand({
        Owners: ["075585003325"],
        Filters: [
          { Name: "name", Values: [name] },
          { Name: "architecture", Values: ["x86_64"] },
        ],
      }),
    );
    assert.deepEqual(
      Images?.map((image) => image.Name),
      [name],
    );
  });

  it("makes networks and machines: rules first, then the machine with its key, disk, size and addresses", async () => {
    vpc = (await client.send(new ec2.CreateVpcCommand({ CidrBlock: "10.4.0.0/20" }))).Vpc!.VpcId!;
    for (const [index, zone] of ["a", "b"].entries()) {
      const subnet = await client.send(
        new ec2.CreateSubnetCommand({
          VpcId: vpc,
          CidrBlock: `10.4.${index}.0/24`,
          AvailabilityZone: `${awsRegion}${zone}`,
        }),
      );
      subnets.push(subnet.Subnet!.SubnetId!);
    }
    const gateway = (await client.send(new ec2.CreateInternetGatewayCommand({}))).InternetGateway!.InternetGatewayId!;
    await client.send(new ec2.AttachInternetGatewayCommand({ VpcId: vpc, InternetGatewayId: gateway }));
    const table = (await client.send(new ec2.CreateRouteTableCommand({ VpcId: vpc }))).RouteTable!.RouteTableId!;
    await client.send(
      new ec2.CreateRouteCommand({ RouteTableId: table, DestinationCidrBlock: "0.0.0.0/0", GatewayId: gateway }),
    );
    await client.send(new ec2.AssociateRouteTableCommand({ RouteTableId: table, SubnetId: subnets[0] }));
    group = (
      await client.send(new ec2.CreateSecurityGroupCommand({ VpcId: vpc, GroupName: "nodes", Description: "nodes" }))
    ).GroupId!;
    const permission = { IpProtocol: "tcp", FromPort: 22, ToPort: 22, IpRanges: [{ CidrIp: "192.0.2.0/24" }] };
    await client.send(
      new ec2.AuthorizeSecurityGroupIngressCommand({
        GroupId: group,
        IpPermissions: [permission, { IpProtocol: "-1", UserIdGroupPairs: [{ GroupId: group }] }],
      }),
    );
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDUOKEl1xLO79m4NfFKHDMboFD1Fxq9WYxRsv3tmU51H";
    await client.send(new ec2.ImportKeyPairCommand({ KeyName: "key", PublicKeyMaterial: Buffer.from(key) }));
    const id = await run(0, "one");
    await synchronised();

    const [spec] = driver.argumentsOf<MachineSpec>("machine");
    assert.ok(spec);
    const { PublicIpAddress, PrivateIpAddress } = await describeOne(id);
    assert.match(PublicIpAddress ?? "", new RegExp(`^${config.publicCidr.split(".").slice(0, 3).join("\\.")}\\.`));
    assert.notEqual(PublicIpAddress, config.gateway);
    assert.deepEqual([spec.publicIpv4, spec.privateIpv4], [PublicIpAddress, PrivateIpAddress]);
    assert.deepEqual([spec.name, spec.vcpus, spec.memory, spec.disk], ["one", 2, 8192, 17]);
    assert.deepEqual(spec.sshKeys, [key]);
    assert.equal(spec.userData, '{"ignition":{"version":"3.4.0"}}');
    assert.equal(spec.single?.hopLimit, 1);
    const rules = driver.firewalls.find(({ machineId }) => machineId === spec.id);
    assert.deepEqual(rules?.inbound[0], { protocol: "tcp", ports: { from: 22, to: 22 }, cidrs: ["192.0.2.0/24"] });
    const order = driver.calls.map(({ name }) => name);
    assert.ok(order.lastIndexOf("rules") < order.indexOf("machine"), order.join(" "));
  });

  for (const mode of ["later", "at-once"] as const) {
    it(`gives out again an address that has become free: ${mode}`, async () => {
      setAddressMode(config, mode);
      const addresses = async (id: string): Promise<(string | undefined)[]> => {
        const { PrivateIpAddress, PublicIpAddress } = await describeOne(id);
        return [PrivateIpAddress, PublicIpAddress];
      };
      const first = await run(0, "first");
      const before = await addresses(first);
      await client.send(new ec2.TerminateInstancesCommand({ InstanceIds: [first] }));
      const second = await run(0, "second");
      const after = await addresses(second);
      await client.send(new ec2.TerminateInstancesCommand({ InstanceIds: [second] }));
      await synchronised();
      assert.ok(before.every((address) => address !== undefined));
      if (mode === "at-once") assert.deepEqual(after, before);
      else
        assert.deepEqual(
          after.map((address, index) => address === before[index]),
          [false, false],
        );
    });
  }

  it("attaches volumes, and moves one to another machine", async () => {
    const second = await run(1, "two");
    const volume = (await client.send(new ec2.CreateVolumeCommand({ AvailabilityZone: `${awsRegion}a`, Size: 3 })))
      .VolumeId!;
    const one = source.byAddress(driver.argumentsOf<MachineSpec>("machine")[0]!.privateIpv4)!.instance.id;
    await client.send(new ec2.AttachVolumeCommand({ VolumeId: volume, InstanceId: one, Device: "/dev/sdf" }));
    await synchronised();
    const made = () => driver.argumentsOf<VolumeSpec>("volume");
    assert.deepEqual(
      made().map(({ size, machineId }) => [size, machineId]),
      [[3, numbers.of(one)]],
    );
    assert.ok(made()[0]?.links.includes("/dev/xvdf"));

    // Attached once the machine shows it.
    assert.equal(await attachmentOf(volume), "attaching");
    await synchronised();
    assert.equal(await attachmentOf(volume), "attached");
    const moved = new ec2.AttachVolumeCommand({ VolumeId: volume, InstanceId: second, Device: "/dev/sdf" });
    await assert.rejects(client.send(moved), /VolumeInUse/);

    // Nothing that is mounted is taken away: however long it takes.
    driver.mounted.add(volume);
    await client.send(new ec2.DetachVolumeCommand({ VolumeId: volume, InstanceId: one, Device: "/dev/sdf" }));
    assert.equal(await attachmentOf(volume), "detaching");
    for (let pass = 0; pass < 3; pass += 1) await synchronised();
    assert.equal(await attachmentOf(volume), "busy");
    await assert.rejects(client.send(new ec2.DeleteVolumeCommand({ VolumeId: volume })), /VolumeInUse/);
    assert.deepEqual(errors.splice(0), [`volume ${volume}: mounted`]);
    driver.mounted.clear();
    for (let pass = 0; pass < 2; pass += 1) await synchronised();
    assert.equal(await attachmentOf(volume), undefined);
    await client.send(moved);
    await synchronised();
    assert.deepEqual(made().at(-1)?.machineId, numbers.of(second));
    const [hidden] = driver.argumentsOf<MachineSpec>("machine").filter(({ name }) => name === "two");
    assert.deepEqual(hidden?.single?.egress, { kind: "none" });
  });

  it("forwards what listeners want under a name whose addresses change, and tells target health back", async () => {
    const id = source.latest!.instances.find(({ tags }) => tags["Name"] === "one")!.id;
    const made = (
      await balancers.send(
        new elb.CreateLoadBalancerCommand({
          Name: "api",
          Type: "network",
          Scheme: "internet-facing",
          Subnets: subnets,
        }),
      )
    ).LoadBalancers![0]!;
    const target = (
      await balancers.send(
        new elb.CreateTargetGroupCommand({
          Name: "api",
          Protocol: "TCP",
          Port: 6443,
          VpcId: vpc,
          TargetType: "instance",
          HealthCheckProtocol: "HTTPS",
          HealthCheckPath: "/readyz",
        }),
      )
    ).TargetGroups![0]!.TargetGroupArn!;
    await balancers.send(
      new elb.CreateListenerCommand({
        LoadBalancerArn: made.LoadBalancerArn,
        Protocol: "TCP",
        Port: 6443,
        DefaultActions: [{ Type: "forward", TargetGroupArn: target }],
      }),
    );
    await balancers.send(new elb.RegisterTargetsCommand({ TargetGroupArn: target, Targets: [{ Id: id }] }));
    await synchronised();
    const [spec] = driver.loadBalancers;
    assert.match(made.DNSName ?? "", new RegExp(`^api-[0-9a-f]{16}\\.elb\\.${awsRegion}\\.amazonaws\\.com$`));
    const addresses = (): readonly string[] | undefined =>
      driver
        .argumentsOf<readonly NameSpec[]>("resolve")
        .at(-1)
        ?.find(({ name }) => name === made.DNSName)?.addresses;
    assert.deepEqual(addresses(), [spec?.ip]);
    assert.deepEqual(
      spec?.targets.map(({ machineId }) => machineId),
      [numbers.of(id)],
    );
    const state = async (): Promise<string | undefined> =>
      (await balancers.send(new elb.DescribeTargetHealthCommand({ TargetGroupArn: target })))
        .TargetHealthDescriptions![0]!.TargetHealth!.State;
    assert.equal(await state(), "initial");
    for (const healthy of [true, false]) {
      health = [
        { backend: backendName({ id: `${made.LoadBalancerArn}:6443` }, 6443), machineId: numbers.of(id), healthy },
      ];
      await synchronised();
      assert.equal(await state(), healthy ? "healthy" : "unhealthy");
    }
    for (const mode of ["later", "at-once", "at-once"] as const) {
      setAddressMode(config, mode);
      const [former] = driver.loadBalancers;
      await fetch(`${moto.url}/corekube/move`, { method: "POST" });
      await synchronised();
      const [moved] = driver.loadBalancers;
      assert.notEqual(moved?.ip, former?.ip, mode);
      assert.notEqual(moved?.privateIpv4, former?.privateIpv4, mode);
      assert.deepEqual(addresses(), [moved?.ip], mode);
    }
    setAddressMode(config, "later");
    await balancers.send(new elb.DeleteLoadBalancerCommand({ LoadBalancerArn: made.LoadBalancerArn }));
    await balancers.send(new elb.DeleteTargetGroupCommand({ TargetGroupArn: target }));
    await synchronised();
    assert.deepEqual(driver.loadBalancers, []);
  });

  it("gives load balancers of Services names, each once, and addresses of their own", async () => {
    const { DNSName } = await classic.send(
      new CreateClassic({
        LoadBalancerName: "service",
        Subnets: subnets,
        SecurityGroups: [group],
        Listeners: [{ Protocol: "TCP", LoadBalancerPort: 80, InstancePort: 30080 }],
      }),
    );
    assert.match(DNSName ?? "", /^service-\d+\.eu-central-1\.elb\.amazonaws\.com$/);
    const Tags = [{ Key: "kubernetes.io/service-name", Value: "default/web" }];
    const network = (
      await balancers.send(new elb.CreateLoadBalancerCommand({ Name: "web", Type: "network", Subnets: subnets, Tags }))
    ).LoadBalancers![0]!;
    assert.match(network.DNSName ?? "", /^web-[0-9a-f]{16}\.elb\.eu-central-1\.amazonaws\.com$/);
    await assert.rejects(
      balancers.send(new elb.CreateLoadBalancerCommand({ Name: "web", Scheme: "internal", Subnets: subnets })),
      /DuplicateLoadBalancerName/,
    );
    const { balancers: known } = await moto.state();
    assert.equal(
      new Set(known.flatMap(({ publicAddress, privateAddress }) => [publicAddress, privateAddress])).size,
      4,
    );
    await balancers.send(new elb.DeleteLoadBalancerCommand({ LoadBalancerArn: network.LoadBalancerArn }));
    await classic.send(new DeleteClassic({ LoadBalancerName: "service" }));
  });

  it("stops and starts machines, and notes one that has powered itself off", async () => {
    const { id } = source.latest!.instances.find(({ tags }) => tags["Name"] === "one")!;
    const only = { InstanceIds: [id] };
    const since = driver.argumentsOf("machine").length;
    await client.send(new ec2.StopInstancesCommand(only));
    await synchronised();
    assert.equal((await describeOne(id)).State?.Name, "stopping");
    await assert.rejects(client.send(new ec2.StartInstancesCommand(only)), /IncorrectInstanceState/);
    driver.off.add(numbers.of(id));
    await synchronised();
    assert.equal((await describeOne(id)).State?.Name, "stopped");
    driver.off.clear();
    await client.send(new ec2.StartInstancesCommand(only));
    await synchronised();
    await synchronised();
    const seen = () =>
      driver
        .argumentsOf<MachineSpec>("machine")
        .slice(since)
        .map(({ power }) => power);
    assert.deepEqual(seen(), ["shutdown", "on"]);
    driver.off.add(numbers.of(id));
    await synchronised();
    assert.equal((await describeOne(id)).State?.Name, "stopped");
    driver.off.clear();
    await synchronised();
    assert.deepEqual(seen().slice(2), ["shutdown"]);
  });

  it("describes all instance types of the program as its table does: CPUs and memory", async () => {
    const described = new Map<string, readonly [number?, number?]>();
    for (let first = 0; first < awsSizes.length; first += 100) {
      const InstanceTypes = awsSizes.slice(first, first + 100).map(({ name }) => name as ec2._InstanceType);
      const answer = await client.send(new ec2.DescribeInstanceTypesCommand({ InstanceTypes }));
      for (const { InstanceType, VCpuInfo, MemoryInfo } of answer.InstanceTypes ?? [])
        described.set(String(InstanceType), [VCpuInfo?.DefaultVCpus, MemoryInfo?.SizeInMiB]);
    }
    assert.deepEqual(described, new Map(awsSizes.map(({ name, cpus, memory }) => [name, [cpus, memory]])));
  });

  it("tries again what the driver could not make, and says so once", async () => {
    driver.failure = (name) => (name === "machine" ? new Error("no room") : undefined);
    const id = await run(0, "three");
    await synchronised();
    await synchronised();
    assert.deepEqual(errors.splice(0), [`machine ${numbers.of(id)}: no room`]);
    driver.failure = () => undefined;
    await synchronised();
    assert.equal(driver.argumentsOf<MachineSpec>("machine").filter(({ name }) => name === "three").length, 3);
  });

  it("removes what is terminated, and ends empty", async () => {
    const ids = source.latest!.instances.map(({ id }) => id);
    await client.send(new ec2.TerminateInstancesCommand({ InstanceIds: ids }));
    await synchronised();
    assert.equal(driver.argumentsOf<number>("removeMachine").length, 3);
    assert.deepEqual(numbers.instances, []);
    assert.deepEqual((await moto.state()).kinds["instances"], []);
    assert.match(readFileSync(join(folder, "instances.json"), "utf8"), /"next":4/);
  });
});

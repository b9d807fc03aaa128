/** The little of AWS's API that the lab's own commands need: lists, removals, power. */
import * as ec2 from "@aws-sdk/client-ec2";
import * as elb from "@aws-sdk/client-elastic-load-balancing-v2";
import type { LabConfig } from "../../config.js";
import { until } from "../../process/until.js";
import type { CloudClient, CloudMachine, CloudResource, PowerAction, ResourceKind } from "../cloud.js";
import { hasPower, listenerId, machineNameOf } from "./desired.js";
import { awsRegion, numbersFile } from "./moto.js";
import { InstanceNumbers } from "./numbers.js";
import { readState, synchronised } from "./readState.js";

/** Id and name of resources; the name is a tag where AWS has no other. */
type Found = readonly (readonly [id: string | undefined, name: string | undefined])[];

const nameOf = (tags: readonly ec2.Tag[] | undefined): string => tags?.find(({ Key }) => Key === "Name")?.Value ?? "";

export class AwsClient implements CloudClient {
  private readonly ec2: ec2.EC2Client;
  private readonly elb: elb.ElasticLoadBalancingV2Client;

  constructor(private readonly config: LabConfig) {
    const settings = {
      endpoint: config.apiUrl,
      region: awsRegion,
      credentials: { accessKeyId: "corekube-lab", secretAccessKey: "corekube-lab" },
    };
    this.ec2 = new ec2.EC2Client(settings);
    this.elb = new elb.ElasticLoadBalancingV2Client(settings);
  }

  async machines(): Promise<CloudMachine[]> {
    const numbers = new InstanceNumbers(numbersFile(this.config));
    return (await readState(this.config)).instances
      .filter(({ id }) => numbers.instances.includes(id))
      .map((instance) => ({
        id: instance.id,
        name: machineNameOf(instance),
        number: numbers.of(instance.id),
        status: instance.state,
        on: hasPower(instance),
        publicAddress: instance.publicAddress ?? "",
      }));
  }

  async publicBalancer(port: number): Promise<CloudResource | undefined> {
    const found = (await readState(this.config)).balancers.find(
      ({ internal, listeners }) => !internal && listeners.some((listener) => listener.port === port),
    );
    return found && { id: listenerId(found, { port }), name: found.name };
  }

  async list(kind: ResourceKind): Promise<CloudResource[]> {
    return ((await this.kinds[kind]?.list()) ?? []).map(([id = "", name = ""]) => ({ id, name }));
  }

  async remove(kind: ResourceKind, id: string): Promise<void> {
    try {
      await this.kinds[kind]?.remove(id);
    } catch (error) {
      if (!(error instanceof Error && /NotFound/.test(error.name))) throw error;
    }
    await synchronised(this.config);
  }

  async act(id: string, type: PowerAction): Promise<void> {
    const only = { InstanceIds: [id] };
    const off = type === "power_off";
    if (off) await this.ec2.send(new ec2.StopInstancesCommand({ ...only, Force: true }));
    else await this.ec2.send(new ec2.StartInstancesCommand(only));
    await synchronised(this.config);
    await until(`${type} of instance ${id}`, { timeout: 60_000, pause: 200 }, async () => {
      const { Reservations } = await this.ec2.send(new ec2.DescribeInstancesCommand(only));
      const state = Reservations?.[0]?.Instances?.[0]?.State?.Name;
      if (state !== (off ? "stopped" : "running")) throw new Error(`the instance is ${state ?? "gone"}`);
    });
  }

  /** Lists of a kind, and how one of it is removed. */
  private readonly kinds: Readonly<
    Partial<Record<ResourceKind, { list(): Promise<Found>; remove(id: string): Promise<unknown> }>>
  > = {
    machines: {
      list: async () =>
        ((await this.ec2.send(new ec2.DescribeInstancesCommand({}))).Reservations ?? [])
          .flatMap(({ Instances = [] }) => Instances)
          .filter(({ State }) => State?.Name !== "terminated")
          .map(({ InstanceId, Tags }) => [InstanceId, nameOf(Tags)]),
      remove: (id) => this.ec2.send(new ec2.TerminateInstancesCommand({ InstanceIds: [id] })),
    },
    vpcs: {
      list: async () => {
        const { Vpcs = [] } = await this.ec2.send(new ec2.DescribeVpcsCommand({}));
        return Vpcs.map(({ VpcId, Tags }) => [VpcId, nameOf(Tags)]);
      },
      remove: (id) => this.ec2.send(new ec2.DeleteVpcCommand({ VpcId: id })),
    },
    subnets: {
      list: async () => {
        const { Subnets = [] } = await this.ec2.send(new ec2.DescribeSubnetsCommand({}));
        return Subnets.map(({ SubnetId, Tags }) => [SubnetId, nameOf(Tags)]);
      },
      remove: (id) => this.ec2.send(new ec2.DeleteSubnetCommand({ SubnetId: id })),
    },
    firewalls: {
      list: async () => {
        const { SecurityGroups = [] } = await this.ec2.send(new ec2.DescribeSecurityGroupsCommand({}));
        return SecurityGroups.map(({ GroupId, GroupName }) => [GroupId, GroupName]);
      },
      remove: (id) => this.ec2.send(new ec2.DeleteSecurityGroupCommand({ GroupId: id })),
    },
    volumes: {
      list: async () => {
        const { Volumes = [] } = await this.ec2.send(new ec2.DescribeVolumesCommand({}));
        return Volumes.map(({ VolumeId, Tags }) => [VolumeId, nameOf(Tags)]);
      },
      remove: (id) => this.ec2.send(new ec2.DeleteVolumeCommand({ VolumeId: id })),
    },
    ssh_keys: {
      list: async () => {
        const { KeyPairs = [] } = await this.ec2.send(new ec2.DescribeKeyPairsCommand({}));
        return KeyPairs.map(({ KeyName }) => [KeyName, KeyName]);
      },
      remove: (id) => this.ec2.send(new ec2.DeleteKeyPairCommand({ KeyName: id })),
    },
    load_balancers: {
      list: async () => {
        const { LoadBalancers = [] } = await this.elb.send(new elb.DescribeLoadBalancersCommand({}));
        return LoadBalancers.map(({ LoadBalancerArn, LoadBalancerName }) => [LoadBalancerArn, LoadBalancerName]);
      },
      remove: (id) => this.elb.send(new elb.DeleteLoadBalancerCommand({ LoadBalancerArn: id })),
    },
    target_groups: {
      list: async () => {
        const { TargetGroups = [] } = await this.elb.send(new elb.DescribeTargetGroupsCommand({}));
        return TargetGroups.map(({ TargetGroupArn, TargetGroupName }) => [TargetGroupArn, TargetGroupName]);
      },
      remove: (id) => this.elb.send(new elb.DeleteTargetGroupCommand({ TargetGroupArn: id })),
    },
  };
}

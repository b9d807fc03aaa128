/** The little of AWS's API that the lab's own commands need: lists, removals, power. */
import { EC2Client } from "@aws-sdk/client-ec2";
import * as ec2 from "@aws-sdk/client-ec2";
import {
  DeleteLoadBalancerCommand,
  DeleteTargetGroupCommand,
  DescribeLoadBalancersCommand,
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import type { CloudKind, CloudMachine, CloudResource, LabCloud, PowerAction } from "../../labCloud.js";
import { until } from "../../process/until.js";
import type { LabConfig } from "../../config.js";
import { hasPower, listenerId, machineNameOf } from "./desired.js";
import { awsRegion, numbersFile } from "./moto.js";
import { InstanceNumbers } from "./numbers.js";
import type { AwsState } from "./state.js";

const nameOf = (tags: readonly { readonly Key?: string; readonly Value?: string }[] | undefined): string =>
  tags?.find(({ Key }) => Key === "Name")?.Value ?? "";

/** What the region's AWS holds, as the daemon passes it on. @throws Error when it does not answer. */
export async function readState(config: LabConfig): Promise<AwsState> {
  const response = await fetch(`${config.apiUrl}/corekube/state`, {
    headers: { authorization: `Bearer ${config.token}` },
    signal: AbortSignal.timeout(20_000),
  });
  if (!response.ok)
    throw new Error(
      `the region's AWS: ${response.status} ${(await response.text()).replaceAll(/<[^>]*>/g, " ").trim()}`,
    );
  return (await response.json()) as AwsState;
}

/** Waits until the machines are as the API wants them. */
async function synchronised(config: LabConfig): Promise<void> {
  const response = await fetch(`${config.apiUrl}/corekube/sync`, {
    method: "POST",
    headers: { authorization: `Bearer ${config.token}` },
    signal: AbortSignal.timeout(120_000),
  });
  if (!response.ok) throw new Error(`the region's AWS: ${response.status} ${await response.text()}`);
}

export class AwsLabCloud implements LabCloud {
  private readonly ec2: EC2Client;
  private readonly elb: ElasticLoadBalancingV2Client;

  constructor(private readonly config: LabConfig) {
    const settings = {
      endpoint: config.apiUrl,
      region: awsRegion,
      credentials: { accessKeyId: "corekube-lab", secretAccessKey: "corekube-lab" },
    };
    this.ec2 = new EC2Client(settings);
    this.elb = new ElasticLoadBalancingV2Client(settings);
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
      }));
  }

  async publicBalancer(port: number): Promise<CloudResource | undefined> {
    const found = (await readState(this.config)).balancers.find(
      ({ internal, listeners }) => !internal && listeners.some((listener) => listener.port === port),
    );
    return found && { id: listenerId(found, { port }), name: found.name };
  }

  async list(kind: CloudKind): Promise<CloudResource[]> {
    const made = (items: readonly (readonly [string | undefined, string | undefined])[]): CloudResource[] =>
      items.map(([id = "", name = ""]) => ({ id, name }));
    switch (kind) {
      case "droplets": {
        const answer = await this.ec2.send(new ec2.DescribeInstancesCommand({}));
        const instances = (answer.Reservations ?? [])
          .flatMap(({ Instances }) => Instances ?? [])
          .filter(({ State }) => State?.Name !== "terminated");
        return made(instances.map(({ InstanceId, Tags }) => [InstanceId, nameOf(Tags)]));
      }
      case "vpcs":
        return made(
          ((await this.ec2.send(new ec2.DescribeVpcsCommand({}))).Vpcs ?? []).map(({ VpcId, Tags }) => [
            VpcId,
            nameOf(Tags),
          ]),
        );
      case "firewalls":
        return made(
          ((await this.ec2.send(new ec2.DescribeSecurityGroupsCommand({}))).SecurityGroups ?? []).map(
            ({ GroupId, GroupName }) => [GroupId, GroupName],
          ),
        );
      case "volumes":
        return made(
          ((await this.ec2.send(new ec2.DescribeVolumesCommand({}))).Volumes ?? []).map(({ VolumeId, Tags }) => [
            VolumeId,
            nameOf(Tags),
          ]),
        );
      case "ssh_keys":
        return made(
          ((await this.ec2.send(new ec2.DescribeKeyPairsCommand({}))).KeyPairs ?? []).map(({ KeyName }) => [
            KeyName,
            KeyName,
          ]),
        );
      case "load_balancers":
        return made(
          ((await this.elb.send(new DescribeLoadBalancersCommand({}))).LoadBalancers ?? []).map(
            ({ LoadBalancerArn, LoadBalancerName }) => [LoadBalancerArn, LoadBalancerName],
          ),
        );
      case "target_groups":
        return made(
          ((await this.elb.send(new DescribeTargetGroupsCommand({}))).TargetGroups ?? []).map(
            ({ TargetGroupArn, TargetGroupName }) => [TargetGroupArn, TargetGroupName],
          ),
        );
      case "subnets":
        return made(
          ((await this.ec2.send(new ec2.DescribeSubnetsCommand({}))).Subnets ?? []).map(({ SubnetId, Tags }) => [
            SubnetId,
            nameOf(Tags),
          ]),
        );
      case "images":
        return [];
    }
  }

  async remove(kind: CloudKind, id: string): Promise<void> {
    const removals: Readonly<Record<CloudKind, () => Promise<unknown>>> = {
      droplets: () => this.ec2.send(new ec2.TerminateInstancesCommand({ InstanceIds: [id] })),
      vpcs: () => this.ec2.send(new ec2.DeleteVpcCommand({ VpcId: id })),
      firewalls: () => this.ec2.send(new ec2.DeleteSecurityGroupCommand({ GroupId: id })),
      volumes: () => this.ec2.send(new ec2.DeleteVolumeCommand({ VolumeId: id })),
      ssh_keys: () => this.ec2.send(new ec2.DeleteKeyPairCommand({ KeyName: id })),
      load_balancers: () => this.elb.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: id })),
      target_groups: () => this.elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: id })),
      subnets: () => this.ec2.send(new ec2.DeleteSubnetCommand({ SubnetId: id })),
      images: () => Promise.resolve(),
    };
    try {
      await removals[kind]();
    } catch (error) {
      if (!(error instanceof Error && /NotFound/.test(error.name))) throw error;
    }
    await synchronised(this.config);
  }

  async act(id: string, type: PowerAction): Promise<void> {
    const only = { InstanceIds: [id] };
    if (type === "power_on") await this.ec2.send(new ec2.StartInstancesCommand(only));
    else if (type === "power_off" || type === "shutdown")
      await this.ec2.send(new ec2.StopInstancesCommand({ ...only, Force: type === "power_off" }));
    else await this.ec2.send(new ec2.RebootInstancesCommand(only));
    await synchronised(this.config);
    const wanted = type === "power_off" || type === "shutdown" ? "stopped" : "running";
    await until(`${type} of instance ${id}`, { timeout: 60_000, pause: 200 }, async () => {
      const state = (await this.ec2.send(new ec2.DescribeInstancesCommand(only))).Reservations?.[0]?.Instances?.[0]
        ?.State?.Name;
      if (state !== wanted) throw new Error(`the instance is ${state ?? "gone"}`);
    });
  }
}

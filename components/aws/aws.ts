/** A cluster's place on AWS: network, security groups, key and roles; makes instances, volumes and load balancers. */
import * as pulumi from "@pulumi/pulumi";
import { getAvailabilityZones } from "@pulumi/aws/getAvailabilityZones.js";
import { Volume } from "@pulumi/aws/ebs/volume.js";
import { getAmi } from "@pulumi/aws/ec2/getAmi.js";
import { getSubnet } from "@pulumi/aws/ec2/getSubnet.js";
import { getVpc } from "@pulumi/aws/ec2/getVpc.js";
import type { Instance } from "@pulumi/aws/ec2/instance.js";
import { KeyPair } from "@pulumi/aws/ec2/keyPair.js";
import { VolumeAttachment } from "@pulumi/aws/ec2/volumeAttachment.js";
import type {
  ApiLoadBalancers,
  Cloud,
  CloudArgs,
  CloudSurvey,
  Machine,
  MachineArgs,
  VolumeArgs,
} from "../cloud/cloud.js";
import { renderIgnition } from "../nodeconfig/base/ignition.js";
import { system } from "../nodeconfig/system.js";
import { merge } from "../nodeconfig/base/types.js";
import type { AwsSpec, ClusterSpec, Role } from "../spec/cluster.js";
import { createInstanceProfile } from "./iam/roles.js";
import { createInstance } from "./instance.js";
import { attach, createLoadBalancer, type MadeLoadBalancer } from "./loadBalancers.js";
import { clusterTags, type Tags } from "./names.js";
import { createNetwork, existingNetwork, type Network } from "./network.js";
import { awsProfile, volumeDevices } from "./profile.js";
import { createSecurityGroups, type SecurityGroups } from "./securityGroups.js";
import { survey, type Survey } from "./survey.js";

/** GB of the bastion's disk. */
const bastionDisk = 10;

function awsOf(spec: ClusterSpec): AwsSpec {
  if (!spec.aws) {
    throw new Error("aws: got nothing, a cluster on AWS has it; this is a defect of the program");
  }
  return spec.aws;
}

export const surveyAws: CloudSurvey = async (spec) => {
  const surveyed = await survey(spec, awsOf(spec), { getAmi, getSubnet, getVpc, getAvailabilityZones });
  return (args, opts) => new Aws(args.spec.name, args, surveyed, opts);
};

export class Aws extends pulumi.ComponentResource implements Cloud {
  readonly profile = awsProfile;
  private readonly spec: ClusterSpec;
  private readonly aws: AwsSpec;
  private readonly tags: Tags;
  private readonly place: Network;
  readonly network: pulumi.Output<string>;
  private readonly groups: SecurityGroups;
  private readonly keyName: pulumi.Output<string>;
  private readonly instanceProfiles: Readonly<Partial<Record<Role, pulumi.Output<string>>>>;
  private readonly bastion: Instance | undefined;
  private loadBalancers: readonly MadeLoadBalancer[] = [];

  constructor(
    name: string,
    args: CloudArgs,
    private readonly surveyed: Survey,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("corekube:aws:Aws", name, {}, opts);
    const child = { parent: this };
    const { spec } = args;
    this.spec = spec;
    this.aws = awsOf(spec);
    this.tags = clusterTags(spec);
    this.place = surveyed.network
      ? existingNetwork(surveyed.network, this.aws)
      : createNetwork({ spec, aws: this.aws, zones: surveyed.zones, tags: this.tags }, child);
    this.network = pulumi.output(this.place.vpcId);
    this.groups = createSecurityGroups(
      {
        spec,
        vpcId: this.place.vpcId,
        firewall: args.firewall,
        bastion: this.aws.machines === "private",
        tags: this.tags,
      },
      child,
    );
    this.keyName = new KeyPair(
      name,
      { keyName: name, publicKey: args.sshPublicKey, tags: { ...this.tags, Name: name } },
      child,
    ).keyName;
    const controller = createInstanceProfile(
      { spec, vpcId: this.place.vpcId, role: "controller", tags: this.tags },
      child,
    );
    this.instanceProfiles = controller ? { controller } : {};
    this.bastion = this.createBastion(child);
    this.registerOutputs({});
  }

  createMachine(args: MachineArgs, opts: pulumi.CustomResourceOptions): Machine {
    const group = this.groups.ofRole[args.role];
    const zone = this.surveyed.zoneOf(args);
    const isPublic = this.aws.machines === "public";
    const instanceProfile = this.instanceProfiles[args.role];
    const instance = createInstance(
      args.name,
      {
        ami: this.surveyed.ami,
        size: args.size,
        subnetId: this.place.machineSubnets.get(zone)!,
        securityGroup: group.id,
        publicAddress: isPublic,
        keyName: this.keyName,
        ...(instanceProfile ? { instanceProfile } : {}),
        userData: args.userData,
        disk: args.disk,
        tags: this.tags,
      },
      // The group with its rules comes first, so that the machine is never open; and the way out, for it downloads at its first boot.
      pulumi.mergeOptions(opts, { dependsOn: [...group.ready, ...this.place.ways] }),
    );
    const volumes = (args.volumes ?? []).map((volume) => this.attachVolume(args.name, zone, instance, volume, opts));
    const served =
      args.role === "controller"
        ? this.loadBalancers.map(({ targetGroup, name }) =>
            attach(`${args.name}-${name}`, targetGroup, instance.id, opts),
          )
        : [];
    return {
      name: args.name,
      role: args.role,
      id: instance.id,
      host: isPublic ? instance.publicIp : instance.privateIp,
      ...(this.bastion ? { bastion: this.bastion.publicIp } : {}),
      publicIpv4: isPublic ? instance.publicIp : pulumi.output(""),
      privateIpv4: instance.privateIp,
      resources: [instance, ...volumes, ...served, ...(this.bastion ? [this.bastion] : [])],
    };
  }

  /** The volume has no file system: the machine makes one only where there is none, and so never over data. */
  private attachVolume(
    machine: string,
    zone: string,
    instance: Instance,
    args: VolumeArgs,
    opts: pulumi.CustomResourceOptions,
  ): pulumi.Resource {
    const name = `${machine}-${args.suffix}`;
    const type = this.aws.volumeType;
    const volume = new Volume(
      name,
      {
        availabilityZone: zone,
        size: args.size,
        type,
        // etcd writes little, but waits for each write: https://etcd.io/docs/v3.6/op-guide/hardware/#disks. These types are sold by operations; AWS allows 50 for each GB.
        ...(type === "io1" || type === "io2" ? { iops: Math.min(3000, 50 * args.size) } : {}),
        encrypted: true,
        tags: { ...this.tags, Name: name },
      },
      pulumi.mergeOptions(opts, { protect: this.spec.deletionProtection }),
    );
    return new VolumeAttachment(
      name,
      { deviceName: volumeDevices[args.suffix], instanceId: instance.id, volumeId: volume.id },
      // A volume has one attachment at a time: the old one goes before the new one comes.
      pulumi.mergeOptions(opts, { deleteBeforeReplace: true }),
    );
  }

  createApiLoadBalancers(opts: pulumi.CustomResourceOptions): ApiLoadBalancers {
    const { name } = this.spec;
    const securityGroup = this.groups.loadBalancers!.id;
    const common = { vpcId: this.place.vpcId, securityGroup, tags: this.tags };
    const external = createLoadBalancer(
      `${name}-api`,
      { ...common, scope: "external", subnets: [...this.place.publicSubnets.values()] },
      opts,
    );
    const internal = createLoadBalancer(
      `${name}-api-internal`,
      { ...common, scope: "internal", subnets: [...this.place.machineSubnets.values()] },
      opts,
    );
    this.loadBalancers = [external, internal];
    return {
      external: external.dnsName,
      internal: internal.dnsName,
      resources: [...external.resources, ...internal.resources],
    };
  }

  /** A machine that only passes SSH on to those without public addresses. */
  private createBastion(opts: pulumi.CustomResourceOptions): Instance | undefined {
    const group = this.groups.bastion;
    if (!group) return undefined;
    const [subnetId] = this.place.publicSubnets.values();
    return createInstance(
      `${this.spec.name}-bastion`,
      {
        ami: this.surveyed.ami,
        size: this.aws.bastionSize,
        subnetId: subnetId!,
        securityGroup: group.id,
        publicAddress: true,
        keyName: this.keyName,
        userData: renderIgnition(merge(system(this.spec))),
        disk: bastionDisk,
        tags: this.tags,
      },
      pulumi.mergeOptions(opts, { dependsOn: [...group.ready, ...this.place.ways] }),
    );
  }
}

/** The resources of a cluster on AWS: network, security groups, key and roles; creates instances, volumes and load balancers. */
import * as pulumi from "@pulumi/pulumi";
import { getAvailabilityZones } from "@pulumi/aws/getAvailabilityZones.js";
import { getAmi } from "@pulumi/aws/ec2/getAmi.js";
import { getInstanceTypeOfferings } from "@pulumi/aws/ec2/getInstanceTypeOfferings.js";
import { getSecurityGroups } from "@pulumi/aws/ec2/getSecurityGroups.js";
import { getSubnet } from "@pulumi/aws/ec2/getSubnet.js";
import { getVpc } from "@pulumi/aws/ec2/getVpc.js";
import { KeyPair } from "@pulumi/aws/ec2/keyPair.js";
import type { ApiLoadBalancers, Cloud, CloudArgs, CloudPreflight, Machine, MachineArgs } from "../cloud/cloud.js";
import type { ClusterSpec, Role } from "../spec/cluster.js";
import { type Bastion, createBastion } from "./bastion.js";
import { createInstanceProfile } from "./iam/roles.js";
import { createSecurityGroups, type SecurityGroups } from "./firewall.js";
import { attach, createLoadBalancer, type MadeLoadBalancer } from "./loadBalancers.js";
import { attachVolume, createInstance } from "./machines.js";
import { clusterTags, type Tags } from "./names.js";
import { createNetwork, existingNetwork, type Network } from "./network.js";
import { type Preflight, runPreflight } from "./preflight.js";
import { awsProfile } from "./profile.js";
import { awsOf, type AwsSpec } from "./settings.js";

export const preflight: CloudPreflight = async (spec) => {
  const found = await runPreflight(spec, awsOf(spec), {
    getAmi,
    getSubnet,
    getVpc,
    getSecurityGroups,
    getInstanceTypeOfferings,
    getAvailabilityZones,
  });
  return (args, opts) => new Aws(spec, args, found, opts);
};

/** With the target groups, which controllers are attached to one by one. */
class AwsLoadBalancers implements ApiLoadBalancers {
  readonly external: pulumi.Output<string>;
  readonly internal: pulumi.Output<string>;
  readonly resources: readonly pulumi.Resource[];
  readonly all: readonly MadeLoadBalancer[];

  constructor(external: MadeLoadBalancer, internal: MadeLoadBalancer) {
    this.external = external.dnsName;
    this.internal = internal.dnsName;
    this.all = [external, internal];
    this.resources = this.all.flatMap(({ resources }) => resources);
  }
}

export class Aws extends pulumi.ComponentResource implements Cloud {
  readonly profile = awsProfile;
  private readonly aws: AwsSpec;
  private readonly tags: Tags;
  private readonly place: Network;
  readonly network: pulumi.Output<string>;
  private readonly groups: SecurityGroups;
  private readonly keyName: pulumi.Output<string>;
  private readonly instanceProfiles: Readonly<Partial<Record<Role, pulumi.Output<string>>>>;
  private readonly bastionMachine: Bastion | undefined;
  readonly bastion: pulumi.Output<string> | undefined;

  constructor(
    private readonly spec: ClusterSpec,
    args: CloudArgs,
    private readonly found: Preflight,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    const { name } = spec;
    super("corekube:aws:Aws", name, {}, opts);
    const child = { parent: this };
    this.aws = awsOf(spec);
    this.tags = clusterTags(spec);
    this.place = found.network
      ? existingNetwork(found.network, this.aws)
      : createNetwork({ spec, aws: this.aws, zones: found.zones, tags: this.tags }, child);
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
    this.bastionMachine = this.createBastion(child);
    this.bastion = this.bastionMachine?.address;
    this.registerOutputs({});
  }

  createMachine(args: MachineArgs, opts: pulumi.CustomResourceOptions): Machine {
    const group = this.groups.ofRole[args.role];
    const zone = this.found.zoneOf(args);
    const isPublic = this.aws.machines === "public";
    const instance = createInstance(
      args.name,
      {
        ami: this.found.ami,
        image: this.spec.image,
        size: args.size,
        subnetId: this.place.machineSubnets.get(zone)!,
        securityGroup: group.id,
        publicAddress: isPublic,
        keyName: this.keyName,
        instanceProfile: this.instanceProfiles[args.role],
        userData: args.userData,
        disk: args.disk,
        tags: this.tags,
      },
      // The group with its rules comes first, so that the machine is never open; and the routes to the internet, since it downloads at its first boot.
      pulumi.mergeOptions(opts, {
        dependsOn: [...group.ready, ...this.place.routes, ...(this.bastionMachine?.resources ?? [])],
      }),
    );
    const volumes = (args.volumes ?? []).map((volume) =>
      attachVolume(
        {
          machine: args.name,
          zone,
          instance,
          volume,
          type: this.aws.volumeType,
          protect: this.spec.deletionProtection,
          tags: this.tags,
        },
        opts,
      ),
    );
    const served = balancersOf(args.behind).map(({ targetGroup, name }) =>
      attach(`${args.name}-${name}`, targetGroup, instance.id, opts),
    );
    return {
      name: args.name,
      role: args.role,
      id: instance.id,
      host: isPublic ? instance.publicIp : instance.privateIp,
      bastion: this.bastion,
      publicIpv4: isPublic ? instance.publicIp : pulumi.output(""),
      privateIpv4: instance.privateIp,
      resources: [instance, ...volumes, ...served, ...(this.bastionMachine?.resources ?? [])],
    };
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
    return new AwsLoadBalancers(external, internal);
  }

  private createBastion(opts: pulumi.CustomResourceOptions): Bastion | undefined {
    const group = this.groups.bastion;
    if (!group) return undefined;
    const { spec, tags, keyName, place } = this;
    const [subnetId] = place.publicSubnets.values();
    return createBastion(
      {
        spec,
        ami: this.found.ami,
        size: this.aws.bastionSize,
        subnetId: subnetId!,
        group,
        keyName,
        tags,
        routes: place.routes,
      },
      opts,
    );
  }
}

function balancersOf(behind: ApiLoadBalancers | undefined): readonly MadeLoadBalancer[] {
  if (behind === undefined) return [];
  if (behind instanceof AwsLoadBalancers) return behind.all;
  throw new Error("behind: got load balancers of another cloud; this is a bug in the program");
}

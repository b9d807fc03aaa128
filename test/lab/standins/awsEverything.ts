/** One of each type, as a cluster uses them. */
import { image, publicKey, tags } from "./awsCloud.js";
import type { Bag, Resource, TestEngine } from "./engine.js";

export const types = {
  Vpc: "aws:ec2/vpc:Vpc",
  Subnet: "aws:ec2/subnet:Subnet",
  InternetGateway: "aws:ec2/internetGateway:InternetGateway",
  RouteTable: "aws:ec2/routeTable:RouteTable",
  Route: "aws:ec2/route:Route",
  RouteTableAssociation: "aws:ec2/routeTableAssociation:RouteTableAssociation",
  Eip: "aws:ec2/eip:Eip",
  NatGateway: "aws:ec2/natGateway:NatGateway",
  SecurityGroup: "aws:ec2/securityGroup:SecurityGroup",
  SecurityGroupIngressRule: "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
  SecurityGroupEgressRule: "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
  KeyPair: "aws:ec2/keyPair:KeyPair",
  Instance: "aws:ec2/instance:Instance",
  Volume: "aws:ebs/volume:Volume",
  VolumeAttachment: "aws:ec2/volumeAttachment:VolumeAttachment",
  LoadBalancer: "aws:lb/loadBalancer:LoadBalancer",
  TargetGroup: "aws:lb/targetGroup:TargetGroup",
  Listener: "aws:lb/listener:Listener",
  TargetGroupAttachment: "aws:lb/targetGroupAttachment:TargetGroupAttachment",
  Role: "aws:iam/role:Role",
  RolePolicy: "aws:iam/rolePolicy:RolePolicy",
  InstanceProfile: "aws:iam/instanceProfile:InstanceProfile",
} as const;

export type Name = keyof typeof types;

/** The metadata service shows tags of a machine, and none with a slash. */
export const machineTags = { Name: "one", KubernetesCluster: "c" };

export const trust = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } }],
};
export const metadataOptions = {
  httpEndpoint: "enabled",
  httpTokens: "required",
  httpPutResponseHopLimit: 1,
  instanceMetadataTags: "enabled",
};
export const policy = (action: string): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: [action], Resource: "*" }] });

export interface Made {
  readonly name: string;
  readonly resource: Resource;
  readonly given: Bag;
}

/** @param seen Called before each is made, for previews. */
export async function everything(
  engine: TestEngine,
  seen: (type: string, name: string, inputs: Bag) => Promise<void> = async () => undefined,
): Promise<Made[]> {
  const made: Made[] = [];
  const make = async (type: Name, name: string, given: Bag): Promise<Resource> => {
    await seen(types[type], name, given);
    const resource = await engine.create(types[type], name, given);
    made.push({ name, resource, given });
    return resource;
  };
  const vpc = await make("Vpc", "net", { cidrBlock: "10.0.0.0/16", enableDnsHostnames: true, tags });
  const subnet = await make("Subnet", "public", {
    vpcId: vpc.id,
    cidrBlock: "10.0.1.0/24",
    availabilityZone: "eu-central-1a",
    mapPublicIpOnLaunch: true,
    tags,
  });
  const inner = await make("Subnet", "private", {
    vpcId: vpc.id,
    cidrBlock: "10.0.2.0/24",
    availabilityZone: "eu-central-1a",
    tags,
  });
  const gateway = await make("InternetGateway", "gateway", { vpcId: vpc.id, tags });
  const outward = await make("RouteTable", "outward", { vpcId: vpc.id, tags });
  await make("Route", "internet", {
    routeTableId: outward.id,
    destinationCidrBlock: "0.0.0.0/0",
    gatewayId: gateway.id,
  });
  await make("RouteTableAssociation", "public", { routeTableId: outward.id, subnetId: subnet.id });
  const address = await make("Eip", "nat", { domain: "vpc", tags });
  const nat = await make("NatGateway", "nat", { allocationId: address.id, subnetId: subnet.id, tags });
  const through = await make("RouteTable", "through", { vpcId: vpc.id, tags });
  await make("Route", "nat", { routeTableId: through.id, destinationCidrBlock: "0.0.0.0/0", natGatewayId: nat.id });
  await make("RouteTableAssociation", "private", { routeTableId: through.id, subnetId: inner.id });
  const group = await make("SecurityGroup", "nodes", { vpcId: vpc.id, description: "Machines", tags });
  const admin = await make("SecurityGroup", "admin", { vpcId: vpc.id, name: "admin", tags });
  await make("SecurityGroupIngressRule", "ssh", {
    securityGroupId: group.id,
    ipProtocol: "tcp",
    fromPort: 22,
    toPort: 22,
    cidrIpv4: "192.0.2.0/24",
    description: "SSH",
    tags,
  });
  await make("SecurityGroupIngressRule", "api", {
    securityGroupId: group.id,
    ipProtocol: "tcp",
    fromPort: 6443,
    toPort: 6443,
    referencedSecurityGroupId: admin.id,
    tags,
  });
  await make("SecurityGroupEgressRule", "all", {
    securityGroupId: group.id,
    ipProtocol: "-1",
    cidrIpv4: "0.0.0.0/0",
    tags,
  });
  const key = await make("KeyPair", "admin", { publicKey: `${publicKey}\n`, tags });
  const role = await make("Role", "node", { assumeRolePolicy: trust, description: "Machines", tags });
  await make("RolePolicy", "describe", { role: role.id, policy: policy("ec2:DescribeInstances") });
  const profile = await make("InstanceProfile", "node", { role: role.id, tags });
  const machine = await make("Instance", "one", {
    ...{
      ami: image,
      instanceType: "t3.medium",
      subnetId: subnet.id,
      vpcSecurityGroupIds: [group.id],
      keyName: key.id,
      iamInstanceProfile: profile.id,
      associatePublicIpAddress: true,
    },
    ...{
      userData: `{"ignition":{"version":"3.5.0"}}`,
      metadataOptions,
      rootBlockDevice: { volumeType: "gp3", volumeSize: 30, encrypted: true, tags },
      tags: machineTags,
    },
  });
  const volume = await make("Volume", "data", {
    availabilityZone: "eu-central-1a",
    size: 10,
    type: "gp3",
    encrypted: true,
    tags,
  });
  await make("VolumeAttachment", "data", { deviceName: "/dev/xvdf", instanceId: machine.id, volumeId: volume.id });
  const balancer = await make("LoadBalancer", "api", {
    loadBalancerType: "network",
    internal: false,
    subnets: [subnet.id],
    securityGroups: [group.id],
    enableCrossZoneLoadBalancing: true,
    tags,
  });
  const targets = await make("TargetGroup", "api", {
    ...{
      port: 6443,
      protocol: "TCP",
      targetType: "instance",
      vpcId: vpc.id,
      deregistrationDelay: 30,
      preserveClientIp: "false",
      tags,
    },
    healthCheck: {
      protocol: "HTTPS",
      path: "/readyz",
      port: "6443",
      interval: 10,
      healthyThreshold: 2,
      unhealthyThreshold: 2,
    },
  });
  await make("Listener", "api", {
    loadBalancerArn: balancer.id,
    port: 6443,
    protocol: "TCP",
    defaultActions: [{ type: "forward", targetGroupArn: targets.id }],
    tags,
  });
  await make("TargetGroupAttachment", "one", { targetGroupArn: targets.id, targetId: machine.id, port: 6443 });
  return made;
}

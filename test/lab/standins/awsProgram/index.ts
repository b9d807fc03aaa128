/**
 * One of each type that the cluster's program registers, by the official SDK; with the setting `changed`, what can be changed in place
 * is, and another `size` replaces the machine.
 */
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";

const config = new pulumi.Config();
const changed = config.getBoolean("changed") ?? false;
const pick = <Value>(before: Value, after: Value): Value => (changed ? after : before);
const tags = { Name: pick("one", "two"), KubernetesCluster: "c", "kubernetes.io/cluster/c": "owned" };
const plain = { Name: pick("one", "two"), KubernetesCluster: "c" };

const zones = aws.getAvailabilityZonesOutput({
  filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }],
});
const image = aws.ec2.getAmiOutput({
  owners: ["075585003325"],
  mostRecent: true,
  includeDeprecated: true,
  filters: [{ name: "name", values: ["Flatcar-stable-*-hvm"] }],
});
const zone = zones.names.apply(([first = ""]) => first);

const vpc = new aws.ec2.Vpc("net", {
  cidrBlock: "10.0.0.0/16",
  enableDnsSupport: true,
  enableDnsHostnames: pick(true, false),
  tags,
});
const [outer, inner] = ["10.0.1.0/24", "10.0.2.0/24"].map(
  (cidrBlock, index) =>
    new aws.ec2.Subnet(`subnet-${index}`, {
      vpcId: vpc.id,
      cidrBlock,
      availabilityZone: zone,
      mapPublicIpOnLaunch: index === 0 && !changed,
      tags,
    }),
) as [aws.ec2.Subnet, aws.ec2.Subnet];
const gateway = new aws.ec2.InternetGateway("gateway", { vpcId: vpc.id, tags });
const outward = new aws.ec2.RouteTable("outward", { vpcId: vpc.id, tags });
new aws.ec2.Route("internet", { routeTableId: outward.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id });
new aws.ec2.RouteTableAssociation("outward", { routeTableId: outward.id, subnetId: outer.id });
const address = new aws.ec2.Eip("nat", { domain: "vpc", tags });
const nat = new aws.ec2.NatGateway(
  "nat",
  { allocationId: address.id, subnetId: outer.id, tags },
  { dependsOn: [gateway] },
);
const through = new aws.ec2.RouteTable("through", { vpcId: vpc.id, tags });
new aws.ec2.Route(
  "through",
  changed
    ? { routeTableId: through.id, destinationCidrBlock: "0.0.0.0/0", gatewayId: gateway.id }
    : { routeTableId: through.id, destinationCidrBlock: "0.0.0.0/0", natGatewayId: nat.id },
);
new aws.ec2.RouteTableAssociation("through", { routeTableId: pick(through.id, outward.id), subnetId: inner.id });

const nodes = new aws.ec2.SecurityGroup("nodes", { name: "nodes", vpcId: vpc.id, description: "Machines", tags });
const admin = new aws.ec2.SecurityGroup("admin", { name: "admin", vpcId: vpc.id, description: "Administrators", tags });
new aws.vpc.SecurityGroupIngressRule("ssh", {
  securityGroupId: nodes.id,
  ipProtocol: "tcp",
  fromPort: 22,
  toPort: 22,
  cidrIpv4: pick("192.0.2.0/24", "198.51.100.0/24"),
  description: pick("SSH", "SSH too"),
  tags,
});
new aws.vpc.SecurityGroupIngressRule("api", {
  securityGroupId: nodes.id,
  ipProtocol: "tcp",
  fromPort: 6443,
  toPort: 6443,
  referencedSecurityGroupId: admin.id,
  tags,
});
new aws.vpc.SecurityGroupEgressRule("all", {
  securityGroupId: nodes.id,
  ipProtocol: "-1",
  cidrIpv4: "0.0.0.0/0",
  tags,
});

const key = new aws.ec2.KeyPair("admin", {
  keyName: "admin",
  publicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPrhUoL3aAzWjRDXeUWCJO/5H7oFyFJ5tSHTBUkBKoD admin\n",
  tags,
});
const trust = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } }],
};
const role = new aws.iam.Role("node", {
  name: "node",
  assumeRolePolicy: JSON.stringify(trust),
  description: pick("Machines", "Other machines"),
  tags,
});
new aws.iam.RolePolicy("describe", {
  name: "describe",
  role: role.name,
  policy: JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: pick("ec2:DescribeInstances", "ec2:DescribeVolumes"), Resource: "*" }],
  }),
});
const profile = new aws.iam.InstanceProfile("node", { name: "node", role: role.name, tags });

const machine = new aws.ec2.Instance(
  "one",
  {
    ami: image.id,
    instanceType: config.get("size") ?? "t3.medium",
    subnetId: outer.id,
    vpcSecurityGroupIds: changed ? [nodes.id, admin.id] : [nodes.id],
    keyName: key.keyName,
    iamInstanceProfile: profile.name,
    associatePublicIpAddress: true,
    userData: `{"ignition":{"version":"3.5.0"}}`,
    userDataReplaceOnChange: false,
    disableApiTermination: false,
    metadataOptions: {
      httpEndpoint: "enabled",
      httpTokens: "required",
      httpPutResponseHopLimit: pick(1, 2),
      instanceMetadataTags: "enabled",
    },
    rootBlockDevice: { volumeType: "gp3", volumeSize: 30, encrypted: true, deleteOnTermination: true, tags },
    tags: plain,
  },
  { replaceOnChanges: ["instanceType"], deleteBeforeReplace: true },
);
const way = new aws.ec2.Eip("way", { domain: "vpc", instance: machine.id, tags });
const volume = new aws.ebs.Volume("data", {
  availabilityZone: zone,
  size: pick(10, 20),
  type: "gp3",
  encrypted: true,
  tags,
});
new aws.ec2.VolumeAttachment(
  "data",
  {
    deviceName: "/dev/xvdf",
    instanceId: machine.id,
    volumeId: volume.id,
    skipDestroy: config.getBoolean("kept") ?? true,
  },
  { deleteBeforeReplace: true },
);
const balancer = new aws.lb.LoadBalancer("api", {
  name: "api",
  internal: false,
  loadBalancerType: "network",
  ipAddressType: "ipv4",
  subnets: [outer.id],
  securityGroups: [nodes.id],
  enableCrossZoneLoadBalancing: pick(true, false),
  tags,
});
const targets = new aws.lb.TargetGroup("api", {
  name: "api",
  port: 6443,
  protocol: "TCP",
  targetType: "instance",
  vpcId: vpc.id,
  deregistrationDelay: pick(30, 60),
  preserveClientIp: "false",
  healthCheck: {
    enabled: true,
    protocol: "HTTPS",
    path: pick("/readyz", "/livez"),
    port: "6443",
    matcher: "200",
    interval: 10,
    timeout: 3,
    healthyThreshold: 2,
    unhealthyThreshold: 2,
  },
  tags,
});
new aws.lb.Listener("api", {
  loadBalancerArn: balancer.arn,
  port: pick(6443, 443),
  protocol: "TCP",
  defaultActions: [{ type: "forward", targetGroupArn: targets.arn }],
  tags,
});
new aws.lb.TargetGroupAttachment("one", { targetGroupArn: targets.arn, targetId: machine.id, port: 6443 });

export const privateIp = machine.privateIp;
export const publicIp = way.publicIp;
export const dnsName = balancer.dnsName;

/** AWS's resources as the policies see them. */
import type { CloudPolicy, EncryptionSwitch, Opening, Resource, StackResource } from "../cloud/policy.js";
import { type Bag, bag, isTrue, list, parsed, scalar, texts, unknown, type Value } from "../cloud/propertyValues.js";

const instance = "aws:ec2/instance:Instance";
const spotInstance = "aws:ec2/spotInstanceRequest:SpotInstanceRequest";
const launchTemplate = "aws:ec2/launchTemplate:LaunchTemplate";
const launchConfiguration = "aws:ec2/launchConfiguration:LaunchConfiguration";
const fileSystem = "aws:efs/fileSystem:FileSystem";

/** Under both of their names. */
const loadBalancers: readonly string[] = ["aws:lb/loadBalancer:LoadBalancer", "aws:alb/loadBalancer:LoadBalancer"];

function openings({ type, props }: Resource): readonly Opening[] {
  switch (type) {
    case "aws:ec2/securityGroup:SecurityGroup":
    case "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
      return list(props["ingress"]).map((rule, index) => groupOpening(bag(rule), `ingress[${index}]`));
    case "aws:ec2/securityGroupRule:SecurityGroupRule":
      return props["type"] === "egress" ? [] : [groupOpening(props, "cidrBlocks")];
    case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
      return [
        groupOpening(
          { ...props, protocol: props["ipProtocol"], cidrBlocks: [props["cidrIpv4"], props["cidrIpv6"]] },
          "cidrIpv4",
        ),
      ];
    default:
      return [];
  }
}

function groupOpening(rule: Bag, path: string): Opening {
  const { protocol, fromPort, toPort } = rule;
  const all = protocol === "-1" || protocol === "all" || typeof fromPort !== "number" || typeof toPort !== "number";
  const networks = [...texts(rule["cidrBlocks"]), ...texts(rule["ipv6CidrBlocks"])];
  return { path, protocol, ports: all ? { from: 0, to: 65_535 } : { from: fromPort, to: toPort }, networks };
}

const unprotected: CloudPolicy["unprotected"] = (resources) => [
  ...resources
    .filter((resource) => resource.type === instance && !hasSecurityGroup(resource))
    .map((resource) => ({
      resource,
      problem: "vpcSecurityGroupIds: got nothing; name the security group of its role.",
    })),
  ...resources
    .filter((resource) => loadBalancers.includes(resource.type) && isOpenBalancer(resource))
    .map((resource) => ({
      resource,
      problem:
        "securityGroups: got nothing, and it faces the internet; name one with the administrators' networks. It cannot be added later.",
    })),
];

/** Security groups may also be in the launch template. */
function hasSecurityGroup(machine: StackResource): boolean {
  const { props } = machine;
  if (props["launchTemplate"] !== undefined) return true;
  const { vpcSecurityGroupIds, securityGroups, networkInterfaces } = props;
  const properties: Bag = { vpcSecurityGroupIds, securityGroups, networkInterfaces };
  return Object.entries(properties).some(
    ([key, value]) => value === unknown || list(value).length > 0 || machine.sources(key).length > 0,
  );
}

function isOpenBalancer(balancer: StackResource): boolean {
  const { internal, loadBalancerType, securityGroups } = balancer.props;
  if (loadBalancerType !== "network" || isTrue(internal) || internal === unknown || securityGroups === unknown)
    return false;
  return list(securityGroups).length === 0 && balancer.sources("securityGroups").length === 0;
}

/** Types that have tags, by module. */
const tagged: Readonly<Record<string, readonly string[]>> = {
  acm: ["certificate"],
  autoscaling: ["group"],
  cloudwatch: ["logGroup"],
  dynamodb: ["table"],
  ebs: ["volume", "snapshot", "snapshotCopy"],
  ec2: [
    "ami",
    "eip",
    "egressOnlyInternetGateway",
    "instance",
    "internetGateway",
    "keyPair",
    "launchTemplate",
    "natGateway",
    "networkAcl",
    "networkInterface",
    "placementGroup",
    "routeTable",
    "securityGroup",
    "spotInstanceRequest",
    "subnet",
    "vpc",
    "vpcDhcpOptions",
    "vpcEndpoint",
  ],
  efs: ["fileSystem"],
  iam: ["instanceProfile", "openIdConnectProvider", "policy", "role", "user"],
  kms: ["key"],
  lb: ["listener", "loadBalancer", "targetGroup"],
  route53: ["zone"],
  s3: ["bucket", "bucketV2"],
  secretsmanager: ["secret"],
  sqs: ["queue"],
  vpc: ["securityGroupEgressRule", "securityGroupIngressRule"],
};

function tagKeys({ type, props, provider }: Resource): ReturnType<CloudPolicy["tagKeys"]> {
  const [, module = "", kind = ""] = /^aws:(\w+)\/(\w+):/.exec(type) ?? [];
  if (tagged[module]?.includes(kind) !== true) return undefined;
  const { tags, tagsAll } = props;
  const byDefault = bag(parsed(provider["defaultTags"]))["tags"];
  // An automatic scaling group has a list of tags, with key and value apart.
  const pairs = list(tags)
    .map(bag)
    .filter((pair) => "key" in pair)
    .map(({ key, value }): [string, Value] => [scalar(key), value]);
  const maps: readonly Value[] = [byDefault, tagsAll, tags];
  const named = maps.flatMap((some) => Object.entries(bag(some)));
  const found = new Set(
    [...named, ...pairs]
      .filter(([, value]) => value !== "" && value !== null && value !== undefined)
      .map(([key]) => key),
  );
  return tags === unknown || tagsAll === unknown || byDefault === unknown ? unknown : found;
}

function encryption({ type, props }: Resource): readonly EncryptionSwitch[] {
  const on = (path: string, value: Value): EncryptionSwitch => ({ path, value, accountDefault: type !== fileSystem });
  switch (type) {
    case "aws:ebs/volume:Volume":
    case "aws:ebs/snapshotCopy:SnapshotCopy":
    case fileSystem:
      return [on("encrypted", props["encrypted"])];
    case "kubernetes:storage.k8s.io/v1:StorageClass":
      return props["provisioner"] === "ebs.csi.aws.com"
        ? [on("parameters.encrypted", bag(props["parameters"])["encrypted"])]
        : [];
    case launchTemplate:
      return templateDisks(props["blockDeviceMappings"]).map(([path, value]) => on(path, value));
    case instance:
    case spotInstance:
    case launchConfiguration:
      return machineDisks(props).map(([path, value]) => on(path, value));
    default:
      return [];
  }
}

function machineDisks(props: Bag): [string, Value][] {
  const root = props["rootBlockDevice"];
  // A launch template may describe the disk instead.
  const byTemplate = root === undefined && props["launchTemplate"] !== undefined;
  const further = list(props["ebsBlockDevices"]).map((device, index): [string, Value] => [
    `ebsBlockDevices[${index}].encrypted`,
    encryptedOf(device),
  ]);
  return [...(byTemplate ? [] : [["rootBlockDevice.encrypted", encryptedOf(root)] as [string, Value]]), ...further];
}

function templateDisks(mappings: Value): [string, Value][] {
  if (mappings === unknown) return [];
  const described = list(mappings).filter(
    (mapping) => bag(mapping)["noDevice"] === undefined && bag(mapping)["virtualName"] === undefined,
  );
  if (described.length === 0) return [["blockDeviceMappings[0].ebs.encrypted", undefined]];
  return described.map((mapping, index) => [
    `blockDeviceMappings[${index}].ebs.encrypted`,
    mapping === unknown ? unknown : encryptedOf(bag(mapping)["ebs"]),
  ]);
}

function encryptedOf(device: Value): Value {
  return device === unknown ? unknown : bag(device)["encrypted"];
}

const amiId = /^ami-[0-9a-f]{8,17}$/;

export const awsPolicy: CloudPolicy = {
  machines: {
    [instance]: { metadataOptions: true },
    [spotInstance]: { metadataOptions: true },
    [launchTemplate]: { metadataOptions: true, template: true, base64: true },
    [launchConfiguration]: { metadataOptions: true, template: true },
  },
  images: {
    [instance]: { property: "ami", id: amiId, idsOnly: "ami-..." },
    [spotInstance]: { property: "ami", id: amiId, idsOnly: "ami-..." },
    [launchTemplate]: { property: "imageId", id: amiId, idsOnly: "ami-..." },
    [launchConfiguration]: { property: "imageId", id: amiId, idsOnly: "ami-..." },
  },
  volumes: ["aws:ebs/volume:Volume"],
  attachments: { "aws:ec2/volumeAttachment:VolumeAttachment": { machine: "instanceId", volume: "volumeId" } },
  openings,
  unprotected,
  tagKeys,
  encryption,
};

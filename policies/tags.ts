/** Every cloud resource says which cluster it belongs to. */
import { type Allowed, allowedNames, type Resource, resourceRule } from "./rule.js";
import { bag, hasUnknown, list, parsed, scalar, type Value, unknown } from "./values.js";

/** Types of DigitalOcean that take tags of their own. VPCs, load balancers and SSH keys take none; a firewall's are those of its machines. */
const digitalocean: readonly string[] = [
  "droplet",
  "volume",
  "volumeSnapshot",
  "customImage",
  "databaseCluster",
  "databaseReplica",
  "kubernetesCluster",
];

/** Types of AWS that take tags, by module. */
const aws: Readonly<Record<string, readonly string[]>> = {
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

interface Settings extends Allowed {
  readonly keys: readonly string[];
}

export const resourcesTagged = resourceRule<Settings>({
  id: "resources-tagged",
  description: "Every cloud resource that takes tags has those of its cluster.",
  settings: {
    keys: {
      type: "array",
      items: { type: "string" },
      default: ["KubernetesCluster"],
      description: "Keys that must be there with a value: key=value on AWS, key:value on DigitalOcean.",
    },
    ...allowedNames("may lack tags"),
  },
  check: (resource, { keys }, report) => {
    const tags = tagsOf(resource);
    if (tags === undefined || tags === unknown) return;
    const missing = keys.filter((key) => !tags.has(key));
    if (missing.length > 0) report(`tags: ${missing.join(" and ")} missing.`);
  },
});

/** Keys of tags with a value; undefined: takes none, unknown: some are not known yet. */
function tagsOf({ type, props, provider }: Resource): ReadonlySet<string> | undefined | typeof unknown {
  const [, cloud, module = "", kind = ""] = /^(digitalocean|aws):(\w+)\/(\w+):/.exec(type) ?? [];
  if (cloud === "digitalocean") {
    if (!digitalocean.includes(kind)) return undefined;
    return hasUnknown(props["tags"]) ? unknown : new Set(list(props["tags"]).flatMap(keyOfTag));
  }
  if (cloud !== "aws" || aws[module]?.includes(kind) !== true) return undefined;
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

/** `key:value`, with a value; a tag without one is a key to nothing. */
function keyOfTag(tag: Value): string[] {
  const [, key] = typeof tag === "string" ? (/^([^:]+):./.exec(tag) ?? []) : [];
  return key === undefined ? [] : [key];
}

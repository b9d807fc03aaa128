/** DigitalOcean's resources as the policies see them. All disks are encrypted, without a switch, and the metadata service has one version. */
import type { CloudPolicy, Opening, Resource, StackResource } from "../cloud/policy.js";
import { type Bag, bag, hasUnknown, list, scalar, texts, unknown, type Value } from "../cloud/propertyValues.js";

const droplet = "digitalocean:index/droplet:Droplet";
const firewall = "digitalocean:index/firewall:Firewall";
const loadBalancer = "digitalocean:index/loadBalancer:LoadBalancer";

/** VPCs, load balancers and SSH keys have no tags; a firewall's are those of its machines. */
const tagged: readonly string[] = [
  "droplet",
  "volume",
  "volumeSnapshot",
  "customImage",
  "databaseCluster",
  "databaseReplica",
  "kubernetesCluster",
];

function openings({ type, props }: Resource): readonly Opening[] {
  if (type === firewall)
    return list(props["inboundRules"]).map((rule, index) => firewallOpening(bag(rule), `inboundRules[${index}]`));
  return type === loadBalancer ? loadBalancerOpenings(props) : [];
}

function firewallOpening(rule: Bag, path: string): Opening {
  return {
    path,
    protocol: rule["protocol"],
    ports: portRange(rule["portRange"]),
    networks: texts(rule["sourceAddresses"]),
  };
}

/** DigitalOcean's form: `22`, `30000-32767`, `all` or `0` for all. */
function portRange(value: Value): Opening["ports"] {
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(scalar(value)) ?? [];
  if (from === undefined || from === "0") return { from: 0, to: 65_535 };
  return { from: Number(from), to: Number(to ?? from) };
}

/** A load balancer with an external address and no list of networks is open to everyone. */
function loadBalancerOpenings(props: Bag): Opening[] {
  if (props["network"] === "INTERNAL" || props["network"] === unknown || props["firewall"] === unknown) return [];
  const allows = bag(props["firewall"])["allows"];
  if (allows === unknown) return [];
  const entries = list(allows);
  const networks =
    entries.length === 0
      ? ["0.0.0.0/0"]
      : texts(entries)
          .filter((entry) => entry.startsWith("cidr:"))
          .map((entry) => entry.slice("cidr:".length));
  return list(props["forwardingRules"]).flatMap((rule, index) => {
    const { entryPort, targetPort } = bag(rule);
    const ports = [entryPort, targetPort].filter((port): port is number => typeof port === "number");
    return [...new Set(ports)].map((port) => ({
      path: `forwardingRules[${index}]`,
      protocol: "tcp",
      ports: { from: port, to: port },
      networks,
    }));
  });
}

const unprotected: CloudPolicy["unprotected"] = (resources) => {
  const firewalls = resources.filter(({ type }) => type === firewall);
  return resources
    .filter((resource) => resource.type === droplet && !firewalls.some((candidate) => covers(candidate, resource)))
    .map((resource) => ({
      resource,
      problem: "no firewall applies to its tags or its id; without one every port is open.",
    }));
};

/** By a tag of the same name, by a tag that is the same resource, or by the droplet's id. */
function covers(candidate: StackResource, machine: StackResource): boolean {
  const tags = texts(candidate.props["tags"]);
  if (texts(machine.props["tags"]).some((tag) => tags.includes(tag))) return true;
  const sources = candidate.sources("tags");
  if (machine.sources("tags").some((urn) => sources.includes(urn))) return true;
  if (candidate.sources("dropletIds").includes(machine.urn)) return true;
  const id = machine.props["id"];
  return typeof id === "string" && list(candidate.props["dropletIds"]).some((value) => scalar(value) === id);
}

function tagKeys({ type, props }: Resource): ReturnType<CloudPolicy["tagKeys"]> {
  const [, kind = ""] = /^digitalocean:\w+\/(\w+):/.exec(type) ?? [];
  if (!tagged.includes(kind)) return undefined;
  return hasUnknown(props["tags"]) ? unknown : new Set(list(props["tags"]).flatMap(keyOfTag));
}

/** Of `key:value`; a tag without a value has no key that counts. */
function keyOfTag(tag: Value): string[] {
  const [, key] = typeof tag === "string" ? (/^([^:]+):./.exec(tag) ?? []) : [];
  return key === undefined ? [] : [key];
}

export const digitaloceanPolicy: CloudPolicy = {
  machines: { [droplet]: {} },
  images: {
    [droplet]: { property: "image", id: /^\d+$/ },
    "digitalocean:index/customImage:CustomImage": { property: "url" },
  },
  volumes: ["digitalocean:index/volume:Volume"],
  attachments: {
    "digitalocean:index/volumeAttachment:VolumeAttachment": { machine: "dropletId", volume: "volumeId" },
  },
  openings,
  unprotected,
  tagKeys,
  encryption: () => [],
};

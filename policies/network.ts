/** Who reaches SSH and the API from the internet. */
import { type Allowed, allowedNames, type Resource, resourceRule, type StackResource, stackRule } from "./rule.js";
import { droplet } from "./types.js";
import { type Bag, bag, isTrue, list, scalar, texts, unknown, type Value } from "./values.js";

const firewall = "digitalocean:index/firewall:Firewall";

/** Under both of their names. */
const networkLoadBalancers: readonly string[] = [
  "aws:lb/loadBalancer:LoadBalancer",
  "aws:alb/loadBalancer:LoadBalancer",
];

/**
 * Networks of at most these prefix lengths count as the world: halves and quarters of it are no better than the whole. /8 is the
 * largest network that anybody was given; all public IPv6 addresses are in 2000::/3.
 */
const worldPrefix = { ipv4: 7, ipv6: 15 };

function isWorld(network: string): boolean {
  const [address = "", prefix] = network.split("/");
  if (prefix === undefined || prefix === "") return false;
  return Number(prefix) <= (address.includes(":") ? worldPrefix.ipv6 : worldPrefix.ipv4);
}

interface Settings extends Allowed {
  readonly ports: readonly number[];
}

/** Something that lets networks in. */
interface Opening {
  /** Where in the resource's properties. */
  readonly path: string;
  readonly ports: { readonly from: number; readonly to: number };
  readonly networks: readonly string[];
}

const everyPort = { from: 0, to: 65_535 };

export const noWorldOpenAccess = resourceRule<Settings>({
  id: "no-world-open-access",
  description: "SSH and the API are open to named networks only, not to the world.",
  settings: {
    ports: {
      type: "array",
      items: { type: "integer", minimum: 1, maximum: 65_535 },
      default: [22, 6443],
      description: "TCP ports that must not be open to the world.",
    },
    ...allowedNames("may be open to the world"),
  },
  check: (resource, { ports }, report) => {
    for (const { path, ports: range, networks } of openings(resource)) {
      const open = ports.filter((port) => port >= range.from && port <= range.to);
      const world = networks.filter(isWorld);
      if (open.length > 0 && world.length > 0) {
        report(
          `${path}: port ${open.join(" and ")} is open to ${world.join(" and ")}; name the administrators' networks instead (admin_cidrs).`,
        );
      }
    }
  },
});

function openings(resource: Resource): Opening[] {
  const { type, props } = resource;
  switch (type) {
    case firewall:
      return list(props["inboundRules"])
        .map((rule, index) => firewallOpening(bag(rule), `inboundRules[${index}]`))
        .filter(isTcp);
    case "digitalocean:index/loadBalancer:LoadBalancer":
      return loadBalancerOpenings(props);
    case "aws:ec2/securityGroup:SecurityGroup":
    case "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup":
      return list(props["ingress"])
        .map((rule, index) => groupOpening(bag(rule), `ingress[${index}]`))
        .filter(isTcp);
    case "aws:ec2/securityGroupRule:SecurityGroupRule":
      return props["type"] === "egress" ? [] : [groupOpening(props, "cidrBlocks")].filter(isTcp);
    case "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule":
      return [
        groupOpening(
          { ...props, protocol: props["ipProtocol"], cidrBlocks: [props["cidrIpv4"], props["cidrIpv6"]] },
          "cidrIpv4",
        ),
      ].filter(isTcp);
    default:
      return [];
  }
}

interface Candidate extends Opening {
  readonly protocol: Value;
}

/** Protocols by name, by number, or all of them; one that is not known yet may be TCP. */
function isTcp({ protocol }: Candidate): boolean {
  return protocol === unknown || ["tcp", "6", "-1", "all"].includes(scalar(protocol).toLowerCase());
}

function firewallOpening(rule: Bag, path: string): Candidate {
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
  if (from === undefined || from === "0") return everyPort;
  return { from: Number(from), to: Number(to ?? from) };
}

function groupOpening(rule: Bag, path: string): Candidate {
  const { fromPort, toPort } = rule;
  const { protocol } = rule;
  const all = protocol === "-1" || protocol === "all" || typeof fromPort !== "number" || typeof toPort !== "number";
  const networks = [...texts(rule["cidrBlocks"]), ...texts(rule["ipv6CidrBlocks"])];
  return { path, protocol, ports: all ? everyPort : { from: fromPort, to: toPort }, networks };
}

/** A load balancer with an external address and no list of networks is open to everybody. */
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
      ports: { from: port, to: port },
      networks,
    }));
  });
}

export const machinesBehindFirewall = stackRule<Allowed>({
  id: "machines-behind-firewall",
  description:
    "Every machine, and every load balancer of AWS that faces the internet, is in a firewall or security group: a droplet in none and an instance in its VPC's default group answer to whoever that lets in, a network load balancer in none to everybody.",
  settings: allowedNames("may be in no firewall"),
  check: (resources, _settings, report) => {
    const firewalls = resources.filter(({ type }) => type === firewall);
    for (const machine of resources.filter(({ type }) => type === droplet)) {
      if (!firewalls.some((candidate) => covers(candidate, machine))) {
        report(machine, "no firewall has one of its tags, or its id; without one every port is open.");
      }
    }
    const instances = resources.filter(
      ({ type, props }) => type === "aws:ec2/instance:Instance" && props["launchTemplate"] === undefined,
    );
    for (const machine of instances) {
      const { vpcSecurityGroupIds, securityGroups, networkInterfaces } = machine.props;
      const properties: Bag = { vpcSecurityGroupIds, securityGroups, networkInterfaces };
      const named = Object.entries(properties).some(
        ([key, value]) => value === unknown || list(value).length > 0 || machine.sources(key).length > 0,
      );
      if (!named) report(machine, "vpcSecurityGroupIds: got nothing; name the security group of its role.");
    }
    for (const balancer of resources.filter(({ type }) => networkLoadBalancers.includes(type))) {
      const { internal, loadBalancerType, securityGroups } = balancer.props;
      if (loadBalancerType !== "network" || isTrue(internal) || internal === unknown || securityGroups === unknown)
        continue;
      if (list(securityGroups).length === 0 && balancer.sources("securityGroups").length === 0) {
        report(
          balancer,
          "securityGroups: got nothing, and it faces the internet; name one with the administrators' networks. It cannot be added later.",
        );
      }
    }
  },
});

/** By a tag of the same name, by a tag that is the same resource, or by the droplet's id. */
function covers(candidate: StackResource, machine: StackResource): boolean {
  const tags = texts(candidate.props["tags"]);
  if (texts(machine.props["tags"]).some((tag) => tags.includes(tag))) return true;
  const sources = candidate.sources("tags");
  if (machine.sources("tags").some((urn) => sources.includes(urn))) return true;
  if (candidate.sources("dropletIds").includes(machine.urn)) return true;
  const id = machine.props["id"];
  return typeof id === "string" && list(candidate.props["dropletIds"]).some((value) => isSame(value, id));
}

function isSame(value: Value, id: string): boolean {
  return scalar(value) === id;
}

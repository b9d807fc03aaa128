/** The firewall table as security groups: one for each role, one for the load balancers of the API, one for the bastion. */
import type * as pulumi from "@pulumi/pulumi";
import { SecurityGroup } from "@pulumi/aws/ec2/securityGroup.js";
import { SecurityGroupEgressRule } from "@pulumi/aws/vpc/securityGroupEgressRule.js";
import { SecurityGroupIngressRule } from "@pulumi/aws/vpc/securityGroupIngressRule.js";
import type { FirewallRule, FirewallSource } from "../cloud/firewall.js";
import { type ClusterSpec, type Role, roles } from "../spec/cluster.js";
import type { Tags } from "./names.js";

export interface Group {
  readonly id: pulumi.Output<string>;
  /** Resources that a machine of the group needs for outgoing traffic. */
  readonly ready: readonly pulumi.Resource[];
}

export interface SecurityGroups {
  readonly ofRole: Readonly<Record<Role, Group>>;
  /** Undefined: the API has no load balancers. */
  readonly loadBalancers?: Group;
  /** Undefined: machines are reached directly. */
  readonly bastion?: Group;
}

export interface SecurityGroupsArgs {
  readonly spec: Pick<ClusterSpec, "name" | "adminCidrs" | "nodeCidr" | "apiLoadBalancers">;
  readonly vpcId: pulumi.Input<string>;
  readonly firewall: readonly FirewallRule[];
  /** Administrators reach SSH on machines through a bastion only. */
  readonly bastion: boolean;
  readonly tags: Tags;
}

/** A source of a rule: its name in names of resources, and its input for AWS. */
type Source = readonly [
  name: string,
  source:
    | { readonly cidrIpv4: string }
    | { readonly cidrIpv6: string }
    | { readonly referencedSecurityGroupId: pulumi.Input<string> },
];

function networks(cidrs: readonly string[]): readonly Source[] {
  return cidrs.map((cidr) => [cidr, cidr.includes(":") ? { cidrIpv6: cidr } : { cidrIpv4: cidr }]);
}

/** Creates them as children of `opts.parent`. Each rule is a separate resource, so that adding or removing one changes no other. */
export function createSecurityGroups(args: SecurityGroupsArgs, opts: pulumi.CustomResourceOptions): SecurityGroups {
  const { name, adminCidrs } = args.spec;
  const group = (part: string, description: string): SecurityGroup & Group => {
    const what = `${name}-${part}`;
    const made = new SecurityGroup(
      what,
      { name: what, description, vpcId: args.vpcId, tags: { ...args.tags, Name: what } },
      opts,
    );
    const out = new SecurityGroupEgressRule(
      what,
      {
        securityGroupId: made.id,
        ipProtocol: "-1",
        cidrIpv4: "0.0.0.0/0",
        description: "all outgoing traffic",
        tags: { ...args.tags, Name: what },
      },
      opts,
    );
    return Object.assign(made, { ready: [made, out] });
  };
  const ofRole = Object.fromEntries(
    roles.map((role) => [role, group(role, `Machines of ${name}: ${role}`)]),
  ) as unknown as Record<Role, Group>;
  const loadBalancers = args.spec.apiLoadBalancers
    ? group("load-balancers", `Load balancers of the API of ${name}`)
    : undefined;
  const bastion = args.bastion ? group("bastion", `SSH to the machines of ${name}`) : undefined;

  const sources = (source: FirewallSource, purpose: string): readonly Source[] => {
    if (typeof source !== "string") return networks([source.cidr]);
    switch (source) {
      case "admin":
        return bastion && purpose === "ssh"
          ? [["bastion", { referencedSecurityGroupId: bastion.id }]]
          : networks(adminCidrs);
      case "network":
        return networks([args.spec.nodeCidr]);
      case "everyone":
        // Machines have no IPv6.
        return [["everyone", { cidrIpv4: "0.0.0.0/0" }]];
      case "apiLoadBalancer":
        return loadBalancers ? [["load-balancers", { referencedSecurityGroupId: loadBalancers.id }]] : [];
      default:
        return [[source, { referencedSecurityGroupId: ofRole[source].id }]];
    }
  };
  const opened = new Set<string>();
  const open = (
    part: string,
    to: Group,
    rule: Pick<FirewallRule, "purpose" | "protocol" | "ports">,
    from: readonly Source[],
  ): void => {
    // -1: every type of ICMP.
    const { from: fromPort, to: toPort } = rule.ports ?? { from: -1, to: -1 };
    const ports = { ipProtocol: rule.protocol, fromPort, toPort };
    for (const [source, where] of from) {
      // AWS refuses a second rule that says the same, as when the stack opens a port that is open already.
      const key = [part, rule.protocol, fromPort, toPort, source === "0.0.0.0/0" ? "everyone" : source].join(" ");
      if (opened.has(key)) continue;
      opened.add(key);
      const what = `${name}-${part}-${rule.purpose}-from-${source}`;
      new SecurityGroupIngressRule(
        what,
        {
          securityGroupId: to.id,
          ...ports,
          ...where,
          description: `${rule.purpose} from ${source}`,
          tags: { ...args.tags, Name: what },
        },
        opts,
      );
    }
  };
  for (const rule of args.firewall) {
    open(
      rule.role,
      ofRole[rule.role],
      rule,
      rule.from.flatMap((source) => sources(source, rule.purpose)),
    );
    // Sources that may use the controllers may use their load balancers.
    if (loadBalancers && rule.from.includes("apiLoadBalancer")) {
      open(
        "load-balancers",
        loadBalancers,
        rule,
        rule.from.filter((source) => source !== "apiLoadBalancer").flatMap((source) => sources(source, rule.purpose)),
      );
    }
  }
  if (bastion) {
    open("bastion", bastion, { purpose: "ssh", protocol: "tcp", ports: { from: 22, to: 22 } }, networks(adminCidrs));
  }
  return { ofRole, loadBalancers, bastion };
}

/** Translates the firewall table to DigitalOcean's inbound rules. Pure, except for the outputs that it passes on. */
import type * as digitalocean from "@pulumi/digitalocean";
import type * as pulumi from "@pulumi/pulumi";
import type { FirewallRule, FirewallSource } from "../cloud/firewall.js";
import { type Role, roles } from "../spec/cluster.js";

const anywhere = ["0.0.0.0/0", "::/0"];

type InboundRule = digitalocean.types.input.FirewallInboundRule;
type OutboundRule = digitalocean.types.input.FirewallOutboundRule;

/** What the sources of the table are on DigitalOcean. */
export interface Sources {
  readonly adminCidrs: readonly string[];
  /** The machines' private network. */
  readonly network: string;
  readonly roleTags: Readonly<Record<Role, pulumi.Input<string>>>;
}

function ports({ ports: range }: FirewallRule): { portRange?: string } {
  if (range === undefined) return {};
  return { portRange: range.from === range.to ? String(range.from) : `${range.from}-${range.to}` };
}

/** Rules of one role, without those for load balancers, which are added once these exist. */
export function inboundRules(rules: readonly FirewallRule[], role: Role, sources: Sources): InboundRule[] {
  const addressesOf = (source: FirewallSource): readonly string[] => {
    if (typeof source !== "string") return [source.cidr];
    switch (source) {
      case "admin":
        return sources.adminCidrs;
      case "network":
        return [sources.network];
      case "everyone":
        return anywhere;
      default:
        return [];
    }
  };
  return rules
    .filter((rule) => rule.role === role)
    .flatMap((rule) => {
      const tags = roles.filter((each) => rule.from.includes(each)).map((each) => sources.roleTags[each]);
      const addresses = [...new Set(rule.from.flatMap(addressesOf))];
      const from = {
        ...(addresses.length > 0 ? { sourceAddresses: addresses } : {}),
        ...(tags.length > 0 ? { sourceTags: tags } : {}),
      };
      return Object.keys(from).length > 0 ? [{ protocol: rule.protocol, ...ports(rule), ...from }] : [];
    });
}

/** Rules for traffic from the API's load balancers. */
export function loadBalancerRules(
  rules: readonly FirewallRule[],
  role: Role,
  loadBalancerIds: pulumi.Input<string>[],
): InboundRule[] {
  return rules
    .filter((rule) => rule.role === role && rule.from.includes("apiLoadBalancer"))
    .map((rule) => ({ protocol: rule.protocol, ...ports(rule), sourceLoadBalancerUids: loadBalancerIds }));
}

/** All outgoing traffic is allowed: a firewall without outbound rules would block it. */
export function outboundRules(): OutboundRule[] {
  return [
    { protocol: "tcp", portRange: "1-65535", destinationAddresses: anywhere },
    { protocol: "udp", portRange: "1-65535", destinationAddresses: anywhere },
    { protocol: "icmp", destinationAddresses: anywhere },
  ];
}

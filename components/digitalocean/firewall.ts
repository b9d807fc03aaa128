/** Translates the firewall table to DigitalOcean's inbound rules. Pure, except for the outputs that it passes on. */
import type * as digitalocean from "@pulumi/digitalocean";
import type * as pulumi from "@pulumi/pulumi";
import type { FirewallRule } from "../cloud/firewall.js";
import type { Role } from "../spec/cluster.js";

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

function portRange(rule: FirewallRule): string {
  return rule.ports.from === rule.ports.to ? String(rule.ports.from) : `${rule.ports.from}-${rule.ports.to}`;
}

/** Rules of one role, without those for load balancers, which are added once these exist. */
export function inboundRules(rules: readonly FirewallRule[], role: Role, sources: Sources): InboundRule[] {
  return rules
    .filter((rule) => rule.role === role)
    .map((rule) => ({ rule, from: rule.from.filter((source) => source !== "apiLoadBalancer") }))
    .filter(({ from }) => from.length > 0)
    .map(({ rule, from }) => {
      const tags = from
        .filter((source) => source !== "admin" && source !== "network" && source !== "everyone")
        .map((source) => sources.roleTags[source]);
      const addresses = [
        ...(from.includes("admin") ? sources.adminCidrs : []),
        ...(from.includes("network") ? [sources.network] : []),
        ...(from.includes("everyone") ? anywhere : []),
      ];
      return {
        protocol: rule.protocol,
        portRange: portRange(rule),
        ...(addresses.length > 0 ? { sourceAddresses: addresses } : {}),
        ...(tags.length > 0 ? { sourceTags: tags } : {}),
      };
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
    .map((rule) => ({ protocol: rule.protocol, portRange: portRange(rule), sourceLoadBalancerUids: loadBalancerIds }));
}

/** All outgoing traffic is allowed: a firewall without outbound rules would block it. */
export function outboundRules(): OutboundRule[] {
  return [
    { protocol: "tcp", portRange: "1-65535", destinationAddresses: anywhere },
    { protocol: "udp", portRange: "1-65535", destinationAddresses: anywhere },
    { protocol: "icmp", destinationAddresses: anywhere },
  ];
}

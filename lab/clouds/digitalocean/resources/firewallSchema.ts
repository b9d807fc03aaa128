/** Firewall rules: how requests write them and how they are kept. */
import { Address6 } from "ip-address";
import { ipv4Network } from "../addresses.js";
import { tagList, tagName, z } from "../validation.js";

/** Limits of the original for one firewall. */
export const maximumDroplets = 10;
export const maximumTags = 5;
export const maximumRules = 50;

const address = z.string().refine((text) => ipv4Network(text) !== undefined || Address6.isValid(text), {
  error: (issue) => `invalid address "${String(issue.input)}": must be an IPv4 or IPv6 address or CIDR`,
});

const list = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .nullish()
    .transform((items) => (items?.length ? items : undefined));

const target = (name: string) =>
  z
    .object(
      {
        addresses: list(address),
        droplet_ids: list(z.number().int()),
        load_balancer_uids: list(z.string()),
        tags: list(tagName),
      },
      { error: `You specified an invalid type for one of the ${name}.` },
    )
    // Only what was given is kept and shown.
    .transform((value) => JSON.parse(JSON.stringify(value)) as FirewallTarget);

export interface FirewallTarget {
  addresses?: string[];
  droplet_ids?: number[];
  load_balancer_uids?: string[];
  tags?: string[];
}

const protocol = z.enum(["tcp", "udp", "icmp"], { error: "protocol: must be tcp, udp or icmp" });

const portsText = z
  .string({ error: "ports: must be text" })
  .nullish()
  .transform((text) => text ?? "");

/** Writes ports in one form: "0" for all. */
function normal<R extends { protocol: z.infer<typeof protocol>; ports: string }>(
  rule: R,
  problems: z.RefinementCtx,
): R {
  const ports = normalPorts(rule.protocol, rule.ports);
  if (ports === null) {
    problems.addIssue(
      `you must specify a valid range for ports, got "${rule.ports}": a port, a range such as "8000-9000", or "0" for all`,
    );
    return z.NEVER;
  }
  return { ...rule, ports };
}

const inboundRule = z.object({ protocol, ports: portsText, sources: target("sources") }).transform(normal);
const outboundRule = z.object({ protocol, ports: portsText, destinations: target("destinations") }).transform(normal);

/** "0" for all; null when the text is none of a port, a range, "0" and "all". */
function normalPorts(kind: z.infer<typeof protocol>, text: string): string | null {
  if (kind === "icmp") return text === "" || text === "0" || text === "all" ? "0" : null;
  if (text === "0" || text === "all") return "0";
  const parts = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!parts) return null;
  const from = Number(parts[1]);
  const to = Number(parts[2] ?? parts[1]);
  return from >= 1 && from <= to && to <= 65535 ? text : null;
}

export type InboundRule = z.infer<typeof inboundRule>;
export type OutboundRule = z.infer<typeof outboundRule>;

export interface FirewallRules {
  inbound_rules: InboundRule[];
  outbound_rules: OutboundRule[];
}

const rules = <T extends z.ZodType>(rule: T) =>
  z
    .array(rule)
    .nullish()
    .transform((items) => items ?? []);

export const firewallBody = z.object({
  name: z
    .string({ error: "name is required" })
    .max(255, "name: at most 255 characters")
    .regex(
      /^[a-zA-Z0-9][a-zA-Z0-9.-]+$/,
      "name: must begin with a letter or number, followed by letters, numbers, periods or dashes",
    ),
  inbound_rules: rules(inboundRule),
  outbound_rules: rules(outboundRule),
  droplet_ids: z
    .array(z.number().int())
    .nullish()
    .transform((items) => [...new Set(items ?? [])]),
  tags: tagList,
});

export type FirewallInput = z.infer<typeof firewallBody>;

/** Takes a name that exists no more out of all rules. */
export function forgetTarget<K extends "tags" | "load_balancer_uids">(
  firewalls: readonly FirewallRules[],
  key: K,
  name: string,
): void {
  for (const firewall of firewalls) {
    const targets = [
      ...firewall.inbound_rules.map((rule) => rule.sources),
      ...firewall.outbound_rules.map((rule) => rule.destinations),
    ];
    for (const target of targets) {
      const left = target[key]?.filter((other) => other !== name);
      if (left?.length) target[key] = left;
      else delete target[key];
    }
  }
}

import { isList, isObject } from "../framework/inputs.js";
import type { Failure, Operation, Properties, State, Value } from "../framework/kind.js";
import { type Json, objectAt, valueOf } from "./client.js";
import { CloudKind } from "./cloudKind.js";
import type { Deadline } from "../framework/waiting.js";
import { sameSets } from "../framework/sets.js";
import { fromApi } from "./words.js";

const members = ["Addresses", "DropletIds", "LoadBalancerUids", "KubernetesIds", "Tags"] as const;

export class Firewall extends CloudKind {
  protected readonly title = "firewall";
  protected readonly key = "firewall";
  protected readonly replaces = new Set<string>();
  protected readonly inputs = ["name", "dropletIds", "inboundRules", "outboundRules", "tags"];
  protected readonly computed = ["createdAt", "pendingChanges", "status"];

  protected path(id: string): string {
    return `/v2/firewalls/${encodeURIComponent(id)}`;
  }

  protected override problems(inputs: Properties): Failure[] {
    const failures: Failure[] = [];
    for (const property of ["inboundRules", "outboundRules"]) {
      rules(inputs[property]).forEach((rule, index) => {
        const protocol = rule["protocol"];
        const place = `${property}[${index}]`;
        if (typeof protocol === "string" && !["tcp", "udp", "icmp"].includes(protocol)) {
          failures.push({
            property: `${place}.protocol`,
            reason: `${place}.protocol: got ${JSON.stringify(protocol)}, allowed are tcp, udp, icmp`,
          });
        } else if (typeof protocol === "string" && protocol !== "icmp" && (rule["portRange"] ?? null) === null) {
          failures.push({
            property: `${place}.portRange`,
            reason: `${place}.portRange is missing: rules for tcp and udp need ports, such as "22", "8000-8010" or "all"`,
          });
        }
      });
    }
    return failures;
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Json> {
    return objectAt(await this.cloud().call("POST", "/v2/firewalls", operation.signal, body(inputs)), "firewall");
  }

  protected async change(deadline: Deadline, state: State, inputs: Properties): Promise<void> {
    await this.cloud().call("PUT", this.path(state.id), deadline.operation.signal, body(inputs));
  }

  protected outputs(remote: Json): Properties {
    return {
      name: valueOf(remote["name"]),
      status: valueOf(remote["status"]),
      createdAt: valueOf(remote["created_at"]),
      pendingChanges: fromApi(remote["pending_changes"] ?? []),
      dropletIds: valueOf(remote["droplet_ids"] ?? []),
      tags: valueOf(remote["tags"] ?? []),
      inboundRules: rulesOf(remote["inbound_rules"], "source", "sources"),
      outboundRules: rulesOf(remote["outbound_rules"], "destination", "destinations"),
    };
  }

  /** The API writes the same ports in several ways, and leaves empty lists out. */
  protected override same(property: string, before: Value | undefined, after: Value | undefined): boolean {
    if (property !== "inboundRules" && property !== "outboundRules") return super.same(property, before, after);
    return sameSets(rules(before).map(plain), rules(after).map(plain));
  }
}

function rules(value: Value | undefined): Properties[] {
  return isList(value) ? value.filter(isObject) : [];
}

function plain(rule: Properties): Properties {
  const ports = rule["portRange"] ?? null;
  const all = rule["protocol"] === "icmp" ? null : "all";
  const { action: _always, ...rest } = rule;
  return { ...rest, portRange: ports === "0" || ports === "all" || ports === "1-65535" || ports === "" ? all : ports };
}

function body(inputs: Properties): Json {
  return {
    name: inputs["name"],
    droplet_ids: inputs["dropletIds"] ?? [],
    tags: inputs["tags"] ?? [],
    inbound_rules: rules(inputs["inboundRules"]).map((rule) => toRule(rule, "source", "sources")),
    outbound_rules: rules(inputs["outboundRules"]).map((rule) => toRule(rule, "destination", "destinations")),
  };
}

function snake(member: string): string {
  return member.replace(/[A-Z]/g, (letter, index: number) => `${index === 0 ? "" : "_"}${letter.toLowerCase()}`);
}

function toRule(rule: Properties, prefix: string, group: string): Json {
  const ports = rule["portRange"] ?? null;
  const parties = members
    .filter((member) => (rule[prefix + member] ?? null) !== null)
    .map((member) => [snake(member), rule[prefix + member]]);
  return {
    protocol: rule["protocol"],
    ...(ports === null ? {} : { ports }),
    [group]: Object.fromEntries(parties) as Json,
  };
}

function rulesOf(remote: unknown, prefix: string, group: string): Value {
  if (!Array.isArray(remote)) return [];
  return (remote as Json[]).map((rule): Properties => {
    const parties = (rule[group] ?? {}) as Json;
    const ports = rule["ports"];
    const range: Properties =
      ports === "0" ? (rule["protocol"] === "icmp" ? {} : { portRange: "all" }) : { portRange: valueOf(ports ?? "") };
    const given = members.filter(
      (member) => Array.isArray(parties[snake(member)]) && (parties[snake(member)] as unknown[]).length > 0,
    );
    return {
      protocol: valueOf(rule["protocol"]),
      ...range,
      ...Object.fromEntries(given.map((member): [string, Value] => [prefix + member, valueOf(parties[snake(member)])])),
    };
  });
}

import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { bags, isGiven, same } from "../framework/values.js";
import { type Json, valueOf } from "./client.js";
import { rest } from "./kind.js";

/** SDK's names of the parties of a rule to the API's, inside `sources` or `destinations`. */
const sources = { sourceAddresses: "addresses", sourceTags: "tags", sourceLoadBalancerUids: "load_balancer_uids" };
const destinations = { destinationAddresses: "addresses" };

type Parties = Readonly<Record<string, string>>;

export const firewall = rest(
  { path: "/v2/firewalls", key: "firewall", body },
  {
    title: "firewall",
    inputs: {
      name: "update",
      "tags?": "update",
      "inboundRules?": ["update", "protocol", "portRange", ...Object.keys(sources)],
      "outboundRules?": ["update", "protocol", "portRange", ...Object.keys(destinations)],
    },
    computed: ["status"],
    outputs: (remote) => ({
      name: valueOf(remote["name"]),
      status: valueOf(remote["status"]),
      tags: valueOf(remote["tags"] ?? []),
      inboundRules: rulesOf(remote["inbound_rules"], sources, "sources"),
      outboundRules: rulesOf(remote["outbound_rules"], destinations, "destinations"),
    }),
    // The API writes the same ports in several ways.
    same: (name, before, after) =>
      name.endsWith("Rules") ? same(bags(before).map(plain), bags(after).map(plain)) : undefined,
    converge: async ({ cloud }, id, _remote, inputs, changed) => {
      if (changed !== undefined) await cloud.call("PUT", `/v2/firewalls/${id}`, body(inputs));
    },
  },
);

/** With all ports written as `all`. */
function plain(rule: Properties): Properties {
  const { portRange, ...rest } = rule;
  const isAll = !isGiven(portRange) || /^(0|all|1-65535|)$/.test(String(portRange));
  return { ...rest, portRange: isAll ? "all" : (portRange ?? null) };
}

function body(inputs: Properties): Json {
  return {
    name: inputs["name"],
    droplet_ids: [],
    tags: inputs["tags"] ?? [],
    inbound_rules: bags(inputs["inboundRules"]).map((rule) => toRule(rule, sources, "sources")),
    outbound_rules: bags(inputs["outboundRules"]).map((rule) => toRule(rule, destinations, "destinations")),
  };
}

function toRule({ protocol, portRange, ...rule }: Properties, parties: Parties, group: string): Json {
  const given = Object.entries(parties).filter(([name]) => isGiven(rule[name]));
  return {
    protocol,
    ...(isGiven(portRange) ? { ports: portRange } : {}),
    [group]: Object.fromEntries(given.map(([name, api]) => [api, rule[name]])),
  };
}

function rulesOf(remote: unknown, parties: Parties, group: string): Value {
  return ((remote ?? []) as Json[]).map((rule): Properties => {
    const members = (rule[group] ?? {}) as Json;
    const given = Object.entries(parties).filter(([, api]) => ((members[api] ?? []) as unknown[]).length > 0);
    const { protocol, ports } = rule;
    return {
      protocol: valueOf(protocol),
      ...(protocol === "icmp" ? {} : { portRange: ports === "0" ? "all" : valueOf(ports ?? "") }),
      ...Object.fromEntries(given.map(([name, api]): [string, Value] => [name, valueOf(members[api])])),
    };
  });
}

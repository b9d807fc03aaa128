/** Networks: what they may be, that none shares an address with another, and that they hold what is asked for. */
import {
  addressCount,
  overlap,
  podPrefixPerNode,
  prefixFor,
  prefixLength,
  subnetCount,
} from "../../../components/spec/cidr.js";
import { memberCounts } from "../counts.js";
import { freeNetwork, privateRanges } from "../networks.js";
import type { Settings } from "../options.js";
import type { Problem } from "../problem.js";
import { profileOf, type Rule, set } from "./rule.js";

const networks = ["node_cidr", "pod_cidr", "service_cidr"] as const;
type Network = (typeof networks)[number];

/** Networks that no machine can route: RFC 6890. */
const special = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"] as const;

/** Inside a cluster, addresses that belong to nobody in particular do too: RFC 6598 and RFC 2544. */
const clusterRanges = [...privateRanges, "100.64.0.0/10", "198.18.0.0/15"] as const;

/** The command that sets a network of the prefix that is free beside the others. */
function useFree(settings: Settings, name: Network, prefix: number): string {
  const others = networks
    .filter((other) => other !== name)
    .map((other) => settings[other])
    .filter((other) => typeof other === "string");
  const reserved = name === "node_cidr" ? profileOf(settings).privateNetwork.reserved : [];
  const free = freeNetwork(prefix, [...others, ...reserved]);
  return set(name, free ?? "<network>");
}

function prefixRule(
  name: Network,
  range: (settings: Settings) => { readonly from: number; readonly to: number },
  why: string,
): Rule {
  return {
    needs: [name, "cloud"],
    check: (settings) => {
      const { from, to } = range(settings);
      const prefix = prefixLength(settings[name]);
      if (prefix >= from && prefix <= to) return [];
      return [
        {
          path: name,
          got: settings[name],
          allowed: `a prefix from /${from} to /${to}: ${why}`,
          mend: useFree(settings, name, Math.min(Math.max(prefix, from), to)),
        },
      ];
    },
  };
}

/** Two networks are compared only when both are right by themselves, so that one bad network hides nothing about the others. */
const overlapRules: readonly Rule[] = networks.flatMap((name, index) => [
  ...networks.slice(index + 1).map((other): Rule => ({
    needs: [name, other, "cloud"],
    check: (settings) =>
      overlap(settings[name], settings[other])
        ? [
            {
              path: other,
              got: settings[other],
              allowed: `a network that shares no address with corekube:${name} (${settings[name]})`,
              mend: useFree(settings, other, prefixLength(settings[other])),
            },
          ]
        : [],
  })),
  {
    needs: [name, "cloud"],
    check: (settings) => {
      const network = settings[name];
      const meaning = special.filter((range) => overlap(network, range));
      if (meaning.length > 0) {
        return meaning.map((range) => ({
          path: name,
          got: network,
          allowed: `a network outside ${range}, which has a meaning of its own`,
          mend: useFree(settings, name, prefixLength(network)),
        }));
      }
      const ranges: readonly string[] = name === "node_cidr" ? privateRanges : clusterRanges;
      if (ranges.some((range) => prefixLength(network) >= prefixLength(range) && overlap(range, network))) return [];
      const why = name === "node_cidr" ? "" : "; a public one would hide those addresses from the cluster";
      return [
        {
          path: name,
          got: network,
          allowed: `a private network: one inside ${ranges.join(", ")}${why}`,
          mend: useFree(settings, name, Math.max(prefixLength(network), 16)),
        },
      ];
    },
  } satisfies Rule,
]);

const reservedRule: Rule = {
  needs: ["node_cidr", "cloud"],
  check: (settings) =>
    profileOf(settings)
      .privateNetwork.reserved.filter((range) => overlap(settings.node_cidr, range))
      .map((range) => ({
        path: "node_cidr",
        got: settings.node_cidr,
        allowed: `a network that shares no address with ${range}, which ${settings.cloud} keeps for itself`,
        mend: useFree(settings, "node_cidr", prefixLength(settings.node_cidr)),
      })),
};

const machineRoomRule: Rule = {
  needs: [
    "node_cidr",
    "cloud",
    "node_count",
    "public_node_count",
    "high_availability",
    "etcd",
    "control_plane_placement",
    "node_placement",
    "public_node_placement",
  ],
  check: (settings) => {
    const { etcd, controllers } = memberCounts(settings);
    const { taken, parts, spread } = profileOf(settings).privateNetwork;
    const inOneZone = (count: number, placement: string): number =>
      Math.ceil(count / (placement === "spread" ? spread : placement.split(",").length));
    const { control_plane_placement, node_placement, public_node_placement } = settings;
    const machines = [
      inOneZone(etcd, control_plane_placement),
      inOneZone(controllers, control_plane_placement),
      inOneZone(settings.node_count, node_placement),
      inOneZone(settings.public_node_count, public_node_placement),
    ].reduce((a, b) => a + b);
    const room = Math.floor(addressCount(settings.node_cidr) / parts) - taken;
    const prefix = prefixFor((machines + taken) * parts, 32);
    if (room >= machines) return [];
    return [
      {
        path: "node_cidr",
        got: settings.node_cidr,
        allowed: `a network with room for ${machines} machines${parts > 1 ? " in a zone" : ""} (this one has ${Math.max(room, 0)} addresses for them): a prefix of at most /${prefix}`,
        mend: useFree(settings, "node_cidr", prefix),
      },
    ];
  },
};

const podRoomRule: Rule = {
  needs: ["pod_cidr", "cloud", "node_count", "public_node_count", "high_availability", "etcd"],
  check: (settings): Problem[] => {
    const nodes = memberCounts(settings).controllers + settings.node_count + settings.public_node_count;
    const room = subnetCount(settings.pod_cidr, podPrefixPerNode);
    if (room >= nodes || prefixLength(settings.pod_cidr) > podPrefixPerNode) return [];
    const prefix = prefixFor(nodes, podPrefixPerNode);
    return [
      {
        path: "pod_cidr",
        got: settings.pod_cidr,
        allowed: `a network with a /${podPrefixPerNode} for each of ${nodes} nodes (this one has ${room}): a prefix of at most /${prefix}`,
        mend: useFree(settings, "pod_cidr", prefix),
      },
    ];
  },
};

/** In there nobody but pods and Services is at home, and answers would never come back to an administrator. */
const administratorsRule: Rule = {
  needs: ["admin_cidrs", "pod_cidr", "service_cidr"],
  check: (settings) =>
    settings.admin_cidrs.flatMap((network, index): Problem[] => {
      if (network.includes(":")) return [];
      const inside = (["pod_cidr", "service_cidr"] as const).filter(
        (name) => prefixLength(network) >= prefixLength(settings[name]) && overlap(network, settings[name]),
      );
      return inside.map((name) => ({
        path: `admin_cidrs[${index}]`,
        got: network,
        allowed: `a network outside corekube:${name} (${settings[name]}): machines answer such addresses inside the cluster`,
      }));
    }),
};

export const networkRules: readonly Rule[] = [
  prefixRule(
    "node_cidr",
    (settings) => profileOf(settings).privateNetwork.prefix,
    "what the cloud's networks may have",
  ),
  prefixRule("pod_cidr", () => ({ from: 8, to: podPrefixPerNode }), `each node gets a /${podPrefixPerNode}`),
  prefixRule(
    "service_cidr",
    () => ({ from: 12, to: 28 }),
    "larger ones Kubernetes refuses, and the tenth address must be in it",
  ),
  ...overlapRules,
  reservedRule,
  machineRoomRule,
  podRoomRule,
  administratorsRule,
];

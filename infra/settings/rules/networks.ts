/** Networks: valid ranges, no overlaps, and room for machines and nodes. */
import {
  addressCount,
  overlap,
  podPrefixPerNode,
  prefixFor,
  prefixLength,
  subnetCount,
} from "../../../components/spec/cidr.js";
import { memberCounts } from "../counts.js";
import { freeNetwork, privateRanges } from "../../../components/spec/freeNetwork.js";
import type { Settings } from "../../../components/spec/settings/index.js";
import { type Problem, type Rule, set } from "../../../components/spec/settings/rule.js";
import { type Clouds, profileOf, type ProfileRule } from "./rule.js";

const networks = ["node_cidr", "pod_cidr", "service_cidr"] as const;
type Network = (typeof networks)[number];

/** Networks that no machine can route: RFC 6890. */
const special = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"] as const;

/** Shared and benchmarking ranges are acceptable inside a cluster as well (RFC 6598, RFC 2544). */
const clusterRanges = [...privateRanges, "100.64.0.0/10", "198.18.0.0/15"] as const;

/** The command that sets a free network of the prefix. */
function useFree(settings: Settings, clouds: Clouds, name: Network, prefix: number): string {
  const others = networks
    .filter((other) => other !== name)
    .map((other) => settings[other])
    .filter((other) => typeof other === "string");
  const reserved = name === "node_cidr" ? profileOf(settings, clouds).privateNetwork.reserved : [];
  const free = freeNetwork(prefix, [...others, ...reserved]);
  return set(name, free ?? "<network>");
}

function prefixRule(
  name: Network,
  range: (settings: Settings, clouds: Clouds) => { readonly from: number; readonly to: number },
  why: string,
): ProfileRule {
  return {
    needs: [name, "cloud"],
    check: (settings, clouds) => {
      const { from, to } = range(settings, clouds);
      const prefix = prefixLength(settings[name]);
      if (prefix >= from && prefix <= to) return [];
      return [
        {
          path: name,
          got: settings[name],
          allowed: `a prefix from /${from} to /${to}: ${why}`,
          fix: useFree(settings, clouds, name, Math.min(Math.max(prefix, from), to)),
        },
      ];
    },
  };
}

/** Two networks are compared only when both are valid, so that one invalid network hides no problem of the others. */
const overlapRules: readonly ProfileRule[] = networks.flatMap((name, index) => [
  ...networks.slice(index + 1).map((other): ProfileRule => ({
    needs: [name, other, "cloud"],
    check: (settings, clouds) =>
      overlap(settings[name], settings[other])
        ? [
            {
              path: other,
              got: settings[other],
              allowed: `a network that shares no address with corekube:${name} (${settings[name]})`,
              fix: useFree(settings, clouds, other, prefixLength(settings[other])),
            },
          ]
        : [],
  })),
  {
    needs: [name, "cloud"],
    check: (settings, clouds) => {
      const network = settings[name];
      const meaning = special.filter((range) => overlap(network, range));
      if (meaning.length > 0) {
        return meaning.map((range) => ({
          path: name,
          got: network,
          allowed: `a network outside ${range}, which is reserved (RFC 6890)`,
          fix: useFree(settings, clouds, name, prefixLength(network)),
        }));
      }
      const ranges: readonly string[] = name === "node_cidr" ? privateRanges : clusterRanges;
      if (ranges.some((range) => prefixLength(network) >= prefixLength(range) && overlap(range, network))) return [];
      const why = name === "node_cidr" ? "" : "; a public one would make those addresses unreachable from the cluster";
      return [
        {
          path: name,
          got: network,
          allowed: `a private network: one inside ${ranges.join(", ")}${why}`,
          fix: useFree(settings, clouds, name, Math.max(prefixLength(network), 16)),
        },
      ];
    },
  } satisfies ProfileRule,
]);

const reservedRule: ProfileRule = {
  needs: ["node_cidr", "cloud"],
  check: (settings, clouds) => {
    const { reserved, prefix } = profileOf(settings, clouds).privateNetwork;
    const hit = reserved.filter((range) => overlap(settings.node_cidr, range));
    if (hit.length === 0) return [];
    return [
      {
        path: "node_cidr",
        got: settings.node_cidr,
        allowed: `a network that shares no address with ${hit.join(", ")}, which ${settings.cloud} reserves`,
        fix: useFree(settings, clouds, "node_cidr", Math.max(prefixLength(settings.node_cidr), prefix.from)),
      },
    ];
  },
};

const machineRoomRule: ProfileRule = {
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
  check: (settings, clouds) => {
    const { etcd, controllers } = memberCounts(settings);
    const { taken, parts, spread } = profileOf(settings, clouds).privateNetwork;
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
        fix: useFree(settings, clouds, "node_cidr", prefix),
      },
    ];
  },
};

const podRoomRule: ProfileRule = {
  needs: ["pod_cidr", "cloud", "node_count", "public_node_count", "high_availability", "etcd"],
  check: (settings, clouds): Problem[] => {
    const nodes = memberCounts(settings).controllers + settings.node_count + settings.public_node_count;
    const room = subnetCount(settings.pod_cidr, podPrefixPerNode);
    if (room >= nodes || prefixLength(settings.pod_cidr) > podPrefixPerNode) return [];
    const prefix = prefixFor(nodes, podPrefixPerNode);
    return [
      {
        path: "pod_cidr",
        got: settings.pod_cidr,
        allowed: `a network with a /${podPrefixPerNode} for each of ${nodes} nodes (this one has ${room}): a prefix of at most /${prefix}`,
        fix: useFree(settings, clouds, "pod_cidr", prefix),
      },
    ];
  },
};

/** Answers to such addresses would stay inside the cluster and never reach the administrator. */
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
        allowed: `a network outside corekube:${name} (${settings[name]}): machines send answers to such addresses into the cluster`,
      }));
    }),
};

export const networkRules: readonly ProfileRule[] = [
  prefixRule(
    "node_cidr",
    (settings, clouds) => profileOf(settings, clouds).privateNetwork.prefix,
    "the cloud accepts no other",
  ),
  prefixRule("pod_cidr", () => ({ from: 8, to: podPrefixPerNode }), `each node gets a /${podPrefixPerNode}`),
  prefixRule(
    "service_cidr",
    () => ({ from: 12, to: 28 }),
    "Kubernetes rejects larger ones, and the tenth address must be in it",
  ),
  ...overlapRules,
  reservedRule,
  machineRoomRule,
  podRoomRule,
  administratorsRule,
];

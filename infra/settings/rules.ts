/** What settings must hold together. Each rule runs when all settings that it needs are right by themselves. */
import { cloudProfile } from "../../components/cloud/profiles.js";
import { addressCount, overlap, podPrefixPerNode, prefixFor, prefixLength, subnetCount } from "../../components/spec/cidr.js";
import { gigabytes, memberCounts } from "./counts.js";
import { portRange, type OptionName, type Settings } from "./options.js";
import { joinPath, type Problem } from "./problem.js";

export interface Rule {
  readonly needs: readonly OptionName[];
  readonly check: (settings: Settings) => readonly Problem[];
}

const networks = ["node_cidr", "pod_cidr", "service_cidr"] as const;

/** Networks that no machine can route: RFC 6890. */
const special = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"] as const;

const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] as const;

/** Ports on which machines that run pods, or what is opened on them, answer already. */
const usedPorts: Readonly<Record<number, string>> = {
  22: "SSH",
  80: "HTTP",
  443: "HTTPS",
  6443: "the API",
  8472: "the overlay network",
  10248: "the kubelet's health",
  10249: "kube-proxy's metrics",
  10250: "the kubelet",
  10256: "kube-proxy's health",
  10257: "the controller manager",
  10259: "the scheduler",
};

function profileOf(settings: Settings) {
  return cloudProfile(settings.cloud)!;
}

function prefixRule(name: (typeof networks)[number], from: (settings: Settings) => number, to: (settings: Settings) => number, why: string): Rule {
  return {
    needs: [name, "cloud"],
    check: (settings) => {
      const prefix = prefixLength(settings[name]);
      const allowed = `a prefix from /${from(settings)} to /${to(settings)}: ${why}`;
      return prefix < from(settings) || prefix > to(settings) ? [{ path: name, got: settings[name], allowed }] : [];
    },
  };
}

/** Two networks are compared only when both are right by themselves, so that one bad network hides nothing about the others. */
const overlapRules: readonly Rule[] = networks.flatMap((name, index) => [
  ...networks.slice(index + 1).map(
    (other): Rule => ({
      needs: [name, other],
      check: (settings) =>
        overlap(settings[name], settings[other])
          ? [{ path: other, got: settings[other], allowed: `a network that shares no address with corekube:${name} (${settings[name]})` }]
          : [],
    }),
  ),
  {
    needs: [name],
    check: (settings) =>
      special
        .filter((range) => overlap(settings[name], range))
        .map((range) => ({ path: name, got: settings[name], allowed: `a network outside ${range}, which has a meaning of its own` })),
  } satisfies Rule,
]);

export const rules: readonly Rule[] = [
  prefixRule("node_cidr", (settings) => profileOf(settings).privateNetwork.prefix.from, (settings) => profileOf(settings).privateNetwork.prefix.to, "what the cloud's networks may have"),
  prefixRule("pod_cidr", () => 8, () => podPrefixPerNode, `each node gets a /${podPrefixPerNode}`),
  prefixRule("service_cidr", () => 12, () => 28, "larger ones Kubernetes refuses, and the tenth address must be in it"),
  ...overlapRules,
  {
    needs: ["node_cidr"],
    check: ({ node_cidr }) =>
      privateRanges.some((range) => prefixLength(node_cidr) >= prefixLength(range) && overlap(range, node_cidr))
        ? []
        : [{ path: "node_cidr", got: node_cidr, allowed: `a private network: one inside ${privateRanges.join(", ")}` }],
  },
  {
    needs: ["node_cidr", "cloud"],
    check: (settings) =>
      profileOf(settings)
        .privateNetwork.reserved.filter((range) => overlap(settings.node_cidr, range))
        .map((range) => ({ path: "node_cidr", got: settings.node_cidr, allowed: `a network that shares no address with ${range}, which ${settings.cloud} keeps for itself` })),
  },
  {
    needs: ["node_cidr", "cloud", "node_count", "high_availability", "etcd"],
    check: (settings) => {
      const { etcd, controllers } = memberCounts(settings);
      const machines = etcd + controllers + settings.node_count;
      const { taken } = profileOf(settings).privateNetwork;
      const room = addressCount(settings.node_cidr) - taken;
      const prefix = prefixFor(machines + taken, 32);
      return room >= machines
        ? []
        : [{ path: "node_cidr", got: settings.node_cidr, allowed: `a network with room for ${machines} machines (this one has ${Math.max(room, 0)} addresses for them): a prefix of at most /${prefix}` }];
    },
  },
  {
    needs: ["pod_cidr", "node_count", "high_availability", "etcd"],
    check: (settings) => {
      const nodes = memberCounts(settings).controllers + settings.node_count;
      const room = subnetCount(settings.pod_cidr, podPrefixPerNode);
      return room >= nodes || prefixLength(settings.pod_cidr) > podPrefixPerNode
        ? []
        : [
            {
              path: "pod_cidr",
              got: settings.pod_cidr,
              allowed: `a network with a /${podPrefixPerNode} for each of ${nodes} nodes (this one has ${room}): a prefix of at most /${prefixFor(nodes, podPrefixPerNode)}`,
            },
          ];
    },
  },
  {
    needs: ["node_port_range"],
    check: ({ node_port_range }) => {
      const range = portRange(node_port_range)!;
      const used = Object.entries(usedPorts).filter(([port]) => Number(port) >= range.from && Number(port) <= range.to);
      return used.length === 0
        ? []
        : [{ path: "node_port_range", got: node_port_range, allowed: `a range without ports that nodes use: ${used.map(([port, what]) => `${port} (${what})`).join(", ")}` }];
    },
  },
  {
    needs: ["etcd", "high_availability"],
    check: ({ etcd, high_availability }) =>
      high_availability && etcd.count === 1
        ? [{ path: "etcd.count", got: etcd.count, allowed: "3 or 5 with corekube:high_availability true: one member's loss would stop the cluster" }]
        : [],
  },
  {
    needs: ["etcd", "cloud"],
    check: (settings) => {
      const { from, to } = profileOf(settings).volumeSize;
      const size = gigabytes(settings.etcd.data_disk);
      return size < from || size > to ? [{ path: "etcd.data_disk", got: settings.etcd.data_disk, allowed: `${from * 1024} to ${to * 1024} MB in this cloud` }] : [];
    },
  },
  {
    needs: ["tags", "cloud", "cluster_name"],
    check: (settings) => {
      const { key, value, allowed } = profileOf(settings).tags;
      return Object.entries(settings.tags).flatMap(([name, content]): Problem[] => {
        const path = joinPath("tags", name);
        if (name === "KubernetesCluster" && content !== settings.cluster_name) {
          return [{ path, got: content, allowed: `the cluster's name (${settings.cluster_name}), which this tag always has`, mend: `Remove it: pulumi config rm --path '${path}'` }];
        }
        return key.test(name) && value.test(content) ? [] : [{ path, got: content, allowed: `in this cloud ${allowed}` }];
      });
    },
  },
];

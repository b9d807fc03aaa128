/** Numbers of machines, their placement, ports and volumes. */
import { allAddons } from "../../../components/addons/list.js";
import { takenPorts } from "../../../components/cloud/firewall.js";
import type { Settings } from "../../../components/spec/settings/index.js";
import { type Problem, type Rule, set, unset } from "../../../components/spec/settings/rule.js";
import { portRange } from "../../../components/spec/settings/valueTypes.js";
import { memberCounts } from "../counts.js";
import { profileOf, type ProfileRule } from "./rule.js";

const usedPorts = takenPorts(allAddons.flatMap(({ ports = [] }) => ports));

const nodePortRule: Rule = {
  needs: ["node_port_range"],
  check: ({ node_port_range }) => {
    const range = portRange(node_port_range)!;
    const used = [...usedPorts].filter(([port]) => port >= range.from && port <= range.to);
    if (used.length === 0) return [];
    const ports = used.map(([port, what]) => `${port} (${what})`).join(", ");
    return [
      {
        path: "node_port_range",
        got: node_port_range,
        allowed: `a range without ports that are in use on nodes: ${ports}`,
        fix: set("node_port_range", "30000-32767"),
      },
    ];
  },
};

const unavailableRule: Rule = {
  needs: ["max_unavailable", "node_count"],
  check: ({ max_unavailable, node_count }) =>
    max_unavailable > node_count
      ? [
          {
            path: "max_unavailable",
            got: max_unavailable,
            allowed: `at most corekube:node_count (${node_count}): there are no more workers`,
            fix: set("max_unavailable", node_count),
          },
        ]
      : [],
};

const membersRule: Rule = {
  needs: ["etcd", "high_availability"],
  check: ({ etcd, high_availability }) =>
    high_availability && etcd.count === 1
      ? [
          {
            path: "etcd.count",
            got: etcd.count,
            allowed: "3 or 5 with corekube:high_availability true: the loss of a single member would stop the cluster",
            fix: set("etcd.count", 3),
          },
        ]
      : [],
};

const singleMemberRule: Rule = {
  needs: ["etcd", "high_availability"],
  check: (settings) =>
    settings.etcd.disk_type === "ROOT" && memberCounts(settings).etcd === 1
      ? [
          {
            path: "etcd.disk_type",
            got: settings.etcd.disk_type,
            allowed: "MOUNT with one etcd member: its data would be lost when its machine is replaced",
            fix: set("etcd.disk_type", "MOUNT"),
          },
        ]
      : [],
};

const volumeRules: readonly ProfileRule[] = (["data_disk", "wal_disk"] as const).map((name) => ({
  needs: ["etcd", "cloud"],
  check: (settings, clouds) => {
    if (settings.etcd.disk_type === "ROOT") return [];
    const { from, to } = profileOf(settings, clouds).volumeSize;
    const size = Math.ceil(settings.etcd[name] / 1024);
    return size < from || size > to
      ? [
          {
            path: `etcd.${name}`,
            got: settings.etcd[name],
            allowed: `${from * 1024} to ${to * 1024} MB on ${settings.cloud}`,
          },
        ]
      : [];
  },
}));

const placementRules: readonly ProfileRule[] = (
  ["control_plane_placement", "node_placement", "public_node_placement"] as const
).map((name) => ({
  needs: [name, "cloud"],
  check: (settings: Settings, clouds): Problem[] => {
    const got = settings[name];
    if (got === "spread") return [];
    if (profileOf(settings, clouds).zone === undefined) {
      return [
        {
          path: name,
          got,
          allowed: `spread: ${settings.cloud} has no failure domains (zones) to choose from`,
          fix: unset(name),
        },
      ];
    }
    const zones = got.split(",");
    if (zones.includes("spread"))
      return [{ path: name, got, allowed: "spread alone, or zones", fix: set(name, "spread") }];
    return new Set(zones).size < zones.length
      ? [{ path: name, got, allowed: "each zone once", fix: set(name, [...new Set(zones)].join(",")) }]
      : [];
  },
}));

export const poolRules: readonly ProfileRule[] = [
  nodePortRule,
  unavailableRule,
  membersRule,
  singleMemberRule,
  ...volumeRules,
  ...placementRules,
];

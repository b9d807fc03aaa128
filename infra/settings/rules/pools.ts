/** Numbers of machines, and what machines of a pool share. */
import { allAddons } from "../../../components/addons/list.js";
import { takenPorts } from "../../../components/cloud/firewall.js";
import { portRange, type Settings } from "../options.js";
import type { Problem } from "../problem.js";
import { profileOf, type Rule, set, unset } from "./rule.js";

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
        allowed: `a range without ports that nodes use: ${ports}`,
        mend: set("node_port_range", "30000-32767"),
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
            allowed: `at most corekube:node_count (${node_count}): more workers cannot be missing`,
            mend: set("max_unavailable", node_count),
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
            allowed: "3 or 5 with corekube:high_availability true: one member's loss would stop the cluster",
            mend: set("etcd.count", 3),
          },
        ]
      : [],
};

const lonelyRule: Rule = {
  needs: ["etcd", "high_availability"],
  check: ({ etcd, high_availability }) =>
    etcd.disk_type === "ROOT" && (etcd.count ?? (high_availability ? 3 : 1)) === 1
      ? [
          {
            path: "etcd.disk_type",
            got: etcd.disk_type,
            allowed: "MOUNT with one etcd member: nobody has its data once its machine is replaced",
            mend: set("etcd.disk_type", "MOUNT"),
          },
        ]
      : [],
};

const volumeRules: readonly Rule[] = (["data_disk", "wal_disk"] as const).map((name) => ({
  needs: ["etcd", "cloud"],
  check: (settings) => {
    if (settings.etcd.disk_type === "ROOT") return [];
    const { from, to } = profileOf(settings).volumeSize;
    const size = Math.ceil(settings.etcd[name] / 1024);
    return size < from || size > to
      ? [{ path: `etcd.${name}`, got: settings.etcd[name], allowed: `${from * 1024} to ${to * 1024} MB in this cloud` }]
      : [];
  },
}));

const placementRules: readonly Rule[] = (
  ["control_plane_placement", "node_placement", "public_node_placement"] as const
).map((name) => ({
  needs: [name, "cloud"],
  check: (settings: Settings): Problem[] => {
    const got = settings[name];
    if (got === "spread") return [];
    if (profileOf(settings).zone === undefined) {
      return [
        {
          path: name,
          got,
          allowed: `spread: ${settings.cloud} has no failure domains (zones) to choose from`,
          mend: unset(name),
        },
      ];
    }
    const zones = got.split(",");
    if (zones.includes("spread"))
      return [{ path: name, got, allowed: "spread alone, or zones", mend: set(name, "spread") }];
    return new Set(zones).size < zones.length
      ? [{ path: name, got, allowed: "each zone once", mend: set(name, [...new Set(zones)].join(",")) }]
      : [];
  },
}));

export const poolRules: readonly Rule[] = [
  nodePortRule,
  unavailableRule,
  membersRule,
  lonelyRule,
  ...volumeRules,
  ...placementRules,
];

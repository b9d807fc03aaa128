/** The settings that decide what a plan shows, from the stack's configuration. Pure. */
import type { PlanSettings } from "./plans/topology.js";
import type { ConfigValue } from "./stack.js";

type Config = Readonly<Record<string, ConfigValue>>;

/** Of the namespace `corekube`; empty: not set. */
const text = (config: Config, key: string): string => config[`corekube:${key}`]?.value ?? "";

function number(config: Config, key: string, otherwise: number): number {
  const value = Number(text(config, key) || otherwise);
  return Number.isInteger(value) && value >= 0 ? value : otherwise;
}

/** Wrong values are the program's to refuse; here they count as not set. */
export function planSettings(config: Config): PlanSettings {
  const highAvailability = text(config, "high_availability") === "true";
  const etcd = config["corekube:etcd"]?.objectValue as { readonly count?: unknown } | undefined;
  const cloudProvider = text(config, "cloud_provider") || "none";
  return {
    cluster: text(config, "cluster_name") || "kubernetes",
    highAvailability,
    etcd: typeof etcd?.count === "number" ? etcd.count : highAvailability ? 3 : 1,
    workers: number(config, "node_count", 1),
    publicWorkers: number(config, "public_node_count", 0),
    atOnce: number(config, "max_unavailable", 1),
    addons: {
      networkProvider: text(config, "network_provider") === "none" ? "none" : "flannel",
      cloudProvider: cloudProvider as PlanSettings["addons"]["cloudProvider"],
      csiDriver: cloudProvider !== "none" && text(config, "csi_driver") !== "false",
    },
  };
}

/** The settings that decide what a plan shows, from the stack's configuration. Pure. */
import { clouds } from "../components/clouds.js";
import { addonOptions } from "../components/spec/settings/addons.js";
import { type OptionName, optionGroups, optionsOf } from "../components/spec/settings/index.js";
import { parseOption } from "../infra/settings/validate.js";
import { memberCounts } from "../infra/settings/counts.js";
import type { PlanSettings } from "./plans/topology.js";
import type { ConfigValue } from "./stack.js";

type Config = Readonly<Record<string, ConfigValue>>;

const options = optionsOf(optionGroups(clouds));

/** Of the namespace `corekube`; not set: the default. */
const text = (config: Config, key: OptionName): string =>
  config[`corekube:${key}`]?.value || String(options[key]!.default);

function number(config: Config, key: OptionName): number {
  const value = Number(text(config, key));
  return Number.isInteger(value) && value >= 0 ? value : Number(options[key]!.default);
}

function addonsOf(config: Config): PlanSettings["addons"]["addons"] {
  const { addons } = addonOptions;
  const given = parseOption(addons, config["corekube:addons"]?.objectValue ?? addons.default);
  return given.success ? (given.data as PlanSettings["addons"]["addons"]) : addons.schema.parse(addons.default);
}

/** Wrong values are the program's to refuse; here they count as not set. */
export function planSettings(config: Config): PlanSettings {
  const high_availability = text(config, "high_availability") === "true";
  const etcd = config["corekube:etcd"]?.objectValue as { readonly count?: unknown } | undefined;
  const cloudProvider = text(config, "cloud_provider");
  return {
    cluster: text(config, "cluster_name"),
    highAvailability: high_availability,
    etcd: typeof etcd?.count === "number" ? etcd.count : memberCounts({ high_availability, etcd: {} }).etcd,
    workers: number(config, "node_count"),
    publicWorkers: number(config, "public_node_count"),
    atOnce: number(config, "max_unavailable"),
    addons: {
      addons: addonsOf(config),
      networkProvider: text(config, "network_provider") === "none" ? "none" : "flannel",
      cloudProvider: cloudProvider as PlanSettings["addons"]["cloudProvider"],
      csiDriver: cloudProvider !== "none" && text(config, "csi_driver") !== "false",
    },
  };
}

/** What decides which add-ons a cluster has, and what they request. Pure. */
import type { ClusterSpec } from "../spec/cluster.js";
import type { Settings } from "../spec/settings/index.js";

/** What decides which add-ons a cluster has. */
export type AddonChoice = Pick<ClusterSpec, "networkProvider" | "cloudProvider" | "csiDriver" | "addons">;

/** Settings from which the requests of add-ons follow. */
export interface AddonSettings extends AddonChoice {
  readonly components: Pick<ClusterSpec["components"], "kube-proxy">;
  readonly workers: Pick<ClusterSpec["workers"], "count">;
  readonly highAvailability: boolean;
}

/** The settings behind `AddonChoice`. */
export const choiceSettings = ["network_provider", "cloud_provider", "csi_driver", "addons"] as const;

/** The settings behind `AddonSettings`. */
export const addonSettings = [...choiceSettings, "kube_proxy", "node_count", "high_availability"] as const;

/** The cluster installs the cloud's CSI driver. */
export function hasCsiDriver(settings: Pick<Settings, "cloud_provider" | "csi_driver">): boolean {
  return settings.cloud_provider !== "none" && settings.csi_driver;
}

/** As the cluster's description has it. */
export function choiceOf(settings: Pick<Settings, (typeof choiceSettings)[number]>): AddonChoice {
  return {
    networkProvider: settings.network_provider,
    cloudProvider: settings.cloud_provider,
    csiDriver: hasCsiDriver(settings),
    addons: settings.addons,
  };
}

/** As the cluster's description has them. */
export function addonSettingsOf(settings: Pick<Settings, (typeof addonSettings)[number]>): AddonSettings {
  return {
    ...choiceOf(settings),
    components: { "kube-proxy": { cpus: settings.kube_proxy.cpus, memory: settings.kube_proxy.mem } },
    workers: { count: settings.node_count },
    highAvailability: settings.high_availability,
  };
}

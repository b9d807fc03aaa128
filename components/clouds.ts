/** The clouds on which this release makes clusters. The first is the default. */
import { aws } from "./aws/index.js";
import type { CloudProviderAddon } from "./cloud/addon.js";
import type { CloudFactory } from "./cloud/cloud.js";
import type { CloudDefinition } from "./cloud/definition.js";
import { digitalocean } from "./digitalocean/index.js";
import type { ClusterSpec } from "./spec/cluster.js";

export const clouds: readonly CloudDefinition[] = [digitalocean, aws];

/** @throws Error when there is no such cloud; settings are checked before. */
export function cloudNamed(name: string, list: readonly CloudDefinition[] = clouds): CloudDefinition {
  const found = list.find((cloud) => cloud.name === name);
  if (!found) throw new Error(`cloud: got ${name}, expected ${list.map((cloud) => cloud.name).join(" or ")}`);
  return found;
}

/** A cluster's description with its cloud, after the cloud's preflight. */
export interface PreparedCluster {
  readonly spec: ClusterSpec;
  readonly definition: CloudDefinition;
  readonly createCloud: CloudFactory;
  /** The cloud's part of the add-ons. @default the cluster has no cloud provider */
  readonly cloudProvider?: CloudProviderAddon;
}

/** Runs the preflight of the cluster's cloud. @throws pulumi.RunError naming the setting that the cloud rejects. */
export async function prepareCluster(
  spec: ClusterSpec,
  list: readonly CloudDefinition[] = clouds,
): Promise<PreparedCluster> {
  const definition = cloudNamed(spec.cloud, list);
  return {
    spec,
    definition,
    createCloud: await definition.preflight(spec),
    cloudProvider: spec.cloudProvider === "none" ? undefined : await definition.addon(),
  };
}

/** The clouds' descriptions for their clusters, by name. */
import type { CloudName, ClusterSpec } from "../../spec/cluster.js";
import { awsAddon } from "./aws.js";
import type { CloudProviderAddon } from "./cloudAddon.js";
import { digitaloceanAddon } from "./digitalocean.js";

const cloudAddons: Readonly<Record<CloudName, CloudProviderAddon>> = { aws: awsAddon, digitalocean: digitaloceanAddon };

/** @throws Error when the cluster has no cloud provider. */
export function cloudAddon({ cloudProvider }: Pick<ClusterSpec, "cloudProvider">): CloudProviderAddon {
  if (cloudProvider === "none") throw new Error("cloud_provider is none; this is a defect of the program");
  return cloudAddons[cloudProvider];
}

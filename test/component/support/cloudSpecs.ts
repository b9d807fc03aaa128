/** Descriptions of clusters with a cloud provider and its CSI driver, for both clouds. */
import * as pulumi from "@pulumi/pulumi";
import type { AwsSpec } from "../../../components/aws/settings.js";
import type { ClusterSpec } from "../../../components/spec/cluster.js";
import { awsTestSpec, testSpec } from "./spec.js";

/** As in the stack's settings, where it is a secret. */
export const token = "dop_v1_0123456789abcdef0123456789abcdef";

/** Sets the program's token, or removes it, and the cluster's own where there is one. */
export function setToken(value: string | null = token, own?: string): void {
  pulumi.runtime.setAllConfig(
    {
      ...(value === null ? {} : { "digitalocean:token": value }),
      ...(own === undefined ? {} : { "digitalocean-cluster:token": own }),
    },
    ["digitalocean:token", "digitalocean-cluster:token"],
  );
}

export function cloudSpec(
  cloudProvider: "aws" | "digitalocean",
  { aws, ...changes }: Partial<ClusterSpec> & { aws?: Partial<AwsSpec> } = {},
): ClusterSpec {
  const common = { cloudProvider, csiDriver: true, ...changes };
  return cloudProvider === "aws" ? awsTestSpec({ ...common, aws }) : testSpec(common);
}

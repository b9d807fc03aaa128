/** Descriptions of clusters with a cloud provider and its CSI driver, for both clouds. */
import * as pulumi from "@pulumi/pulumi";
import type { AwsSpec, CloudName, ClusterSpec } from "../../../components/spec/cluster.js";
import { awsTestSpec, testSpec } from "./spec.js";

/** As in the stack's settings, where it is a secret. */
export const token = "dop_v1_0123456789abcdef0123456789abcdef";

/** Gives the stack its token, or takes it away. */
export function setToken(value: string | null = token): void {
  pulumi.runtime.setAllConfig(value === null ? {} : { "digitalocean:token": value }, ["digitalocean:token"]);
}

export function cloudSpec(
  cloudProvider: CloudName,
  { aws, ...changes }: Partial<Omit<ClusterSpec, "aws">> & { aws?: Partial<AwsSpec> } = {},
): ClusterSpec {
  const common = { cloudProvider, csiDriver: true, ...changes };
  return cloudProvider === "aws" ? awsTestSpec({ ...common, ...(aws ? { aws } : {}) }) : testSpec(common);
}

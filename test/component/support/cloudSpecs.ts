/** Descriptions of clusters with a cloud provider, for both clouds. */
import * as pulumi from "@pulumi/pulumi";
import type { AwsSpec, CloudName, ClusterSpec } from "../../../components/spec/cluster.js";
import { testSpec } from "./spec.js";

/** As in the stack's settings, where it is a secret. */
export const token = "dop_v1_0123456789abcdef0123456789abcdef";

export const awsPart: AwsSpec = {
  publicSubnetIds: [],
  privateSubnetIds: [],
  machines: "public",
  nat: "zone",
  bastionSize: "t3.nano",
  volumeType: "gp3",
  endpoints: {},
};

/** Gives the stack its token, or takes it away. */
export function setToken(value: string | null = token): void {
  pulumi.runtime.setAllConfig(value === null ? {} : { "digitalocean:token": value }, ["digitalocean:token"]);
}

/**
 * A cluster with the cloud's own provider and CSI driver. Machines come from the mocks of one cloud: what runs inside a cluster does
 * not know them.
 */
export function cloudSpec(cloudProvider: CloudName, changes: Partial<ClusterSpec> = {}): ClusterSpec {
  return testSpec({ cloudProvider, csiDriver: true, ...(cloudProvider === "aws" ? { region: "eu-central-1", aws: awsPart } : {}), ...changes });
}

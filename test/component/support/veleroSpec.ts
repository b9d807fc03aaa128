/** A cluster with Velero, and its keys as the stack's configuration has them. */
import * as pulumi from "@pulumi/pulumi";
import type { ClusterSpec } from "../../../components/spec/cluster.js";
import { clusterSpec } from "../../../infra/config.js";
import { configuration, type Settings } from "../../settings/support/cases.js";
import { veleroKeys, withVelero } from "../../settings/support/velero.js";

/** Beside what the configuration has. */
export function setVeleroKeys(): void {
  const before = pulumi.runtime.allConfig();
  const keys = Object.keys(veleroKeys);
  pulumi.runtime.setAllConfig({ ...before, ...(veleroKeys as Record<string, string>) }, keys);
}

export const veleroSpec = (changes: Settings = {}, beside: Settings = {}): ClusterSpec =>
  clusterSpec(configuration({ cluster_name: "dev", node_count: 2, ...beside, ...withVelero(changes) }));

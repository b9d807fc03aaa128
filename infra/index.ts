/** The program that `pulumi` runs: settings in, cluster out. What it resolves to are the stack's outputs. */
import { prepareCluster } from "../components/clouds.js";
import { ImmutableSettings } from "../components/immutables/immutableSettings.js";
import { requireParallelism } from "../components/rollout/program/parallelism.js";
import { createCluster } from "./cluster.js";
import { loadClusterSpec } from "./config.js";
import type { ClusterOutputs } from "./outputs.js";

export = async function program(): Promise<ClusterOutputs> {
  // Everything is validated before the first resource is registered.
  const spec = loadClusterSpec();
  requireParallelism(spec.etcd.count);
  const immutableSettings = new ImmutableSettings(spec);
  await immutableSettings.accepted();
  return createCluster(await prepareCluster(spec), { dependsOn: [immutableSettings] });
};

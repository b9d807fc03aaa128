/** The program that `pulumi` runs: settings in, cluster out. What it resolves to are the stack's outputs. */
import { recordedState } from "../components/cloud/recordedState.js";
import { prepareCluster } from "../components/clouds.js";
import { resourceTypes } from "../components/contract/resources.js";
import { ImmutableSettings } from "../components/immutables/immutableSettings.js";
import { requireParallelism } from "../components/rollout/program/parallelism.js";
import { createCluster } from "./cluster.js";
import { loadClusterSpec } from "./config.js";
import type { ClusterOutputs } from "./outputs.js";

export = async function program(): Promise<ClusterOutputs> {
  // Everything is validated before the first resource is registered.
  const spec = loadClusterSpec();
  requireParallelism(spec.etcd.count);
  // What the cloud refuses of a new cluster can still be set, so that nothing is recorded before. Where a cluster exists, a change of
  // what is decided once is refused first: the cloud would be asked about another cluster.
  const exists = (await recordedState()).of(resourceTypes.immutableSettings).size > 0;
  const asked = exists ? undefined : await prepareCluster(spec);
  const immutableSettings = new ImmutableSettings(spec);
  await immutableSettings.accepted();
  return createCluster(asked ?? (await prepareCluster(spec)), { dependsOn: [immutableSettings] });
};

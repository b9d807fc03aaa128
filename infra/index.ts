/** The program that `pulumi` runs: settings in, cluster out. What it resolves to are the stack's outputs. */
import * as pulumi from "@pulumi/pulumi";
import { recordedState } from "../components/cloud/recordedState.js";
import { prepareCluster } from "../components/clouds.js";
import { resourceTypes } from "../components/contract/resources.js";
import { ImmutableSettings } from "../components/immutables/immutableSettings.js";
import { recordedReleases, StartedReleases } from "../components/releases/clusterReleases.js";
import { requireParallelism } from "../components/rollout/program/parallelism.js";
import { remarkOnImage } from "../components/spec/image.js";
import { pausesOf, remarksOn } from "../components/spec/releaseRemarks.js";
import { createCluster } from "./cluster.js";
import { loadClusterSpec } from "./config.js";
import type { ClusterOutputs } from "./outputs.js";
import { requireUnusedRemovals } from "./removals.js";

export = async function program(): Promise<ClusterOutputs> {
  // Everything is validated before the first resource is registered.
  const state = await recordedState();
  const recorded = recordedReleases(state);
  const spec = loadClusterSpec(recorded);
  requireParallelism(spec.etcd.count);
  // What the cloud refuses of a new cluster can still be set, so that nothing is recorded before. Where a cluster exists, a change of
  // what is decided once is refused first: the cloud would be asked about another cluster.
  const exists = state.of(resourceTypes.immutableSettings).size > 0;
  const asked = exists ? undefined : await prepareCluster(spec);
  const immutableSettings = new ImmutableSettings(spec);
  await immutableSettings.accepted();
  const prepared = asked ?? (await prepareCluster(spec));
  await requireUnusedRemovals(spec, recorded, state);
  // A change of the version that is recorded as begun can often only go on, so that nothing may refuse it after this.
  for (const remark of remarksOn(spec, recorded)) void pulumi.log.info(remark);
  const newerImage =
    spec.image === recorded.image ? remarkOnImage(spec.image, prepared.definition.profile.image) : undefined;
  if (newerImage !== undefined) void pulumi.log.info(newerImage);
  for (const pause of pausesOf(spec, recorded, spec)) void pulumi.log.warn(pause);
  const started = new StartedReleases(spec);
  await started.recorded();
  return createCluster(prepared, recorded.finished, { dependsOn: [immutableSettings, started] });
};

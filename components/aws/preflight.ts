/**
 * What AWS is asked before anything is registered: zones, the existing network, types and image of machines that are made, and whether
 * the cluster's name is free.
 *
 * Mistakes in the settings that only the cloud can find are reported before anything is changed, and zones are plain text when resources are registered.
 */
import { recordedState } from "../cloud/recordedState.js";
import type { ClusterSpec } from "../spec/cluster.js";
import type { Ask } from "./preflight/ask.js";
import { findImage } from "./preflight/image.js";
import { type ExistingNetwork, existingNetwork, zonesOf } from "./preflight/network.js";
import { isNewCluster, refuseOtherCluster } from "./preflight/otherCluster.js";
import { type Placement, placeMachines } from "./preflight/zones.js";
import type { AwsSpec } from "./settings.js";

export interface Preflight extends Pick<Placement, "zones" | "zoneOf"> {
  /** Undefined: a network is created. */
  readonly network?: ExistingNetwork;
  /** Id of the machines' image. */
  readonly ami: string;
}

/** @throws pulumi.RunError naming the setting that the cloud rejects. */
export async function runPreflight(spec: ClusterSpec, aws: AwsSpec, ask: Ask): Promise<Preflight> {
  const recorded = await recordedState();
  await refuseOtherCluster(spec, recorded, ask);
  const network = await existingNetwork(spec, aws, ask, isNewCluster(recorded));
  const offered = network
    ? zonesOf(network, aws)
    : [
        ...(await ask.getAvailabilityZones({ filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }] }))
          .names,
      ].sort();
  const bastion = aws.machines === "private" ? aws.bastionSize : undefined;
  const { zones, zoneOf, missing } = await placeMachines(
    { spec, bastion, offered, existing: network !== undefined, recorded },
    ask,
  );
  return { network, zones, zoneOf, ami: await findImage(spec, recorded, missing, ask) };
}

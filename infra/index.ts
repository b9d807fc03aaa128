/** The program that `pulumi` runs: settings in, cluster out. What it resolves to are the stack's outputs. */
import { cloudFactory } from "../components/cloud/registry.js";
import { Identity } from "../components/identity/identity.js";
import { createCluster } from "./cluster.js";
import { loadClusterSpec } from "./config.js";
import type { ClusterOutputs } from "./outputs.js";

export = async function program(): Promise<ClusterOutputs> {
  // Everything is validated before the first resource is registered.
  const spec = loadClusterSpec();
  const identity = new Identity(spec);
  await identity.accepted();
  return createCluster(spec, await cloudFactory(spec), { dependsOn: [identity] });
};

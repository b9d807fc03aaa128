/** The program that `pulumi` runs: settings in, cluster out. What it resolves to are the stack's outputs. */
import { loadClusterSpec } from "./config.js";
import type { ClusterOutputs } from "./outputs.js";

export = async function program(): Promise<ClusterOutputs> {
  // Everything is validated before the first resource is registered, and before the clouds' SDKs are loaded: they take seconds.
  const spec = loadClusterSpec();
  const { Identity } = await import("../components/identity/identity.js");
  const identity = new Identity(spec);
  const [{ createCluster }] = await Promise.all([import("./cluster.js"), identity.accepted()]);
  return createCluster(spec, { dependsOn: [identity] });
};

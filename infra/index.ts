/** The program that `pulumi` runs: settings in, cluster out. What it resolves to are the stack's outputs. */
import { createRequire } from "node:module";
import type * as cloudsModule from "../components/clouds.js";
import type * as immutableSettingsModule from "../components/immutables/immutableSettings.js";
import type * as clusterModule from "./cluster.js";
import { loadClusterSpec } from "./config.js";
import type { ClusterOutputs } from "./outputs.js";

/** Loads now, and not with this module. `import()` would need a second loader, which costs every run a third of a second. */
const load = createRequire(__filename);

export = async function program(): Promise<ClusterOutputs> {
  // Everything is validated before the first resource is registered, and before the clouds' SDKs are loaded: they take seconds.
  const spec = loadClusterSpec();
  const { ImmutableSettings } = load("../components/immutables/immutableSettings.js") as typeof immutableSettingsModule;
  const immutableSettings = new ImmutableSettings(spec);
  const { prepareCluster } = load("../components/clouds.js") as typeof cloudsModule;
  const { createCluster } = load("./cluster.js") as typeof clusterModule;
  await immutableSettings.accepted();
  return createCluster(await prepareCluster(spec), { dependsOn: [immutableSettings] });
};

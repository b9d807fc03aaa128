/** The settings of a cluster that are decided once, as a resource that refuses to change. */
import * as pulumi from "@pulumi/pulumi";
import { resourceTypes } from "../contract/resources.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { allImmutables } from "./all.js";

/**
 * Refuses what would lose data or replace everything, such as another cloud or another Services' network: in a preview and in an
 * update, with the setting, both values, the reason and what to do instead. Costs nothing and reaches no machine.
 *
 * Its name is the same in every stack: one that followed the cluster's name would be another resource with a changed name.
 */
export class ImmutableSettings extends pulumi.CustomResource {
  constructor(spec: ClusterSpec, opts?: pulumi.CustomResourceOptions, settings = allImmutables()) {
    const values = Object.entries(settings).map(([name, { value }]) => [name, value(spec)]);
    super(resourceTypes.immutableSettings, "cluster", Object.fromEntries(values) as pulumi.Inputs, opts);
  }

  /**
   * Resolves when the engine has accepted it; otherwise the run ends. Nothing is registered before, so that a refused change touches
   * nothing.
   */
  accepted(): Promise<void> {
    return new Promise((resolve) => {
      this.urn.apply(() => resolve());
    });
  }
}

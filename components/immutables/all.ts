/**
 * All settings that are decided once: those of every cloud, and those of single clouds.
 *
 * The program registers their values as one resource, the provider refuses a change of them, and the reference lists them.
 */
import { z } from "zod";
import type { CloudDefinition } from "../cloud/definition.js";
import { clouds } from "../clouds.js";
import { clusterImmutables, type ImmutableSetting } from "../contract/immutableSettings.js";

/** By the name of the resource's input. A cloud's own have no value on any other cloud. */
export function allImmutables(list: readonly CloudDefinition[] = clouds): Readonly<Record<string, ImmutableSetting>> {
  const ofSingleClouds = list.flatMap(({ name, immutable }) =>
    Object.entries(immutable).map(([input, { setting, reason, value }]): [string, ImmutableSetting] => [
      input,
      {
        setting,
        reason,
        value: (spec) => (spec.cloud === name ? value(spec) : undefined),
        schema: z.string().optional(),
      },
    ]),
  );
  return { ...clusterImmutables, ...Object.fromEntries(ofSingleClouds) };
}

/** Keeps what machines were made with, and says which of them differ from what the settings and the program say now. */
import * as pulumi from "@pulumi/pulumi";
import type { CloudDefinition } from "../cloud/definition.js";
import type { Configuration } from "../contract/configurations.js";
import { resourceTypes } from "../contract/resources.js";
import { machineConfiguration } from "../nodeconfig/index.js";
import { readRecorded, type Recorded } from "../rollout/program/servingMachines.js";
import type { ClusterSpec, PoolSpec, Role } from "../spec/cluster.js";
import { machineNames } from "../spec/names.js";
import {
  type OutdatedMachines,
  outdatedMachines,
  recordedConfigurations,
  recordedDigests,
  shortened,
} from "./outdated.js";

/** One warning about all of them; undefined if there are none. */
export function warningOf(outdated: readonly OutdatedMachines[]): string | undefined {
  if (outdated.length === 0) return undefined;
  const lines = outdated.map(
    ({ machines, differences, command }) =>
      `  ${shortened(machines)}: ${differences}.\n    To replace ${machines.length === 1 ? "it" : "them"}: ${command}`,
  );
  return (
    "Machines read their configuration once, at their first boot. These run with another one than the settings and this version " +
    `of the program say, and nothing of it is changed on them:\n${lines.join("\n")}\n` +
    "A replacement takes one machine of a pool after another (max_unavailable workers), with all checks and drains. Machines that this run replaces anyway need nothing."
  );
}

/** In the state once for each configuration and not for each machine: thousands of workers add nothing to it. */
export class Configurations extends pulumi.CustomResource {
  /** Digest of what a new machine of the role gets. */
  readonly current: Readonly<Record<Role, string>>;

  constructor(
    spec: ClusterSpec,
    { profile, policy }: Pick<CloudDefinition, "profile" | "policy">,
    opts?: pulumi.CustomResourceOptions,
  ) {
    const pools: readonly PoolSpec[] = [spec.etcd, spec.controllers, spec.workers, spec.publicWorkers];
    const roles = pools.map((pool) => ({
      role: pool.role,
      machines: machineNames(spec.name, pool),
      configuration: machineConfiguration(spec, pool.role, profile),
    }));
    const isMachine = (type: string): boolean =>
      policy.machines[type]?.template === undefined && type in policy.machines;
    const configurations = readRecorded().then((state) => {
      const warning = warningOf(outdatedMachines(state, roles, isMachine));
      if (warning !== undefined) void pulumi.log.warn(warning);
      const now = roles.map(({ configuration }) => [configuration.digest, configuration] as const);
      return { ...inUse(state), ...Object.fromEntries(now) };
    });
    // The same name in every stack, as of the settings that cannot change.
    super(resourceTypes.configurations, "cluster", { configurations }, opts);
    this.current = Object.fromEntries(roles.map(({ role, configuration }) => [role, configuration.digest])) as Record<
      Role,
      string
    >;
  }
}

/** Kept configurations of machines that run. */
function inUse(state: Readonly<Record<string, Recorded>>): Readonly<Record<string, Configuration>> {
  const used = new Set(recordedDigests(state).values());
  return Object.fromEntries(Object.entries(recordedConfigurations(state)).filter(([digest]) => used.has(digest)));
}

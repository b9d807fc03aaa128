/** Creates the machines of a pool. */
import type * as pulumi from "@pulumi/pulumi";
import type { ApiLoadBalancers, Cloud, Machine, VolumeArgs } from "../cloud/cloud.js";
import { renderUserData } from "../nodeconfig/index.js";
import type { MachineOrder } from "../rollout/program/rollout.js";
import type { ClusterSpec, PoolSpec } from "../spec/cluster.js";
import { machineNames } from "../spec/names.js";

export interface PoolArgs {
  readonly spec: ClusterSpec;
  readonly cloud: Cloud;
  readonly pool: PoolSpec;
  readonly rollout: MachineOrder;
  /** Of each machine. @default none */
  readonly volumes?: readonly VolumeArgs[];
  /** Load balancers that forward to these machines. @default none */
  readonly behind?: ApiLoadBalancers | undefined;
}

/** A machine, and what it says of itself once it has been reached. */
export interface ReachedMachine {
  readonly machine: Machine;
  /** Its SSH host key. */
  readonly hostKey: pulumi.Output<string>;
  /** Digest of what it runs. */
  readonly configuration: pulumi.Output<string>;
}

/** All machines of the pool, with identical user-data; none depends on another. Those that serve change when the rollout allows it. */
export function createPool(args: PoolArgs, opts: pulumi.CustomResourceOptions): readonly Machine[] {
  const { spec, cloud, pool } = args;
  const userData = renderUserData(spec, pool.role, cloud.profile);
  return machineNames(spec.name, pool).map((name, index) =>
    cloud.createMachine(
      {
        name,
        role: pool.role,
        index,
        zones: pool.zones,
        disk: pool.disk,
        size: args.rollout.onceAllowed(name, pool.size),
        userData,
        volumes: args.volumes,
        behind: args.behind,
      },
      opts,
    ),
  );
}

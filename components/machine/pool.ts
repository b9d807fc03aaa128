/** Makes the machines of a pool. */
import type * as pulumi from "@pulumi/pulumi";
import type { ApiLoadBalancers, Cloud, Machine, VolumeArgs } from "../cloud/cloud.js";
import { renderUserData } from "../nodeconfig/index.js";
import type { Rollout } from "../rollout/rollout.js";
import type { ClusterSpec, PoolSpec } from "../spec/cluster.js";
import { machineNames } from "../spec/names.js";

export interface PoolArgs {
  readonly spec: ClusterSpec;
  readonly cloud: Cloud;
  readonly pool: PoolSpec;
  /** Says when a machine may be touched. */
  readonly rollout: Rollout;
  /** Of each machine. @default none */
  readonly volumes?: readonly VolumeArgs[];
  /** Load balancers that forward to these machines. @default none */
  readonly behind?: ApiLoadBalancers | undefined;
}

/** All machines of the pool, alike to the letter of their user-data; none depends on another. Those that serve are touched in turn. */
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
        size: args.rollout.inTurn(name, pool.size),
        userData,
        volumes: args.volumes,
        behind: args.behind,
      },
      opts,
    ),
  );
}

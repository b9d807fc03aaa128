/** Makes the machines of a pool. */
import type * as pulumi from "@pulumi/pulumi";
import type { Cloud, Machine, VolumeArgs } from "../cloud/cloud.js";
import { renderUserData } from "../nodeconfig/index.js";
import type { ClusterSpec, PoolSpec } from "../spec/cluster.js";
import { machineName } from "../spec/names.js";

export interface PoolArgs {
  readonly spec: ClusterSpec;
  readonly cloud: Cloud;
  readonly pool: PoolSpec;
  /** Of each machine. @default none */
  readonly volumes?: readonly VolumeArgs[];
}

/** All machines of the pool, alike to the letter of their user-data; none depends on another. */
export function createPool(args: PoolArgs, opts: pulumi.CustomResourceOptions): readonly Machine[] {
  const { spec, cloud, pool } = args;
  const userData = renderUserData(spec, pool.role, cloud.profile);
  return Array.from({ length: pool.count }, (_, index) =>
    cloud.createMachine(
      {
        name: machineName(spec.name, pool.pool, index),
        role: pool.role,
        size: pool.size,
        userData,
        ...(args.volumes ? { volumes: args.volumes } : {}),
      },
      opts,
    ),
  );
}

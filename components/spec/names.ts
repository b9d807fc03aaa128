/** Names of machines. Pure. */
import type { PoolSpec } from "./cluster.js";

/** Name of a machine, and its host name: `<cluster>-<pool>-<index>`. */
export function machineName(cluster: string, pool: PoolSpec["pool"], index: number): string {
  return `${cluster}-${pool}-${index}`;
}

/** Names of all machines of a pool, in the order of their index. */
export function machineNames(cluster: string, pool: Pick<PoolSpec, "pool" | "count">): readonly string[] {
  return Array.from({ length: pool.count }, (_, index) => machineName(cluster, pool.pool, index));
}

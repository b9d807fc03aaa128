/** What a cloud's resources cost, for estimates. Pure. */
import type { ClusterSpec, PoolSpec } from "../spec/cluster.js";

/** Hours that clouds bill for a month. */
export const hoursPerMonth = 730;

export interface PriceLine {
  readonly what: string;
  /** Dollars a month. */
  readonly monthly: number;
}

export interface Priced {
  readonly spec: ClusterSpec;
  /** Pools with machines. */
  readonly pools: readonly PoolSpec[];
  /** GB of etcd's volumes, of all members together. */
  readonly volumes: number;
}

/** Everything beside the machines themselves, whose prices are in the profile's sizes. */
export type CloudPrices = (cluster: Priced) => readonly PriceLine[];

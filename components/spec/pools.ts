/** Pools by role. Pure. */
import type { ClusterSpec, NodePoolSpec, PoolSpec, Role } from "./cluster.js";

/** Roles whose machines run pods. */
export type NodeRole = Exclude<Role, "etcd">;

/** Label of nodes, and taint of public workers, with the pool's name. */
export const poolLabel = "corekube.io/pool";

/** The settings that name the sizes of machines. */
export const sizeOptions = {
  etcd: "etcd_size",
  controller: "controller_size",
  worker: "node_size",
  public: "public_node_size",
} as const satisfies Readonly<Record<Role, string>>;

/** The pool of machines that run pods. */
export function nodePool(
  spec: Pick<ClusterSpec, "controllers" | "workers" | "publicWorkers">,
  role: NodeRole,
): NodePoolSpec {
  switch (role) {
    case "controller":
      return spec.controllers;
    case "worker":
      return spec.workers;
    case "public":
      return spec.publicWorkers;
    default:
      return role satisfies never;
  }
}

/** All pools, in the order in which a cluster is made. */
export function pools(
  spec: Pick<ClusterSpec, "etcd" | "controllers" | "workers" | "publicWorkers">,
): readonly PoolSpec[] {
  return [spec.etcd, spec.controllers, spec.workers, spec.publicWorkers];
}

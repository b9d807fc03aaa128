/** Pools by role. Pure. */
import type { ClusterSpec, NodePoolSpec, PoolSpec, Role, WorkerPoolSpec } from "./cluster.js";

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

/** What Nodes of workers get over the API: a kubelet may not give itself a role, and reads other labels at its first boot only. */
export interface NodeSettings {
  readonly labels: Readonly<Record<string, string>>;
  /** Key and effect, `key:effect`, to the value. */
  readonly taints: Readonly<Record<string, string>>;
}

const roleLabel = (role: string): Record<string, string> => ({ [`node-role.kubernetes.io/${role}`]: "" });

export function nodeSettings(
  spec: Pick<ClusterSpec, "nodeLabels" | "nodeTaints" | "publicNodeLabels" | "publicNodeTaints">,
  role: WorkerPoolSpec["role"],
): NodeSettings {
  const [labels, taints] =
    role === "public" ? [spec.publicNodeLabels, spec.publicNodeTaints] : [spec.nodeLabels, spec.nodeTaints];
  return {
    labels: { ...labels, ...roleLabel("worker"), ...(role === "public" ? roleLabel("public") : {}) },
    taints: Object.fromEntries(taints.map(({ key, value, effect }) => [`${key}:${effect}`, value])),
  };
}

/** All pools, in the order in which a cluster is made. */
export function pools(
  spec: Pick<ClusterSpec, "etcd" | "controllers" | "workers" | "publicWorkers">,
): readonly PoolSpec[] {
  return [spec.etcd, spec.controllers, spec.workers, spec.publicWorkers];
}

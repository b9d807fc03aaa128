/** The pools of a cluster in the order of a rollout. Pure. */
import type { ClusterSpec, NodePoolSpec } from "../../spec/cluster.js";
import { machineNames } from "../../spec/names.js";
import type { Stages } from "../order.js";

/** etcd, then controllers, then workers. */
export function stagesOf(
  spec: Pick<ClusterSpec, "name" | "etcd" | "controllers" | "workers" | "publicWorkers" | "maxUnavailable">,
): Stages {
  const pool = (name: string, machines: readonly string[], atOnce: number) => ({ name, machines, atOnce });
  const nodes = (of: NodePoolSpec) => pool(of.pool, machineNames(spec.name, of), Math.max(1, spec.maxUnavailable));
  return [
    [pool("etcd", machineNames(spec.name, spec.etcd), 1)],
    [pool("controller", machineNames(spec.name, spec.controllers), 1)],
    [nodes(spec.workers), nodes(spec.publicWorkers)],
  ];
}

/** Labels and taints of workers' Nodes. Pure. */
import type { NodeSettings } from "../contract/nodeSettings.js";
import type { ClusterSpec, WorkerPoolSpec } from "../spec/cluster.js";

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

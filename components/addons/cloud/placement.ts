/** Pods that work for the cloud run beside the API servers, and nowhere else: only there are credentials of the cloud. */
import type * as kubernetes from "@pulumi/kubernetes";
import { apiPort } from "../../cloud/firewall.js";
import type { ClusterSpec } from "../../spec/cluster.js";
import { machineNames } from "../../spec/names.js";

/** Taint of a node until the cloud controller manager has made its acquaintance. */
export const uninitializedTaint = "node.cloudprovider.kubernetes.io/uninitialized";

/**
 * By the nodes' names: a node may give itself any label, but no other name, so that no worker can draw such a pod, with its rights,
 * to itself. In the machines' network, as only there the metadata service answers.
 */
export function onControllers(spec: Pick<ClusterSpec, "name" | "controllers">) {
  return {
    hostNetwork: true,
    dnsPolicy: "Default",
    priorityClassName: "system-cluster-critical",
    nodeSelector: { "kubernetes.io/os": "linux" },
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: machineNames(spec.name, spec.controllers).map((node) => ({
            matchFields: [{ key: "metadata.name", operator: "In", values: [node] }],
          })),
        },
      },
    },
    tolerations: [
      { key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule" },
      { key: uninitializedTaint, operator: "Exists", effect: "NoSchedule" },
      // A network of pods that is brought later must not be waited for.
      { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoSchedule" },
    ],
  } satisfies Partial<kubernetes.types.input.core.v1.PodSpec>;
}

/** The API server on the same machine: neither a load balancer nor the Service network stands between. */
export const localApi: kubernetes.types.input.core.v1.EnvVar[] = [
  { name: "KUBERNETES_SERVICE_HOST", value: "127.0.0.1" },
  { name: "KUBERNETES_SERVICE_PORT", value: String(apiPort) },
];

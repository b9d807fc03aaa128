/** Which changes the API refuses on an object that exists, so that it is made anew. Pure. */

const always = ["apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.generateName"];

/** Paths from the API's validation of updates (each kind's `ValidateUpdate` in Kubernetes). */
const byKind: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec.selector"],
  DaemonSet: ["spec.selector"],
  ReplicaSet: ["spec.selector"],
  StatefulSet: ["spec.selector", "spec.serviceName", "spec.podManagementPolicy", "spec.volumeClaimTemplates"],
  Job: ["spec.selector", "spec.template", "spec.completions", "spec.completionMode"],
  Service: ["spec.clusterIP", "spec.clusterIPs"],
  RoleBinding: ["roleRef"],
  ClusterRoleBinding: ["roleRef"],
  Secret: ["type"],
  StorageClass: ["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
  PersistentVolumeClaim: [
    "spec.accessModes",
    "spec.selector",
    "spec.storageClassName",
    "spec.volumeName",
    "spec.volumeMode",
  ],
  PriorityClass: ["value", "preemptionPolicy"],
  CSIDriver: ["spec.attachRequired", "spec.fsGroupPolicy"],
};

export interface Mutability {
  /** The provider's enableConfigMapMutable; the official plugin makes a ConfigMap anew by default. */
  readonly mutableConfigMaps: boolean;
  readonly mutableSecrets: boolean;
}

export function isImmutable(kind: string, path: string, { mutableConfigMaps, mutableSecrets }: Mutability): boolean {
  const content =
    (kind === "ConfigMap" && !mutableConfigMaps) || (kind === "Secret" && !mutableSecrets)
      ? ["data", "binaryData", "stringData"]
      : [];
  return [...always, ...(byKind[kind] ?? []), ...content].some(
    (place) => path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`),
  );
}

import { version } from "@pulumi/kubernetes/package.json";
import { standIn } from "../framework/standIn.js";
import { isGiven, text } from "../framework/values.js";
import { Cluster } from "./api.js";
import { objectKind } from "./objects.js";

/** Each object is applied on the server, changed in place, and taken over when it exists: as the program's provider says. */
const switches = ["enableServerSideApply", "enableConfigMapMutable", "upsertExistingObjects"];

const bindings = { replaces: ["roleRef"] };
const workloads = { replaces: ["spec.selector"] };

export const plugin = standIn<Cluster>({
  name: "kubernetes",
  version,
  // With the paths on which the API refuses a change (each kind's `ValidateUpdate` in Kubernetes).
  kinds: {
    "kubernetes:apps/v1:DaemonSet": objectKind(workloads),
    "kubernetes:apps/v1:Deployment": objectKind(workloads),
    "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicy": objectKind(),
    "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition": objectKind({ replaces: ["spec.scope"] }),
    "kubernetes:apiregistration.k8s.io/v1:APIService": objectKind(),
    "kubernetes:admissionregistration.k8s.io/v1:ValidatingAdmissionPolicyBinding": objectKind(),
    "kubernetes:core/v1:ConfigMap": objectKind(),
    "kubernetes:core/v1:Namespace": objectKind(),
    // The official plugin replaces a Secret by default.
    "kubernetes:core/v1:Secret": objectKind({
      replaces: ["type", "data", "stringData"],
      secrets: ["data", "stringData"],
    }),
    "kubernetes:core/v1:Service": objectKind({ replaces: ["spec.clusterIP"] }),
    "kubernetes:core/v1:ServiceAccount": objectKind(),
    "kubernetes:networking.k8s.io/v1:IngressClass": objectKind({ replaces: ["spec.controller"] }),
    "kubernetes:policy/v1:PodDisruptionBudget": objectKind(),
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": objectKind(),
    "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding": objectKind(bindings),
    "kubernetes:rbac.authorization.k8s.io/v1:Role": objectKind(),
    "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": objectKind(bindings),
    "kubernetes:storage.k8s.io/v1:CSIDriver": objectKind({ replaces: ["spec.attachRequired", "spec.fsGroupPolicy"] }),
    "kubernetes:storage.k8s.io/v1:StorageClass": objectKind({
      replaces: ["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
    }),
    "kubernetes:snapshot.storage.k8s.io/v1:VolumeSnapshotClass": objectKind({ replaces: ["driver"] }),
    "kubernetes:velero.io/v1:BackupStorageLocation": objectKind(),
    "kubernetes:velero.io/v1:Schedule": objectKind(),
  },
  settings: ["kubeconfig", "clusterIdentifier", ...switches],
  secretSettings: ["kubeconfig"],
  problems: (settings) => [
    ...switches
      .filter((name) => settings[name] !== true)
      .map((property) => ({ property, reason: `${property}: the lab's stand-in has true only; set it` })),
    ...["kubeconfig", "clusterIdentifier"]
      .filter((name) => !isGiven(settings[name]))
      .map((property) => ({ property, reason: `${property} is missing: the lab's stand-in needs it` })),
  ],
  replacesOn: (setting) => setting === "clusterIdentifier",
  configure: (settings) => new Cluster(text(settings["kubeconfig"]) ?? ""),
});

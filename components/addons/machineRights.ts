/** Rights that machines need beyond those that Kubernetes grants by itself: to join, to renew certificates, and for the API server to reach kubelets. */
import { csrApprover, kubeletClient } from "../pki/subjects.js";
import { machineNames } from "../spec/names.js";
import type { Addon, AddonObject, PolicyRule } from "./addon.js";

interface Subject {
  readonly kind: "Group" | "User";
  readonly name: string;
}

/** Group of all holders of a bootstrap token: workers that have no certificate yet. */
const bootstrappers: Subject = { kind: "Group", name: "system:bootstrappers" };

/** Role of the approver of kubelets' serving certificates: for that signer only. */
const approverRole = "corekube:csr-approver";

const approverRules = (controllers: readonly string[]): PolicyRule[] => [
  { apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests/approval"], verbs: ["update"] },
  {
    apiGroups: ["certificates.k8s.io"],
    resources: ["signers"],
    resourceNames: ["kubernetes.io/kubelet-serving"],
    verbs: ["approve"],
  },
  // To compare addresses.
  { apiGroups: [""], resources: ["nodes"], verbs: ["list"] },
  // Controllers label their Nodes with their role; one that is replaced deletes its Node.
  { apiGroups: [""], resources: ["nodes"], resourceNames: [...controllers], verbs: ["get", "patch", "delete"] },
];

function binding(id: string, role: string, subject: Subject): AddonObject {
  return {
    kind: "ClusterRoleBinding",
    id,
    args: {
      metadata: { name: `corekube:${id}` },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", ...subject }],
    },
  };
}

export const machineRights: Addon = {
  name: "machine-rights",
  needs: [],
  beforeWorkers: true,
  parts: ({ spec }) => ({
    objects: [
      {
        kind: "ClusterRole",
        id: "csr-approver",
        args: {
          metadata: { name: approverRole },
          rules: approverRules(machineNames(spec.name, spec.controllers)),
        },
      },
      binding("kubelet-bootstrap", "system:node-bootstrapper", bootstrappers),
      binding(
        "kubelet-first-certificate",
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
        bootstrappers,
      ),
      binding("kubelet-certificate-renewal", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", {
        kind: "Group",
        name: "system:nodes",
      }),
      // Logs, exec and port-forward.
      binding("apiserver-to-kubelet", "system:kubelet-api-admin", { kind: "User", name: kubeletClient.commonName }),
      binding("csr-approver", approverRole, { kind: "User", name: csrApprover.commonName }),
    ],
  }),
};

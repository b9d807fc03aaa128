/** The API server's audit log: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/ */
import { stringify } from "yaml";
import { auditDirectory } from "../../contract/paths.js";
import { credentialDirectory } from "../base/users.js";

/** Control-plane users that poll all the time. */
const system = ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "corekube:csr-approver"];

/** The first matching rule applies. Bodies are logged only for changes of permissions, which hold no secret. */
const rules = [
  { level: "None", nonResourceURLs: ["/livez*", "/readyz*", "/healthz*", "/version"] },
  // Log who accessed them, nodes included; never the content.
  {
    level: "Metadata",
    resources: [
      { group: "", resources: ["secrets", "configmaps", "serviceaccounts/token"] },
      { group: "authentication.k8s.io", resources: ["tokenreviews"] },
    ],
  },
  // Hundreds per minute, and not a user's action.
  { level: "None", users: system, verbs: ["get", "list", "watch"] },
  {
    level: "None",
    userGroups: ["system:nodes", "system:serviceaccounts:kube-system"],
    verbs: ["get", "list", "watch"],
  },
  {
    level: "None",
    resources: [
      { group: "coordination.k8s.io", resources: ["leases"] },
      { group: "", resources: ["events"] },
      { group: "events.k8s.io" },
    ],
  },
  {
    level: "RequestResponse",
    verbs: ["create", "update", "patch", "delete", "deletecollection"],
    resources: [
      { group: "rbac.authorization.k8s.io" },
      { group: "certificates.k8s.io" },
      { group: "admissionregistration.k8s.io" },
    ],
  },
  { level: "Metadata" },
];

export function auditPolicy(): string {
  // The response stage has all that matters.
  return stringify({ apiVersion: "audit.k8s.io/v1", kind: "Policy", omitStages: ["RequestReceived"], rules });
}

/** Values of the CIS benchmark: 30 days, and at most 11 files of 100 MB, so that the disk cannot fill up. */
export const auditFlags: readonly string[] = [
  `--audit-policy-file=${credentialDirectory("kube-apiserver")}/audit.yaml`,
  `--audit-log-path=${auditDirectory}/audit.log`,
  "--audit-log-maxage=30",
  "--audit-log-maxbackup=10",
  "--audit-log-maxsize=100",
];

/** What the API server writes down about requests: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/ */
import { stringify } from "yaml";
import { auditDirectory } from "../../contract/paths.js";
import { credentialDirectory } from "../base/users.js";

/** The parts of the control plane that ask all the time, by themselves. */
const system = ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "corekube:csr-approver"];

/** The first rule that fits a request decides. Bodies are kept of changes to rights only: they hold no secret. */
const rules = [
  { level: "None", nonResourceURLs: ["/livez*", "/readyz*", "/healthz*", "/version"] },
  // Who touched them, also when it was a node; what is in them never.
  {
    level: "Metadata",
    resources: [
      { group: "", resources: ["secrets", "configmaps", "serviceaccounts/token"] },
      { group: "authentication.k8s.io", resources: ["tokenreviews"] },
    ],
  },
  // Hundreds in a minute, and nobody's decision.
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
  // What matters of a request is known when it is answered.
  return stringify({ apiVersion: "audit.k8s.io/v1", kind: "Policy", omitStages: ["RequestReceived"], rules });
}

/** The CIS benchmark's numbers: 30 days, and 11 files of 100 MB at most, so that a disk cannot fill up. */
export const auditFlags: readonly string[] = [
  `--audit-policy-file=${credentialDirectory("kube-apiserver")}/audit.yaml`,
  `--audit-log-path=${auditDirectory}/audit.log`,
  "--audit-log-maxage=30",
  "--audit-log-maxbackup=10",
  "--audit-log-maxsize=100",
];

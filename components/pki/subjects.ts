/** Subjects and names in the cluster's certificates, exact per machine. Pure. */
import type { ClusterSpec } from "../spec/cluster.js";

/** Subject of a certificate as Kubernetes reads it: user and group. */
export interface Subject {
  readonly commonName: string;
  readonly organization?: string;
}

/** User under which API servers call kubelets; add-ons bind it only to `system:kubelet-api-admin`. */
export const kubeletClient: Subject = { commonName: "kube-apiserver-kubelet-client" };
export const controllerManager: Subject = { commonName: "system:kube-controller-manager" };
export const scheduler: Subject = { commonName: "system:kube-scheduler" };
/** Approves kubelets' serving certificates by rule, on controllers; an add-on grants it only that permission. */
export const csrApprover: Subject = { commonName: "corekube:csr-approver" };
export const frontProxyClient: Subject = { commonName: "front-proxy-client" };
/** Reads the metrics of etcd members. */
export const etcdMetrics: Subject = { commonName: "corekube:etcd-metrics" };
/** The API server itself grants the group everything, before any RBAC object exists: see docs/decisions/0004-pki.md. */
export const admin: Subject = { commonName: "corekube-admin", organization: "system:masters" };

/** A kubelet, as the Node authorizer knows it. */
export function kubelet(machine: string): Subject {
  return { commonName: `system:node:${machine}`, organization: "system:nodes" };
}

/** Names under which pods call the API, in addition to its addresses. */
export function apiServerNames(spec: Pick<ClusterSpec, "clusterDomain">): readonly string[] {
  return ["kubernetes", "kubernetes.default", "kubernetes.default.svc", `kubernetes.default.svc.${spec.clusterDomain}`];
}

/** Names of an etcd member. */
export function etcdNames(machine: string): readonly string[] {
  return ["localhost", machine];
}

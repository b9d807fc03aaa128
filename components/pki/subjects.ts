/** Who is who in the cluster's certificates: subjects and names, exact per machine. Pure. */
import type { ClusterSpec } from "../spec/cluster.js";

/** Subject of a certificate as Kubernetes reads it: user and group. */
export interface Identity {
  readonly commonName: string;
  readonly organization?: string;
}

/** User under which API servers call kubelets; add-ons bind it to `system:kubelet-api-admin` and nothing more. */
export const kubeletClient: Identity = { commonName: "kube-apiserver-kubelet-client" };
export const controllerManager: Identity = { commonName: "system:kube-controller-manager" };
export const scheduler: Identity = { commonName: "system:kube-scheduler" };
/** Approves kubelets' serving certificates by rule, on controllers; an add-on gives it that right and no other. */
export const csrApprover: Identity = { commonName: "corekube:csr-approver" };
export const frontProxyClient: Identity = { commonName: "front-proxy-client" };
/** The group is bound to everything by the API server itself, before any RBAC object exists: see docs/decisions/pki.md. */
export const admin: Identity = { commonName: "corekube-admin", organization: "system:masters" };

/** A kubelet, as the Node authorizer knows it. */
export function kubelet(machine: string): Identity {
  return { commonName: `system:node:${machine}`, organization: "system:nodes" };
}

/** Names under which pods call the API; addresses come on top. */
export function apiServerNames(spec: Pick<ClusterSpec, "clusterDomain">): readonly string[] {
  return ["kubernetes", "kubernetes.default", "kubernetes.default.svc", `kubernetes.default.svc.${spec.clusterDomain}`];
}

/** Names of an etcd member. */
export function etcdNames(machine: string): readonly string[] {
  return ["localhost", machine];
}

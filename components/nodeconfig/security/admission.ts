/** Admission control of the API server: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/ */
import { stringify } from "yaml";
import type { ClusterSpec } from "../../spec/cluster.js";
import { credentialDirectory } from "../base/users.js";

/** On top of those that are on by default (Pod Security, service accounts, namespaces and others). */
const plugins = [
  // A kubelet may change only its own Node and pods, and no label that attracts pods.
  "NodeRestriction",
  // A crash-looping pod must not fill etcd with events.
  "EventRateLimit",
  // With `externalIPs`, a user who may create Services could intercept traffic to any address (CVE-2020-8554).
  "DenyServiceExternalIPs",
];

export const admissionFlags: readonly string[] = [
  `--enable-admission-plugins=${plugins.join(",")}`,
  `--admission-control-config-file=${credentialDirectory("kube-apiserver")}/admission.yaml`,
];

/** Pod Security of namespaces without a label. Warnings and audit entries report what is not `restricted`, in every namespace. */
export function admissionConfiguration(spec: Pick<ClusterSpec, "podSecurity">): string {
  const podSecurity = {
    apiVersion: "pod-security.admission.config.k8s.io/v1",
    kind: "PodSecurityConfiguration",
    defaults: {
      ...{ enforce: spec.podSecurity, "enforce-version": "latest" },
      ...{ audit: "restricted", "audit-version": "latest" },
      ...{ warn: "restricted", "warn-version": "latest" },
    },
    // Network pods are privileged; only administrators create pods in this namespace.
    exemptions: { namespaces: ["kube-system"] },
  };
  const events = {
    apiVersion: "eventratelimit.admission.k8s.io/v1alpha1",
    kind: "Configuration",
    limits: [{ type: "Namespace", qps: 50, burst: 500, cacheSize: 1000 }],
  };
  return stringify({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "AdmissionConfiguration",
    plugins: [
      { name: "PodSecurity", configuration: podSecurity },
      { name: "EventRateLimit", configuration: events },
    ],
  });
}

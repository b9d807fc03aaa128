/** What the API server refuses although the caller may do it: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/ */
import { stringify } from "yaml";
import type { ClusterSpec } from "../../spec/cluster.js";
import { credentialDirectory } from "../base/users.js";

/** On top of those that are on by default (Pod Security, service accounts, namespaces and others). */
const plugins = [
  // A kubelet changes its own Node and its own pods, and no label that attracts pods.
  "NodeRestriction",
  // A pod in a loop must not fill etcd with events.
  "EventRateLimit",
  // Who may make a Service could take over anybody's address with `externalIPs` (CVE-2020-8554); load balancers need none.
  "DenyServiceExternalIPs",
];

export const admissionFlags: readonly string[] = [
  `--enable-admission-plugins=${plugins.join(",")}`,
  `--admission-control-config-file=${credentialDirectory("kube-apiserver")}/admission.yaml`,
];

/** What namespaces without a label of their own enforce. Warnings and audit entries tell of what is not `restricted`, everywhere. */
export function admissionConfiguration(spec: Pick<ClusterSpec, "podSecurity">): string {
  const podSecurity = {
    apiVersion: "pod-security.admission.config.k8s.io/v1",
    kind: "PodSecurityConfiguration",
    defaults: {
      ...{ enforce: spec.podSecurity, "enforce-version": "latest" },
      ...{ audit: "restricted", "audit-version": "latest" },
      ...{ warn: "restricted", "warn-version": "latest" },
    },
    // The network's pods are privileged by their nature; only administrators make pods there.
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

/** CoreDNS: names of Services and pods, under the Service `kube-dns`. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterSpec } from "../spec/cluster.js";
import {
  type AddonContext,
  checksum,
  checksumAnnotation,
  image,
  namespace,
  objectName,
  restricted,
} from "./context.js";

const name = "coredns";
/** Name and label that clients of cluster DNS expect, whoever serves it. */
const serviceName = "kube-dns";
const labels = { "k8s-app": serviceName };

/** Pods of CoreDNS: one may be lost. */
export const corednsReplicas = 2;

/**
 * Names outside the cluster go to the node's own resolvers, in their order; where there are none, cluster names are still answered.
 *
 * CoreDNS refuses to start without any address to forward to. The last one answers nobody: with it, a node without resolvers
 * fails at foreign names only.
 */
export function corefile(spec: Pick<ClusterSpec, "clusterDomain">): string {
  return `.:53 {
    errors
    health {
        lameduck 5s
    }
    ready
    kubernetes ${spec.clusterDomain} in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf 127.0.0.1:9 {
        policy sequential
        max_concurrent 1000
    }
    cache 30
    loop
    loadbalance
}
`;
}

/**
 * Deployment and Service, done when they serve.
 * @param after Workers on which the pods can run: controllers take no such pods, so that without a worker the wait would be in vain.
 *   They also outlive CoreDNS at a teardown, so that its disruption budget keeps no node from draining.
 */
export function createCoredns(context: AddonContext, after: readonly pulumi.Resource[]): void {
  const { spec, opts } = context;
  const account = new kubernetes.core.v1.ServiceAccount(
    objectName(context, name),
    { metadata: { name, namespace } },
    opts,
  );
  const role = new kubernetes.rbac.v1.ClusterRole(
    objectName(context, name),
    {
      metadata: { name: `corekube:${name}` },
      rules: [
        { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: ["list", "watch"] },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
      ],
    },
    opts,
  );
  const binding = new kubernetes.rbac.v1.ClusterRoleBinding(
    objectName(context, name),
    {
      metadata: { name: `corekube:${name}` },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: `corekube:${name}` },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    pulumi.mergeOptions(opts, { dependsOn: [role] }),
  );
  const data = { Corefile: corefile(spec) };
  const config = new kubernetes.core.v1.ConfigMap(
    objectName(context, name),
    { metadata: { name, namespace, labels }, data },
    opts,
  );
  const deployment = new kubernetes.apps.v1.Deployment(
    objectName(context, name),
    {
      // Without a network nothing would become ready: the pods wait for whoever brings it, the run does not.
      metadata: {
        name,
        namespace,
        labels,
        ...(spec.networkProvider === "none" ? { annotations: { "pulumi.com/skipAwait": "true" } } : {}),
      },
      spec: {
        replicas: corednsReplicas,
        selector: { matchLabels: labels },
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
        template: { metadata: { labels, annotations: { [checksumAnnotation]: checksum(data) } }, spec: podSpec(spec) },
      },
    },
    pulumi.mergeOptions(opts, { dependsOn: [account, binding, config, ...after] }),
  );
  new kubernetes.policy.v1.PodDisruptionBudget(
    objectName(context, name),
    { metadata: { name, namespace }, spec: { maxUnavailable: 1, selector: { matchLabels: labels } } },
    pulumi.mergeOptions(opts, { dependsOn: [deployment] }),
  );
  new kubernetes.core.v1.Service(
    objectName(context, serviceName),
    {
      metadata: {
        name: serviceName,
        namespace,
        labels: { ...labels, "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" },
        annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": "9153" },
      },
      spec: {
        clusterIP: spec.dnsServiceAddress,
        selector: labels,
        ports: [
          { name: "dns", port: 53, protocol: "UDP" },
          { name: "dns-tcp", port: 53, protocol: "TCP" },
          { name: "metrics", port: 9153, protocol: "TCP" },
        ],
      },
    },
    pulumi.mergeOptions(opts, { dependsOn: [deployment] }),
  );
}

function podSpec(spec: Pick<ClusterSpec, "images">): kubernetes.types.input.core.v1.PodSpec {
  return {
    serviceAccountName: name,
    priorityClassName: "system-cluster-critical",
    nodeSelector: { "kubernetes.io/os": "linux" },
    // The node's own resolvers.
    dnsPolicy: "Default",
    securityContext: { seccompProfile: { type: "RuntimeDefault" } },
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            podAffinityTerm: { labelSelector: { matchLabels: labels }, topologyKey: "kubernetes.io/hostname" },
          },
        ],
      },
    },
    containers: [
      {
        name,
        image: image(spec, name),
        args: ["-conf", "/etc/coredns/Corefile"],
        ports: [
          { name: "dns", containerPort: 53, protocol: "UDP" },
          { name: "dns-tcp", containerPort: 53, protocol: "TCP" },
          { name: "metrics", containerPort: 9153, protocol: "TCP" },
        ],
        securityContext: restricted(["NET_BIND_SERVICE"]),
        resources: { requests: { cpu: "100m", memory: "70Mi" }, limits: { memory: "170Mi" } },
        readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 5 },
        livenessProbe: {
          httpGet: { path: "/health", port: 8080 },
          initialDelaySeconds: 60,
          timeoutSeconds: 5,
          failureThreshold: 5,
        },
        volumeMounts: [{ name: "config", mountPath: "/etc/coredns", readOnly: true }],
      },
    ],
    volumes: [{ name: "config", configMap: { name } }],
  };
}

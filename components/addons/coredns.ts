/** CoreDNS: names of Services and pods, under the Service `kube-dns`, and with a setting a cache of them on each node. */
import type { ClusterSpec } from "../spec/cluster.js";
import { nthAddress } from "../spec/cidr.js";
import { type Addon, image, type Pod, restricted, type Service, workers } from "./addon.js";

const name = "coredns";
/** Name and label that clients of cluster DNS expect, whatever serves it. */
const serviceName = "kube-dns";
const metricsPort = 9153;
const cacheName = "node-local-dns";
/** The Service of CoreDNS where `kube-dns` is that of the caches. */
const upstreamName = "kube-dns-upstream";
/** Beside the one of `kube-dns`, in the part of the range that Kubernetes gives to nobody by itself. */
const upstreamAddress = (spec: Pick<ClusterSpec, "serviceCidr">): string => nthAddress(spec.serviceCidr, 11);

const hasCaches = ({ addons }: Pick<ClusterSpec, "addons">): boolean =>
  addons.coredns.enabled && addons.coredns.node_local_cache;

/**
 * Number of pods: one may be lost, and each 16 workers have one, as with upstream's autoscaler
 * (https://github.com/kubernetes/kubernetes/blob/master/cluster/addons/dns-horizontal-autoscaler/dns-horizontal-autoscaler.yaml).
 * The number of workers is a setting, so that it needs no pod which watches them.
 */
const usualReplicas = (workerCount: number): number => Math.max(2, Math.ceil(workerCount / 16));

/**
 * Names outside the cluster go to the node's own resolvers, in their order. Without any, names of the cluster still resolve.
 *
 * CoreDNS refuses to start without an address to forward to. Nothing listens on the last one: with it, a node without resolvers
 * fails for names outside the cluster only.
 */
export function corefile({ clusterDomain, addons }: Pick<ClusterSpec, "clusterDomain" | "addons">): string {
  const { upstreams, stub_domains } = addons.coredns;
  const servers = upstreams.length > 0 ? upstreams.join(" ") : "/etc/resolv.conf 127.0.0.1:9";
  const stubs = Object.entries(stub_domains).map(
    ([domain, addresses]) => `${domain}:53 {
    errors
    forward . ${addresses.join(" ")} {
        policy sequential
        max_concurrent 1000
    }
    cache 30
    reload
}
`,
  );
  return `.:53 {
    errors
    health {
        lameduck 5s
    }
    ready
    kubernetes ${clusterDomain} in-addr.arpa ip6.arpa {
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
    }
    prometheus :${metricsPort}
    forward . ${servers} {
        policy sequential
        max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
${stubs.join("")}`;
}

/** What a cache does: it asks CoreDNS for everything, by TCP, which needs no entry of a connection that a lost answer leaves behind. */
function cacheCorefile(spec: Pick<ClusterSpec, "serviceCidr">): string {
  return `.:53 {
    errors
    health {
        lameduck 5s
    }
    ready
    prometheus :${metricsPort}
    forward . ${upstreamAddress(spec)} {
        force_tcp
        max_concurrent 1000
    }
    cache 30 {
        success 9984 30
        denial 9984 5
    }
    reload
    loadbalance
}
`;
}

/** A pod of CoreDNS, whatever it serves. @param name Of its container. */
function corednsPod(spec: ClusterSpec, name: string): Pod {
  return {
    // The node's own resolvers.
    dnsPolicy: "Default",
    containers: [
      {
        name,
        image: image(spec, "coredns"),
        args: ["-conf", "/etc/coredns/Corefile"],
        ports: [
          { name: "dns", containerPort: 53, protocol: "UDP" },
          { name: "dns-tcp", containerPort: 53, protocol: "TCP" },
          { name: "metrics", containerPort: metricsPort, protocol: "TCP" },
        ],
        securityContext: restricted(["NET_BIND_SERVICE"]),
        readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 5 },
        livenessProbe: {
          httpGet: { path: "/health", port: 8080 },
          initialDelaySeconds: 60,
          timeoutSeconds: 5,
          failureThreshold: 5,
        },
      },
    ],
  };
}

const ports = [
  { name: "dns", port: 53, protocol: "UDP" },
  { name: "dns-tcp", port: 53, protocol: "TCP" },
  { name: "metrics", port: metricsPort, protocol: "TCP" },
];

/** The one that all pods ask. */
const dnsService = (spec: ClusterSpec, more: Partial<Service["spec"]> = {}): Service => ({
  name: serviceName,
  labels: { "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" },
  annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": String(metricsPort) },
  spec: { clusterIP: spec.dnsServiceAddress, ...more, ports },
});

export const coredns: Addon = {
  name,
  title: serviceName,
  needs: [workers],
  runsOn: "workers",
  partOf: ({ addons }) => addons.coredns.enabled,
  replicas: ({ addons, workers: { count } }) => addons.coredns.replicas ?? usualReplicas(count),
  resources: ({ addons: { coredns: own } }) => ({ [name]: { cpus: own.cpus, memory: own.mem, limit: own.mem_limit } }),
  parts: ({ spec }) => ({
    label: serviceName,
    rights: {
      cluster: [
        { apiGroups: [""], resources: ["services", "pods", "namespaces"], verbs: ["list", "watch"] },
        { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
      ],
    },
    files: { directory: "/etc/coredns", data: { Corefile: corefile(spec) } },
    pod: corednsPod(spec, name),
    service: hasCaches(spec)
      ? { name: upstreamName, spec: { clusterIP: upstreamAddress(spec), ports } }
      : dnsService(spec),
  }),
};

/**
 * A cache on each node, under the Service `kube-dns`. Its name is of those that users know for such caches.
 *
 * Nodes prefer their own: https://kubernetes.io/docs/concepts/services-networking/service/#traffic-distribution. Without it, kube-proxy
 * goes on with those of others, which a cache at an address of the node itself cannot.
 */
export const nodeLocalDns: Addon = {
  name: cacheName,
  needs: [name],
  runsOn: "nodes",
  partOf: hasCaches,
  resources: () => ({ [cacheName]: { cpus: 0.03, memory: 32, limit: 128 } }),
  parts: ({ spec }) => ({
    files: { directory: "/etc/coredns", data: { Corefile: cacheCorefile(spec) } },
    pod: { ...corednsPod(spec, cacheName), hostNetwork: false, automountServiceAccountToken: false },
    service: dnsService(spec, { trafficDistribution: "PreferSameNode" }),
  }),
};

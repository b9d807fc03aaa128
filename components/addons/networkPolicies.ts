/**
 * NetworkPolicies, which flannel does not enforce (https://github.com/kubernetes-sigs/kube-network-policies).
 *
 * On each node, nftables hands the first packet of every connection to or from a pod with a policy to this program, which lets it pass
 * or not.
 */
import { type HostPort, nodeRoles } from "../cloud/firewall.js";
import { verbosity } from "../nodeconfig/base/logging.js";
import type { LogLevel } from "../spec/cluster.js";
import { type Addon, image, restricted } from "./addon.js";

const name = "kube-network-policies";
/** On 127.0.0.1 of the machine: it asks nobody who may read them. */
const metricsPort = 10_251;
const metrics: HostPort = {
  purpose: "network-policies-metrics",
  on: nodeRoles,
  protocol: "tcp",
  port: metricsPort,
  from: [],
};

/** From 2 on it logs every connection. */
const ownVerbosity = (level: LogLevel): number =>
  level === "DEBUG" ? verbosity(level) : Math.min(verbosity(level), 1);

export const networkPolicies: Addon = {
  name,
  needs: [],
  partOf: ({ networkProvider, addons }) => networkProvider === "flannel" && addons.network_policies.enabled,
  runsOn: "nodes",
  resources: ({ addons: { network_policies: own } }) => ({
    [name]: { cpus: own.cpus, memory: own.mem, limit: own.mem_limit },
  }),
  ports: [metrics],
  parts: ({ spec, api }) => ({
    rights: {
      cluster: [
        { apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["list", "watch"] },
        { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: ["list", "watch"] },
      ],
    },
    // The program leaves its table when it ends, and with it the node's kernel would still ask it. kube-proxy's image has the command.
    nodeCleanup: {
      image: "kube-proxy",
      command: ["nft", `add table inet ${name}; delete table inet ${name}`],
    },
    pod: {
      containers: [
        {
          name,
          image: image(spec, name),
          command: [
            "/bin/netpol",
            "--hostname-override=$(NODE_NAME)",
            `--v=${ownVerbosity(spec.logLevel)}`,
            "--nfqueue-id=98",
            `--fail-open=${String(spec.addons.network_policies.fail_open)}`,
            `--metrics-bind-address=127.0.0.1:${metricsPort}`,
          ],
          env: [
            { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
            // Straight to the API: it must not need a Service to decide who reaches one.
            { name: "KUBERNETES_SERVICE_HOST", value: api.host },
            { name: "KUBERNETES_SERVICE_PORT", value: String(api.port) },
          ],
          // Upstream's manifest has a privileged one, for the container runtime's plugins: a socket that is as good as root. Without it,
          // addresses of pods come from the API alone.
          securityContext: restricted(["NET_ADMIN"]),
          readinessProbe: {
            httpGet: { path: "/metrics", port: metricsPort, host: "127.0.0.1" },
            periodSeconds: 5,
          },
        },
      ],
    },
  }),
};

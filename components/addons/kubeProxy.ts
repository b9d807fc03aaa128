/** kube-proxy: Services on every node, in nftables mode. */
import { stringify } from "yaml";
import { nodeRoles, workerRoles } from "../cloud/firewall.js";
import { verbosity } from "../nodeconfig/base/logging.js";
import { serviceAccountKubeconfig } from "../pki/kubeconfig.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { type Addon, image } from "./addon.js";

const name = "kube-proxy";
const healthPort = 10256;
const metricsPort = 10249;
const configDirectory = "/etc/kube-proxy";

/** @param api The API's address inside the private network: the API's Service works only once kube-proxy runs. */
export function kubeProxyFiles(spec: Pick<ClusterSpec, "podCidr">, api: string): Record<string, string> {
  const configuration = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clusterCIDR: spec.podCidr,
    clientConnection: { kubeconfig: `${configDirectory}/kubeconfig` },
    // In nftables mode the default is the node's primary address alone: the private one, which users do not reach.
    nodePortAddresses: ["0.0.0.0/0"],
    healthzBindAddress: `0.0.0.0:${healthPort}`,
    // It asks nobody who may read them: the firewall lets API servers in, which forward who may (`pods/proxy`).
    metricsBindAddress: `0.0.0.0:${metricsPort}`,
    // 0: machines raise their limit themselves (nodeconfig/base/connections.ts).
    conntrack: { maxPerCore: 0 },
  };
  return { "config.yaml": stringify(configuration), kubeconfig: serviceAccountKubeconfig(api) };
}

export const kubeProxy: Addon = {
  name,
  needs: [],
  beforeWorkers: true,
  runsOn: "nodes",
  resources: ({ components }) => ({ [name]: { ...components[name], limit: components[name].memory } }),
  ports: [
    // Load balancers of Services ask it whether a worker forwards.
    {
      purpose: "kube-proxy-health",
      on: workerRoles,
      protocol: "tcp",
      port: healthPort,
      from: ["serviceLoadBalancer"],
    },
    { purpose: "kube-proxy-health", on: ["controller"], protocol: "tcp", port: healthPort, from: [] },
    { purpose: "kube-proxy-metrics", on: nodeRoles, protocol: "tcp", port: metricsPort, from: ["controller"] },
  ],
  parts: ({ spec, api }) => ({
    rights: { existing: [{ kind: "ClusterRole", name: "system:node-proxier" }] },
    files: {
      directory: configDirectory,
      data: api.host.apply((host) => kubeProxyFiles(spec, `https://${host}:${api.port}`)),
    },
    pod: {
      containers: [
        {
          name,
          image: image(spec, name),
          command: [
            "/usr/local/bin/kube-proxy",
            `--config=${configDirectory}/config.yaml`,
            "--hostname-override=$(NODE_NAME)",
            `--v=${verbosity(spec.logLevel)}`,
          ],
          env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
          // It writes kernel settings under /proc/sys, which only a privileged container may.
          securityContext: { privileged: true, readOnlyRootFilesystem: true },
          readinessProbe: { httpGet: { path: "/healthz", port: healthPort }, periodSeconds: 5 },
          livenessProbe: {
            httpGet: { path: "/livez", port: healthPort },
            initialDelaySeconds: 15,
            failureThreshold: 5,
          },
        },
      ],
    },
  }),
};

/** kube-proxy: Services on every node, in nftables mode. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { serviceAccountKubeconfig } from "../pki/kubeconfig.js";
import { verbosity } from "../nodeconfig/base/logging.js";
import { quantities } from "../spec/quantities.js";
import type { ClusterSpec } from "../spec/cluster.js";
import {
  type AddonContext,
  checksum,
  checksumAnnotation,
  image,
  namespace,
  nodePod,
  nodeUpdate,
  objectName,
} from "./context.js";

const name = "kube-proxy";
const labels = { "k8s-app": name };
const healthPort = 10256;
const configDirectory = "/etc/kube-proxy";

/** kube-proxy's own configuration; `api` is the API's address inside the cluster's network: the Service of the API is what kube-proxy makes. */
export function kubeProxyFiles(spec: Pick<ClusterSpec, "podCidr">, api: string): Record<string, string> {
  const configuration = {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clusterCIDR: spec.podCidr,
    clientConnection: { kubeconfig: `${configDirectory}/kubeconfig` },
    // In nftables mode the default is the node's primary address alone: the private one, where no user is.
    nodePortAddresses: ["0.0.0.0/0"],
    healthzBindAddress: `0.0.0.0:${healthPort}`,
    metricsBindAddress: "127.0.0.1:10249",
    // 0 leaves the system's own limit, which is sized to the machine's memory.
    conntrack: { maxPerCore: 0 },
  };
  return { "config.yaml": stringify(configuration), kubeconfig: serviceAccountKubeconfig(api) };
}

/** Answers with the DaemonSet, which is done when it serves on every node that there is. */
export function createKubeProxy(context: AddonContext): pulumi.Resource {
  const { spec, api, opts } = context;
  const account = new kubernetes.core.v1.ServiceAccount(
    objectName(context, name),
    { metadata: { name, namespace } },
    opts,
  );
  const binding = new kubernetes.rbac.v1.ClusterRoleBinding(
    objectName(context, name),
    {
      metadata: { name: `corekube:${name}` },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:node-proxier" },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    opts,
  );
  const data = api.host.apply((host) => kubeProxyFiles(spec, `https://${host}:${api.port}`));
  const config = new kubernetes.core.v1.ConfigMap(
    objectName(context, name),
    { metadata: { name, namespace, labels }, data },
    opts,
  );
  return new kubernetes.apps.v1.DaemonSet(
    objectName(context, name),
    {
      metadata: { name, namespace, labels },
      spec: {
        selector: { matchLabels: labels },
        updateStrategy: nodeUpdate,
        template: {
          metadata: { labels, annotations: { [checksumAnnotation]: data.apply(checksum) } },
          spec: {
            ...nodePod,
            serviceAccountName: name,
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
                resources: quantities(spec.components["kube-proxy"], true),
                readinessProbe: { httpGet: { path: "/healthz", port: healthPort }, periodSeconds: 5 },
                livenessProbe: {
                  httpGet: { path: "/livez", port: healthPort },
                  initialDelaySeconds: 15,
                  failureThreshold: 5,
                },
                volumeMounts: [{ name: "config", mountPath: configDirectory, readOnly: true }],
              },
            ],
            volumes: [{ name: "config", configMap: { name } }],
          },
        },
      },
    },
    pulumi.mergeOptions(opts, { dependsOn: [account, binding, config] }),
  );
}

/** flannel: the pods' network, as an overlay (VXLAN) between the nodes' private addresses. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { verbosity } from "../nodeconfig/base/logging.js";
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
  restricted,
} from "./context.js";

const name = "kube-flannel";
const labels = { "k8s-app": "flannel" };
const configDirectory = "/etc/kube-flannel";
const cniConfig = "10-flannel.conflist";

interface Mount {
  readonly name: string;
  readonly mountPath: string;
}

/** flannel's configuration, and the one that it leaves on nodes for the container runtime. */
export function flannelFiles(spec: Pick<ClusterSpec, "podCidr">): Record<string, string> {
  const cni = {
    name: "cbr0",
    cniVersion: "0.3.1",
    plugins: [
      { type: "flannel", delegate: { hairpinMode: true, isDefaultGateway: true } },
      // Host ports of pods.
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
  const network = { Network: spec.podCidr, EnableNFTables: true, Backend: { Type: "vxlan" } };
  return { [cniConfig]: json(cni), "net-conf.json": json(network) };
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Answers with the DaemonSet, which is done when it runs on every node that there is. */
export function createFlannel(context: AddonContext): pulumi.Resource {
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
        { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
        { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"] },
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
  const data = flannelFiles(spec);
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
          metadata: { labels, annotations: { [checksumAnnotation]: checksum(data) } },
          spec: podSpec(context),
        },
      },
    },
    pulumi.mergeOptions(opts, { dependsOn: [account, binding, config] }),
  );
}

function podSpec({ spec, api }: AddonContext): kubernetes.types.input.core.v1.PodSpec {
  const config = { name: "config", mountPath: configDirectory, readOnly: true };
  const installs = (what: string, from: string, to: Mount, file: string): kubernetes.types.input.core.v1.Container => ({
    name: `install-${what}`,
    image: image(spec, "flannel-cni-plugin"),
    command: ["cp", "-f", from, `${to.mountPath}/${file}`],
    volumeMounts: [config, to],
    securityContext: restricted(),
    resources: { requests: { cpu: "10m", memory: "16Mi" }, limits: { memory: "64Mi" } },
  });
  return {
    ...nodePod,
    serviceAccountName: name,
    initContainers: [
      installs("plugin", "/flannel", { name: "cni-plugins", mountPath: "/opt/cni/bin" }, "flannel"),
      installs(
        "configuration",
        `${configDirectory}/${cniConfig}`,
        { name: "cni-configuration", mountPath: "/etc/cni/net.d" },
        cniConfig,
      ),
    ],
    containers: [
      {
        name,
        image: image(spec, "flannel"),
        // The private network's interface is the one with the node's address.
        command: [
          "/opt/bin/flanneld",
          "--ip-masq",
          "--kube-subnet-mgr",
          "--iface=$(NODE_IP)",
          `-v=${verbosity(spec.logLevel)}`,
        ],
        env: [
          { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
          { name: "NODE_IP", valueFrom: { fieldRef: { fieldPath: "status.hostIP" } } },
          // Straight to the API: the Service network is kube-proxy's, which may not be there yet.
          { name: "KUBERNETES_SERVICE_HOST", value: api.host },
          { name: "KUBERNETES_SERVICE_PORT", value: String(api.port) },
        ],
        securityContext: restricted(["NET_ADMIN", "NET_RAW"]),
        resources: { requests: { cpu: "100m", memory: "64Mi" }, limits: { memory: "256Mi" } },
        volumeMounts: [config, { name: "run", mountPath: "/run/flannel" }],
      },
    ],
    volumes: [
      // The mode goes with the copy: the CIS benchmark wants the network's configuration on nodes closed.
      { name: "config", configMap: { name, defaultMode: 0o600 } },
      { name: "run", hostPath: { path: "/run/flannel", type: "DirectoryOrCreate" } },
      { name: "cni-plugins", hostPath: { path: "/opt/cni/bin", type: "DirectoryOrCreate" } },
      { name: "cni-configuration", hostPath: { path: "/etc/cni/net.d", type: "DirectoryOrCreate" } },
    ],
  };
}

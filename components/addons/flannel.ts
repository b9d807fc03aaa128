/** flannel: the pods' network, as an overlay (VXLAN) between the nodes' private addresses. */
import { type HostPort, nodeRoles } from "../cloud/firewall.js";
import { verbosity } from "../nodeconfig/base/logging.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { type Addon, type AddonCluster, type Container, image, type Pod, restricted } from "./addon.js";

const name = "kube-flannel";
const configDirectory = "/etc/kube-flannel";
const cniConfig = "10-flannel.conflist";

/** VXLAN between all machines that run pods. */
const overlay: HostPort = { purpose: "overlay", on: nodeRoles, protocol: "udp", port: 8472, from: nodeRoles };

/** flannel's configuration, and the one that it leaves on nodes for the container runtime. */
export function flannelFiles(spec: Pick<ClusterSpec, "podCidr" | "networkMtu">): Record<string, string> {
  const cni = {
    name: "cbr0",
    cniVersion: "0.3.1",
    plugins: [
      { type: "flannel", delegate: { hairpinMode: true, isDefaultGateway: true } },
      // Host ports of pods.
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
  // Of the network below the overlay: https://github.com/flannel-io/flannel/blob/v0.28.7/pkg/backend/vxlan/vxlan.go
  const mtu = spec.networkMtu === 0 ? {} : { MTU: spec.networkMtu };
  const network = { Network: spec.podCidr, EnableNFTables: true, Backend: { Type: "vxlan", ...mtu } };
  return { [cniConfig]: json(cni), "net-conf.json": json(network) };
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

export const flannel: Addon = {
  name,
  needs: [],
  beforeWorkers: true,
  partOf: ({ networkProvider }) => networkProvider === "flannel",
  runsOn: "nodes",
  resources: () => ({
    "install-plugin": { cpus: 0.01, memory: 16, limit: 64, init: true },
    "install-configuration": { cpus: 0.01, memory: 16, limit: 64, init: true },
    [name]: { cpus: 0.1, memory: 64, limit: 256 },
  }),
  ports: [overlay],
  parts: (cluster) => ({
    label: "flannel",
    rights: {
      cluster: [
        { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
        { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch"] },
      ],
    },
    // The mode is copied with the file: the CIS benchmark wants the network's configuration on nodes readable by root only.
    files: { directory: configDirectory, data: flannelFiles(cluster.spec), mode: 0o600 },
    pod: flannelPod(cluster),
  }),
};

/** With network_provider none, users bring the pods' network: an overlay on the usual port of VXLAN works. */
export const ownNetwork: Addon = {
  name: "own-network",
  needs: [],
  partOf: ({ networkProvider }) => networkProvider === "none",
  ports: [overlay],
  parts: () => ({}),
};

function flannelPod({ spec, api }: AddonCluster): Pod {
  const installs = (
    what: string,
    from: string,
    to: { readonly name: string; readonly mountPath: string },
    file: string,
  ): Container => ({
    name: `install-${what}`,
    image: image(spec, "flannel-cni-plugin"),
    command: ["cp", "-f", from, `${to.mountPath}/${file}`],
    volumeMounts: [to],
  });
  return {
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
          // Straight to the API: kube-proxy, which makes the Service network, may not run yet.
          { name: "KUBERNETES_SERVICE_HOST", value: api.host },
          { name: "KUBERNETES_SERVICE_PORT", value: String(api.port) },
        ],
        securityContext: restricted(["NET_ADMIN", "NET_RAW"]),
        volumeMounts: [{ name: "run", mountPath: "/run/flannel" }],
      },
    ],
    volumes: [
      { name: "run", hostPath: { path: "/run/flannel", type: "DirectoryOrCreate" } },
      { name: "cni-plugins", hostPath: { path: "/opt/cni/bin", type: "DirectoryOrCreate" } },
      { name: "cni-configuration", hostPath: { path: "/etc/cni/net.d", type: "DirectoryOrCreate" } },
    ],
  };
}

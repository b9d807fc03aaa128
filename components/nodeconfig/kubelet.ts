/** The kubelet of controllers and workers. */
import { stringify } from "yaml";
import type { CloudProfile } from "../cloud/profile.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { nodePool, type NodeRole, poolLabel } from "../spec/pools.js";
import {
  cniDirectory,
  kubeletConfig,
  kubeletDirectory,
  kubeletDropins,
  kubeletKubeconfig,
  kubeletTemplate,
  manifestDirectory,
  metadataFile,
  programDirectory,
  proxyFile,
  secretsDirectory,
} from "../contract/paths.js";
import { units } from "../contract/units.js";
import { verbosity } from "./base/logging.js";
import { evictionThresholds } from "./base/reservation.js";
import { cipherSuites, tlsMinimum } from "./base/tls.js";
import { file, type NodeConfig } from "./base/types.js";

type Spec = Pick<
  ClusterSpec,
  "dnsServiceAddress" | "clusterDomain" | "logLevel" | "controllers" | "workers" | "publicWorkers" | "cloudProvider"
>;
type Profile = Pick<CloudProfile, "zone">;

/** Pods need a toleration for these. */
const taints = {
  controller: { key: "node-role.kubernetes.io/control-plane", effect: "NoSchedule" },
  public: { key: poolLabel, value: "public", effect: "NoSchedule" },
} as const;

/**
 * A control plane whose etcd was away starts again within seconds, and not after the kubelet's five minutes: its programs end when they
 * cannot reach each other. https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#configurable-container-restart-delay
 */
const crashLoopBackOff = { maxContainerRestartPeriod: "20s" };

/** https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ */
function configuration(spec: Spec, role: NodeRole): string {
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${secretsDirectory}/ca.crt` },
    },
    authorization: { mode: "Webhook" },
    readOnlyPort: 0,
    tlsMinVersion: tlsMinimum,
    tlsCipherSuites: [...cipherSuites],
    rotateCertificates: true,
    // Signed by the cluster's authority, and renewed like the client certificate; scripts/approve.ts approves it.
    serverTLSBootstrap: true,
    ...(role === "controller" ? { staticPodPath: manifestDirectory, crashLoopBackOff } : {}),
    ...(role === "worker" ? {} : { registerWithTaints: [taints[role]] }),
    // Computed on the machine (base/reservation.ts), which knows its real capacity.
    systemReserved: { cpu: "${RESERVED_CPU}", memory: "${RESERVED_MEMORY}", "ephemeral-storage": "${RESERVED_DISK}" },
    evictionHard: evictionThresholds,
    clusterDNS: [spec.dnsServiceAddress],
    clusterDomain: spec.clusterDomain,
    resolvConf: "${RESOLV_CONF}",
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    cgroupDriver: "systemd",
    // The default is in /usr, which is read-only.
    volumePluginDir: `${kubeletDirectory}/volumeplugins`,
    maxPods: 110,
    podPidsLimit: 4096,
    seccompDefault: true,
    protectKernelDefaults: true,
    serializeImagePulls: false,
    maxParallelImagePulls: 4,
    containerLogMaxSize: "20Mi",
    logging: { verbosity: verbosity(spec.logLevel) },
    shutdownGracePeriod: "45s",
    shutdownGracePeriodCriticalPods: "15s",
  });
}

/** With a cloud controller manager: nodes are tainted until it has initialized them; it finds their machine by the provider id. */
function cloudFlags({ cloudProvider }: Spec): readonly string[] {
  return cloudProvider === "none" ? [] : ["--cloud-provider=external", "--provider-id=${PROVIDER_ID}"];
}

/** Region and zone. A cloud controller manager sets these labels itself. */
function placeLabels({ cloudProvider }: Spec, profile: Profile): readonly string[] {
  if (cloudProvider !== "none") return [];
  const zone = profile.zone ? ["topology.kubernetes.io/zone=${ZONE}"] : [];
  return ["topology.kubernetes.io/region=${REGION}", ...zone];
}

/** Command line: what differs between machines, and what the configuration file does not support. */
function flags(spec: Spec, role: NodeRole, profile: Profile): readonly string[] {
  const credentials =
    role === "controller"
      ? [`--kubeconfig=${secretsDirectory}/kubelet.kubeconfig`]
      : // Created by the kubelet when it joins; after that, the bootstrap file is deleted and not read. The activation sets its server.
        [`--kubeconfig=${kubeletKubeconfig}`, `--bootstrap-kubeconfig=${secretsDirectory}/bootstrap.kubeconfig`];
  return [
    `--config=${kubeletConfig}`,
    `--config-dir=${kubeletDropins}`,
    ...credentials,
    `--cert-dir=${kubeletDirectory}/pki`,
    "--hostname-override=${HOSTNAME}",
    "--node-ip=${PRIVATE_IPV4}",
    ...cloudFlags(spec),
    `--node-labels=${[...placeLabels(spec, profile), ...balancerLabels(spec, role), `${poolLabel}=${nodePool(spec, role).pool}`].join(",")}`,
  ];
}

/**
 * Services' load balancers send nothing to controllers: https://kubernetes.io/docs/reference/labels-annotations-taints/#node-kubernetes-io-exclude-from-external-load-balancers
 */
function balancerLabels({ cloudProvider }: Spec, role: NodeRole): readonly string[] {
  return cloudProvider !== "none" && role === "controller"
    ? ["node.kubernetes.io/exclude-from-external-load-balancers=true"]
    : [];
}

/** No restart limit: a kubelet must keep trying until its API server answers. */
function unit(spec: Spec, role: NodeRole, profile: Profile): string {
  return `[Unit]
Description=Kubernetes node agent
Documentation=https://kubernetes.io/docs/
Wants=${units.containerd}
After=${units.containerd} network-online.target ${units.metadata} ${units.install}
StartLimitIntervalSec=0

[Service]
EnvironmentFile=${metadataFile}
EnvironmentFile=-${proxyFile}
ExecStart=${programDirectory}/kubelet \\
  ${flags(spec, role, profile).join(" \\\n  ")}
Restart=always
RestartSec=5
Delegate=yes
`;
}

/** The activation starts it. */
export function kubelet(spec: Spec, role: NodeRole, profile: Profile): Partial<NodeConfig> {
  return {
    directories: [
      { path: kubeletDropins, mode: 0o755 },
      { path: cniDirectory, mode: 0o755 },
      ...(role === "controller" ? [{ path: manifestDirectory, mode: 0o700 }] : []),
    ],
    files: [file(kubeletTemplate, configuration(spec, role))],
    units: [{ name: units.kubelet, contents: unit(spec, role, profile) }],
  };
}

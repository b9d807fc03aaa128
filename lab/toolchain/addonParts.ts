/** Parts of the toolchain that only add-ons need which are off by default, examples, and tests of these. */
import { type Part, plain } from "./part.js";
import { imageVersion, type Versions } from "./versions.js";

export function addonParts(from: Versions): readonly Omit<Part, "folder">[] {
  const { toolchain } = from;
  return [
    {
      // Without the dashboard, whose files are not in the module.
      ...plain,
      name: "traefik",
      version: imageVersion("traefik", from),
      modules: { "github.com/traefik/traefik/v3": imageVersion("traefik", from) },
      packages: { traefik: "github.com/traefik/traefik/v3/cmd/traefik" },
      variables: { "github.com/traefik/traefik/v3/pkg/version.Version": imageVersion("traefik", from) },
      addon: "ingress",
      seconds: 400,
    },
    {
      // The original puts packets into its queue by an expression of nftables that not every kernel has; this build does it by the target of
      // iptables, into the same queue. Nothing else differs.
      ...plain,
      name: "kube-network-policies",
      version: imageVersion("kube-network-policies", from),
      modules: { "sigs.k8s.io/kube-network-policies": imageVersion("kube-network-policies", from) },
      packages: { netpol: "sigs.k8s.io/kube-network-policies/cmd" },
      exchanged: { "github.com/google/nftables": { "expr/queue.go": "queue.go.txt" } },
      addon: "network_policies",
      seconds: 90,
    },
    {
      // Only clusters with the add-on for backups need it. The same program is the command with which people use it.
      ...plain,
      name: "velero",
      version: imageVersion("velero", from),
      modules: { "github.com/vmware-tanzu/velero": imageVersion("velero", from) },
      packages: { velero: "github.com/vmware-tanzu/velero/cmd/velero" },
      variables: { "github.com/vmware-tanzu/velero/pkg/buildinfo.Version": `v${imageVersion("velero", from)}` },
      addon: "velero",
      seconds: 300,
    },
    {
      ...plain,
      name: "velero-plugin-for-aws",
      version: imageVersion("velero-plugin-for-aws", from),
      modules: { "github.com/vmware-tanzu/velero-plugin-for-aws": imageVersion("velero-plugin-for-aws", from) },
      packages: {
        "velero-plugin-for-aws": "github.com/vmware-tanzu/velero-plugin-for-aws/velero-plugin-for-aws",
        "cp-plugin": "github.com/vmware-tanzu/velero-plugin-for-aws/hack/cp-plugin",
      },
      addon: "velero",
      seconds: 120,
    },
    {
      ...plain,
      name: "external-snapshotter",
      version: imageVersion("snapshot-controller", from),
      modules: {
        "github.com/kubernetes-csi/external-snapshotter/v8": imageVersion("snapshot-controller", from),
        "github.com/kubernetes-csi/external-snapshotter/client/v8": imageVersion("snapshot-controller", from),
      },
      packages: { "snapshot-controller": "github.com/kubernetes-csi/external-snapshotter/v8/cmd/snapshot-controller" },
      addon: "volume_snapshots",
      seconds: 60,
    },
    {
      // Regions whose clusters keep backups there, and tests.
      ...plain,
      name: "versitygw",
      version: toolchain.versitygw,
      modules: { "github.com/versity/versitygw": toolchain.versitygw },
      packages: { versitygw: "github.com/versity/versitygw/cmd/versitygw" },
      addon: "velero",
      seconds: 60,
    },
    {
      // Modules of Prometheus 3.x.y are v0.3xx.y. Without its pages, whose files are not in the module, and with no
      // discovery of targets but Kubernetes'.
      ...plain,
      name: "prometheus",
      version: toolchain.prometheus,
      modules: { "github.com/prometheus/prometheus": toolchain.prometheus },
      packages: {
        prometheus: "github.com/prometheus/prometheus/cmd/prometheus",
        promtool: "github.com/prometheus/prometheus/cmd/promtool",
      },
      tags: ["netgo", "remove_all_sd", "enable_kubernetes_sd"],
      variables: {
        "github.com/prometheus/common/version.Version": toolchain.prometheus.replace(/^0\.(\d)0?(\d+)/, "$1.$2"),
      },
      addon: "monitoring",
      seconds: 300,
    },
  ];
}

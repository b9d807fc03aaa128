/** What the toolchain consists of: for each Go module its tools, how they are built, and where the official ones are. */
import { catalogueVersions, imageVersion, releaseVersion, versions, versionsOf, type Versions } from "./versions.js";
import { addonParts } from "./addonParts.js";
import { type OfficialFile, type Part, plain } from "./part.js";

const kubernetesBinaries = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
  "kubectl",
] as const;

const cniPlugins = {
  main: ["bridge", "dummy", "host-device", "ipvlan", "loopback", "macvlan", "ptp", "tap", "vlan"],
  ipam: ["dhcp", "host-local", "static"],
  meta: ["bandwidth", "firewall", "portmap", "sbr", "tuning", "vrf"],
} as const;

/** Names of the plugins in the official archive. */
export const cniPluginNames: readonly string[] = Object.values(cniPlugins).flat().sort();

/** All parts of a release, the ones that others wait for first. */
export function toolchainParts(from: Versions = versions): readonly Part[] {
  const { toolchain, kubernetes, etcd, releases } = from;
  const cni = releaseVersion("cni-plugins", from);
  const coredns = imageVersion("coredns", from);
  const flannel = imageVersion("flannel", from);
  const metricsServer = imageVersion("metrics-server", from);
  const [major = "", minor = ""] = kubernetes.split(".");
  const download = (name: keyof Versions["toolchain"]["downloads"], tools: Record<string, string>): OfficialFile[] => {
    return [{ ...toolchain.downloads[name], tools }];
  };
  const released = (name: keyof Versions["releases"], tools: Record<string, string>): OfficialFile => ({
    ...releases[name],
    tools,
    kept: true,
  });

  const parts: readonly (Omit<Part, "folder"> & { readonly ofRelease?: true })[] = [
    {
      ...plain,
      name: "runc",
      version: toolchain.runc,
      modules: { "github.com/opencontainers/runc": toolchain.runc },
      packages: { runc: "github.com/opencontainers/runc" },
      cgo: true,
      tags: ["seccomp", "netgo", "osusergo"], // Without seccomp every pod fails.
      staticLibraries: true,
      official: download("runc", { runc: "" }),
      seconds: 20,
    },
    {
      ...plain,
      name: "containerd",
      version: toolchain.containerd,
      modules: { "github.com/containerd/containerd/v2": toolchain.containerd },
      packages: tools(
        ["containerd", "containerd-shim-runc-v2", "ctr"],
        (tool) => `github.com/containerd/containerd/v2/cmd/${tool}`,
      ),
      variables: { "github.com/containerd/containerd/v2/version.Version": `v${toolchain.containerd}` },
      official: download(
        "containerd",
        tools(["containerd", "containerd-shim-runc-v2", "ctr"], (tool) => `bin/${tool}`),
      ),
      seconds: 60,
    },
    {
      ...plain,
      name: "ignition",
      version: toolchain.ignition,
      modules: { "github.com/coreos/ignition/v2": toolchain.ignition },
      // Ignition applies a config to a directory when it runs under this name.
      packages: {
        "ignition-apply": "github.com/coreos/ignition/v2/internal",
        "ignition-validate": "github.com/coreos/ignition/v2/validate",
      },
      cgo: true,
      seconds: 81,
    },
    {
      ...plain,
      name: "pulumi",
      version: toolchain.pulumi,
      modules: {
        "github.com/pulumi/pulumi/pkg/v3": toolchain.pulumi,
        "github.com/pulumi/pulumi/sdk/v3": toolchain.pulumi,
      },
      packages: { pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
      variables: { "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": `v${toolchain.pulumi}` },
      official: download("pulumi", { pulumi: "pulumi/pulumi" }),
      seconds: 190,
    },
    {
      ...plain,
      name: "kubernetes",
      ofRelease: true,
      version: kubernetes,
      modules: { "k8s.io/kubernetes": kubernetes },
      packages: tools(kubernetesBinaries, (tool) => `k8s.io/kubernetes/cmd/${tool}`),
      variables: {
        "k8s.io/component-base/version.gitVersion": `v${kubernetes}`,
        "k8s.io/component-base/version.gitMajor": major,
        "k8s.io/component-base/version.gitMinor": minor,
      },
      official: [released("kubelet", { kubelet: "" }), released("kubectl", { kubectl: "" })],
      seconds: 300,
    },
    {
      ...plain,
      name: "etcd",
      ofRelease: true,
      version: etcd,
      modules: tools(
        ["server", "etcdctl", "etcdutl"],
        () => etcd,
        (name) => `go.etcd.io/etcd/${name}/v3`,
      ),
      packages: {
        etcd: "go.etcd.io/etcd/server/v3",
        etcdctl: "go.etcd.io/etcd/etcdctl/v3",
        etcdutl: "go.etcd.io/etcd/etcdutl/v3",
      },
      official: [
        released(
          "etcd",
          tools(["etcd", "etcdctl", "etcdutl"], (tool) => `etcd-v${etcd}-linux-amd64/${tool}`),
        ),
      ],
      seconds: 30,
    },
    {
      ...plain,
      name: "cni-plugins",
      version: cni,
      modules: { "github.com/containernetworking/plugins": cni },
      packages: Object.fromEntries(
        Object.entries(cniPlugins).flatMap(([kind, names]) =>
          names.map((name) => [name, `github.com/containernetworking/plugins/plugins/${kind}/${name}`]),
        ),
      ),
      variables: { "github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion": `v${cni}` },
      official: [
        released(
          "cni-plugins",
          tools(cniPluginNames, (tool) => tool),
        ),
      ],
      seconds: 30,
    },
    {
      // Flannel's own repository of its CNI plugin is not served as a module; this is its last release in another one.
      ...plain,
      name: "flannel-cni",
      version: toolchain["flannel-cni"],
      modules: { "github.com/containernetworking/plugins": toolchain["flannel-cni"] },
      packages: { flannel: "github.com/containernetworking/plugins/plugins/meta/flannel" },
      seconds: 3,
    },
    {
      ...plain,
      name: "coredns",
      version: coredns,
      modules: { "github.com/coredns/coredns": coredns },
      packages: { coredns: "corekube/lab/toolchain/coredns" },
      seconds: 60,
    },
    {
      ...plain,
      name: "metrics-server",
      version: metricsServer,
      modules: { "sigs.k8s.io/metrics-server": metricsServer },
      packages: { "metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server" },
      variables: { "k8s.io/client-go/pkg/version.gitVersion": `v${metricsServer}` },
      seconds: 60,
    },
    {
      ...plain,
      name: "flannel",
      version: flannel,
      modules: { "github.com/flannel-io/flannel": flannel },
      packages: { flanneld: "github.com/flannel-io/flannel" },
      variables: { "github.com/flannel-io/flannel/pkg/version.Version": `v${flannel}` },
      cgo: true, // Its udp backend is C.
      tags: ["netgo", "osusergo"],
      staticLibraries: true,
      seconds: 76,
    },
    {
      ...plain,
      name: "local-path-provisioner",
      version: imageVersion("local-path-provisioner", from),
      modules: { "github.com/rancher/local-path-provisioner": imageVersion("local-path-provisioner", from) },
      packages: { "local-path-provisioner": "github.com/rancher/local-path-provisioner" },
      variables: { "main.VERSION": `v${imageVersion("local-path-provisioner", from)}` },
      seconds: 45,
    },
    {
      // Only regions of AWS need it.
      ...plain,
      name: "cloud-controller-manager-aws",
      ofRelease: true,
      version: imageVersion("aws-cloud-controller-manager", from),
      modules: { "k8s.io/cloud-provider-aws": imageVersion("aws-cloud-controller-manager", from) },
      packages: { "aws-cloud-controller-manager": "k8s.io/cloud-provider-aws/cmd/aws-cloud-controller-manager" },
      variables: {
        "k8s.io/component-base/version.gitVersion": `v${imageVersion("aws-cloud-controller-manager", from)}`,
      },
      seconds: 128,
    },
    {
      // A stand-in: the original is not served as a module. Only regions of DigitalOcean need it.
      ...plain,
      name: "cloud-controller-manager-digitalocean",
      version: imageVersion("digitalocean-cloud-controller-manager", from),
      modules: {
        "github.com/digitalocean/godo": toolchain.godo,
        "k8s.io/cloud-provider": toolchain["cloud-provider"],
      },
      packages: {
        "digitalocean-cloud-controller-manager": "corekube/lab/toolchain/cloud-controller-manager-digitalocean",
      },
      seconds: 40,
    },
    ...addonParts(from),
    {
      ...plain,
      name: "registry",
      version: toolchain.distribution,
      modules: { "github.com/distribution/distribution/v3": toolchain.distribution },
      packages: { registry: "corekube/lab/toolchain/registry" },
      official: download("registry", { registry: "registry" }),
      seconds: 25,
    },
    {
      // The original is C; this program does the same.
      ...plain,
      name: "pause",
      version: imageVersion("pause", from),
      modules: {},
      packages: { pause: "corekube/lab/toolchain/pause" },
      seconds: 5,
    },
    {
      // Only the tests use it, to check the workflows of the pipelines.
      ...plain,
      name: "actionlint",
      version: toolchain.actionlint,
      modules: { "github.com/rhysd/actionlint": toolchain.actionlint },
      packages: { actionlint: "github.com/rhysd/actionlint/cmd/actionlint" },
      variables: { "github.com/rhysd/actionlint.version": toolchain.actionlint },
      official: download("actionlint", { actionlint: "actionlint" }),
      seconds: 15,
    },
    {
      // Only the tests use it, to validate the add-ons' objects.
      ...plain,
      name: "kubeconform",
      version: toolchain.kubeconform,
      modules: { "github.com/yannh/kubeconform": toolchain.kubeconform },
      packages: { kubeconform: "github.com/yannh/kubeconform/cmd/kubeconform" },
      variables: { "main.version": `v${toolchain.kubeconform}` },
      official: download("kubeconform", { kubeconform: "kubeconform" }),
      seconds: 20,
    },
  ];
  return parts.map(({ ofRelease, ...part }) => ({
    ...part,
    folder: ofRelease ? `${part.name}-${part.version}` : part.name,
  }));
}

/** Those of all releases. */
export function allParts(): readonly Part[] {
  const parts = catalogueVersions.flatMap((version) => toolchainParts(versionsOf(version)));
  return [...new Map(parts.map((part) => [part.folder, part])).values()];
}

function tools(
  names: readonly string[],
  value: (name: string) => string,
  key: (name: string) => string = (name) => name,
): Record<string, string> {
  return Object.fromEntries(names.map((name) => [key(name), value(name)]));
}

/** Names of a part's tools. */
export const toolsOf = (part: Part): readonly string[] => Object.keys(part.packages);

/** The part that a tool comes from. @throws Error that names the tools there are. */
export function partOf(tool: string, parts: readonly Part[] = toolchainParts()): Part {
  const part = parts.find((candidate) => tool in candidate.packages);
  if (!part) throw new Error(`toolchain: no tool "${tool}"; there are ${parts.flatMap(toolsOf).sort().join(", ")}`);
  return part;
}

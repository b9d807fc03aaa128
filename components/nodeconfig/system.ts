/** The operating system under every machine. */
import type { ClusterSpec } from "../spec/cluster.js";
import { administrator, administratorKeysFile, configurationDirectory } from "../contract/paths.js";
import { file, type NodeConfig, type NodeFile } from "./base/types.js";

/**
 * The operating system is the image that the cluster is tested with, and another one comes with another image, machine by machine. An
 * update that waits on the disk would begin with any reboot: docs/decisions/0020-what-a-machine-runs.md. Docker, once started, drops what
 * it does not forward itself, pods' packets included.
 */
const masked = ["locksmithd.service", "update-engine.service", "docker.service", "docker.socket"];

/** What every machine has. */
export function system(spec: Pick<ClusterSpec, "sshPublicKeys" | "ntpServers">): Partial<NodeConfig> {
  return {
    files: [
      ...timeServers(spec),
      // Ignition gives them to the user at the first boot; a change of them comes with this file.
      file(administratorKeysFile, spec.sshPublicKeys.map((key) => `${key}\n`).join("")),
    ],
    directories: [{ path: configurationDirectory, mode: 0o755 }],
    units: masked.map((name) => ({ name, masked: true })),
    users: spec.sshPublicKeys.length > 0 ? [{ name: administrator, sshPublicKeys: spec.sshPublicKeys }] : [],
  };
}

/** Flatcar keeps time with systemd-timesyncd, which has Flatcar's own servers where nothing names others. */
function timeServers({ ntpServers }: Pick<ClusterSpec, "ntpServers">): readonly NodeFile[] {
  if (ntpServers.length === 0) return [];
  return [file("/etc/systemd/timesyncd.conf.d/10-corekube.conf", `[Time]\nNTP=${ntpServers.join(" ")}\n`)];
}

/** Kernel settings of machines that run pods. A leading dash: ignored if the kernel does not know the setting. */
function sysctls(nodePorts: ClusterSpec["nodePortRange"]): string {
  return `# Forward packets between pods and other machines.
net.ipv4.ip_forward = 1
-net.bridge.bridge-nf-call-iptables = 1
-net.bridge.bridge-nf-call-ip6tables = 1
# Loose reverse path filter: packets of pods may arrive on another interface than the response leaves on.
net.ipv4.conf.all.rp_filter = 2
net.ipv4.conf.default.rp_filter = 2
# Keep the machine's own connections out of the node port range.
net.ipv4.ip_local_reserved_ports = ${nodePorts.from}-${nodePorts.to}
# Pods that watch files need inotify instances and watches.
fs.inotify.max_user_instances = 8192
fs.inotify.max_user_watches = 524288
# Databases and search engines map many files; the value is that of Fedora, Ubuntu and Bottlerocket.
vm.max_map_count = 1048576
# The kubelet requires these values (protectKernelDefaults).
vm.overcommit_memory = 1
vm.panic_on_oom = 0
kernel.panic = 10
kernel.panic_on_oops = 1
kernel.keys.root_maxkeys = 1000000
kernel.keys.root_maxbytes = 25000000
`;
}

/** Additions for machines that run pods. */
export function podHost(spec: Pick<ClusterSpec, "nodePortRange">): Partial<NodeConfig> {
  return {
    files: [
      file("/etc/modules-load.d/corekube.conf", "overlay\nbr_netfilter\nnf_conntrack\nvxlan\n"),
      file("/etc/sysctl.d/90-corekube.conf", sysctls(spec.nodePortRange)),
      // Otherwise networkd removes addresses that it did not set and changes flannel's MAC address.
      file("/etc/systemd/network/10-pods.network", "[Match]\nName=cni* flannel* veth*\n\n[Link]\nUnmanaged=yes\n"),
      file("/etc/systemd/network/10-flannel.link", "[Match]\nOriginalName=flannel*\n\n[Link]\nMACAddressPolicy=none\n"),
    ],
  };
}

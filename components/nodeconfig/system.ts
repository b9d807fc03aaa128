/** The operating system under every machine. */
import type { ClusterSpec } from "../spec/cluster.js";
import { configurationDirectory } from "../contract/paths.js";
import { file, type NodeConfig } from "./base/types.js";

/** User with administrator's rights on Flatcar. */
const administrator = "core";

/** What every machine has. */
export function system(spec: Pick<ClusterSpec, "sshPublicKeys">): Partial<NodeConfig> {
  return {
    directories: [{ path: configurationDirectory, mode: 0o755 }],
    // A machine reboots when we say so, one after the other: the system may fetch updates, but not reboot by itself.
    units: [{ name: "locksmithd.service", masked: true }],
    users: spec.sshPublicKeys.length > 0 ? [{ name: administrator, sshPublicKeys: spec.sshPublicKeys }] : [],
  };
}

/** Kernel settings of machines that run pods. A leading dash: where the kernel does not know it, go on without. */
function sysctls(nodePorts: ClusterSpec["nodePortRange"]): string {
  return `# Pods of other machines are reached through this one.
net.ipv4.ip_forward = 1
-net.bridge.bridge-nf-call-iptables = 1
-net.bridge.bridge-nf-call-ip6tables = 1
# Packets of pods may come in on another interface than the answer leaves: the source must be known, not the way.
net.ipv4.conf.all.rp_filter = 2
net.ipv4.conf.default.rp_filter = 2
# Connections of the machine itself stay out of the range of node ports.
net.ipv4.ip_local_reserved_ports = ${nodePorts.from}-${nodePorts.to}
# Each pod that watches files takes some.
fs.inotify.max_user_instances = 8192
fs.inotify.max_user_watches = 524288
# The kubelet refuses to run with other values of these (protectKernelDefaults).
vm.overcommit_memory = 1
vm.panic_on_oom = 0
kernel.panic = 10
kernel.panic_on_oops = 1
kernel.keys.root_maxkeys = 1000000
kernel.keys.root_maxbytes = 25000000
`;
}

/** What machines that run pods have on top. */
export function podHost(spec: Pick<ClusterSpec, "nodePortRange">): Partial<NodeConfig> {
  return {
    files: [
      file("/etc/modules-load.d/corekube.conf", "overlay\nbr_netfilter\nvxlan\n"),
      file("/etc/sysctl.d/90-corekube.conf", sysctls(spec.nodePortRange)),
      // The network daemon would take addresses away that it did not set, and a hardware address that it made is not flannel's.
      file("/etc/systemd/network/10-pods.network", "[Match]\nName=cni* flannel* veth*\n\n[Link]\nUnmanaged=yes\n"),
      file("/etc/systemd/network/10-flannel.link", "[Match]\nOriginalName=flannel*\n\n[Link]\nMACAddressPolicy=none\n"),
    ],
  };
}

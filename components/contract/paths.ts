/** Paths on a machine. */

/** Holds the link to the delivered files and, beside it, the directory that it points to. */
export const configurationDirectory = "/etc/corekube";
/** A directory for each configuration of the machine, named by its digest: the current one and the one before. */
export const configurationsDirectory = `${configurationDirectory}/configurations`;
/** A link to the current one, which a change switches atomically. Every path of the configuration leads through it. */
export const currentConfiguration = `${configurationDirectory}/current`;
/** A link, which a delivery switches atomically. */
export const secretsDirectory = `${configurationDirectory}/secrets`;
/** A link to the one before, for the way back. */
export const previousConfiguration = `${configurationDirectory}/previous`;
/** Directories of the configuration, with their modes. */
export const directoriesFile = `${configurationDirectory}/directories`;
/** User with administrator's rights on Flatcar. */
export const administrator = "core";
/** SSH keys of the administrators, one in a line; empty without any. */
export const administratorKeysFile = `${configurationDirectory}/authorized_keys`;
/** While a change is under way: from which configuration, to which (names of their directories), and whether the machine served before. */
export const changeRecord = `${configurationDirectory}/change`;
/** Which configuration was to be applied last, and what came of it. */
export const changeResult = `${configurationDirectory}/changed`;
/** What the change does now, in a few words. */
export const changePhase = "/run/corekube/change";
/** Changes the configuration, also after a reboot in the middle of a change. Comes with each change. */
export const applyPath = `${configurationDirectory}/apply`;
/** The API server's audit log; readable by its user and root. */
export const auditDirectory = "/var/log/kube-apiserver";
/** A directory for each registry that has a mirror. */
export const registriesDirectory = "/etc/containerd/certs.d";
/** Environment of everything that downloads: release files, the container runtime and the kubelet. Missing without a proxy. */
export const proxyFile = `${configurationDirectory}/proxy.env`;
/** Names that the API server resolves first: the members of etcd. */
export const hostsFile = `${configurationDirectory}/hosts`;
/** Templates of the control plane's pods. */
export const templateDirectory = `${configurationDirectory}/manifests`;
/** Static pods of the kubelet, which the activation writes. */
export const manifestDirectory = "/etc/kubernetes/manifests";
/** The machine's metadata from the cloud. */
export const metadataFile = "/run/corekube/metadata.env";
const scriptDirectory = "/opt/corekube/bin";
/** The scripts in it. */
export type ScriptName =
  "activate" | "approve" | "health" | "install" | "maintain" | "member" | "metadata" | "report" | "volume";
export const scriptPath = (name: ScriptName): string => `${scriptDirectory}/${name}`;
/** Below it, each program of the control plane finds its files in a directory with its name. */
export const runtimeDirectory = "/run/corekube";
/** Unpacked release files, a directory for each name and checksum. */
export const releasesDirectory = "/opt/corekube/releases";
/** By name of a release, a link to the one of the current configuration. */
export const installedDirectory = "/opt/corekube/installed";
/** Programs of the releases: `/usr` is read-only. */
export const programDirectory = "/opt/bin";
export const cniDirectory = "/opt/cni/bin";
export const unitDirectory = "/etc/systemd/system";
/** Nobody else writes to these, so that one link is enough for each. */
export const ownedDirectories: readonly string[] = [scriptDirectory, templateDirectory, installedDirectory];
export const etcdDirectory = "/var/lib/etcd";
/** Where the volume with etcd's write-ahead log is mounted. */
export const etcdWalDirectory = "/var/lib/etcd-wal";
/** Where it is, etcd has served on this machine: it must not start without its data. Not on a volume, whose loss it notices. */
export const etcdServedMark = `${configurationDirectory}/etcd-has-served`;
/** etcd's certificates, readable by its user; created again after a reboot. */
export const etcdCertificates = "/run/corekube/etcd";
/** Template of the kubelet's configuration, filled in by the activation. */
export const kubeletTemplate = `${configurationDirectory}/kubelet.yaml`;
export const kubeletConfig = "/etc/kubernetes/kubelet.yaml";
/** A machine image may extend the kubelet's configuration here. */
export const kubeletDropins = "/etc/kubernetes/kubelet.conf.d";
export const kubeletDirectory = "/var/lib/kubelet";
/** Of a worker's kubelet. */
export const kubeletKubeconfig = `${kubeletDirectory}/kubeconfig`;

/** Paths on a machine. */

/** Holds the link to the delivered files and, beside it, the directory that it points to. */
export const configurationDirectory = "/etc/corekube";
/** A link, which a delivery switches atomically. */
export const secretsDirectory = `${configurationDirectory}/secrets`;
/** Digest of the user-data that the machine was made with. */
export const configurationRecord = `${configurationDirectory}/configuration`;
/** The API server's audit log; readable by its user and root. */
export const auditDirectory = "/var/log/kube-apiserver";
/** Names that the API server resolves first: the members of etcd. */
export const hostsFile = `${configurationDirectory}/hosts`;
/** Templates of the control plane's pods. */
export const templateDirectory = `${configurationDirectory}/manifests`;
/** Static pods of the kubelet. */
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
/** Installed programs: `/usr` is read-only. */
export const programDirectory = "/opt/bin";
export const cniDirectory = "/opt/cni/bin";
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

/** Where things are on a machine. */

/** Holds the link to the delivered secrets and, beside it, the directory that it leads to. */
export const configurationDirectory = "/etc/corekube";
/** A link, which a delivery switches in one step. */
export const secretsDirectory = `${configurationDirectory}/secrets`;
/** The API server's record of requests; its user's and root's. */
export const auditDirectory = "/var/log/kube-apiserver";
/** Names that the API server resolves before any other: the members of etcd. */
export const hostsFile = `${configurationDirectory}/hosts`;
/** Templates of the control plane's pods. */
export const templateDirectory = `${configurationDirectory}/manifests`;
/** Where the kubelet looks for pods that no API server knows of. */
export const manifestDirectory = "/etc/kubernetes/manifests";
/** What the cloud says of the machine. */
export const metadataFile = "/run/corekube/metadata.env";
export const scriptDirectory = "/opt/corekube/bin";
/** Programs of ours: `/usr` is read-only. */
export const programDirectory = "/opt/bin";
export const cniDirectory = "/opt/cni/bin";
export const etcdDirectory = "/var/lib/etcd";
/** Where the volume with etcd's write-ahead log is mounted. */
export const etcdWalDirectory = "/var/lib/etcd-wal";
/** etcd's certificates, readable by its user; gone with a reboot, and made again. */
export const etcdCertificates = "/run/corekube/etcd";
export const kubeletConfig = "/etc/kubernetes/kubelet.yaml";
/** A machine image may add to the kubelet's configuration here. */
export const kubeletDropins = "/etc/kubernetes/kubelet.conf.d";
export const kubeletDirectory = "/var/lib/kubelet";

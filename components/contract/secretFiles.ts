/** The files that are delivered to machines: which of them are secret, and which programs get a copy. */

export type ControlPlaneProgram = "kube-apiserver" | "kube-controller-manager" | "kube-scheduler";

/** A program that runs under a user of its own and gets its files from the activation. Without one, a file stays root's. */
export type FileOwner = ControlPlaneProgram | "etcd";

export interface DeliveredFile {
  /** Its content is removed from everything that is shown. */
  readonly secret: boolean;
  readonly owners: readonly FileOwner[];
  /** Its owners read it again while they run, so that another content needs no restart. */
  readonly reloaded: boolean;
}

const isPublic = (...owners: FileOwner[]): DeliveredFile => ({ secret: false, owners, reloaded: false });
const isSecret = (...owners: FileOwner[]): DeliveredFile => ({ secret: true, owners, reloaded: false });
/**
 * Certificates and keys: etcd reads its own at each handshake (`GetCertificate`, `GetClientCertificate` in client/pkg/transport/listener.go),
 * and so do API servers as clients of etcd; they watch the files of all others (`dynamiccertificates` in k8s.io/apiserver; `ReloadTLSFiles`
 * in client-go). Authorities stay out: not all of them are read again.
 */
const reloaded = (file: DeliveredFile): DeliveredFile => ({ ...file, reloaded: true });

/** By name in the secrets directory. */
export const deliveredFiles = {
  "apiserver.crt": reloaded(isPublic("kube-apiserver")),
  "apiserver.key": reloaded(isSecret("kube-apiserver")),
  "controller-manager.crt": reloaded(isPublic("kube-controller-manager")),
  "controller-manager.key": reloaded(isSecret("kube-controller-manager")),
  "controller-manager.kubeconfig": isSecret("kube-controller-manager"),
  "ca.crt": isPublic("kube-apiserver", "kube-controller-manager"),
  "ca.key": isSecret("kube-controller-manager"),
  "etcd-ca.crt": isPublic("kube-apiserver", "etcd"),
  "server.crt": reloaded(isPublic("etcd")),
  "server.key": reloaded(isSecret("etcd")),
  "peer.crt": reloaded(isPublic("etcd")),
  "peer.key": reloaded(isSecret("etcd")),
  "etcd-client.crt": reloaded(isPublic("kube-apiserver")),
  "etcd-client.key": reloaded(isSecret("kube-apiserver")),
  "apiserver-kubelet-client.crt": reloaded(isPublic("kube-apiserver")),
  "apiserver-kubelet-client.key": reloaded(isSecret("kube-apiserver")),
  "front-proxy-ca.crt": isPublic("kube-apiserver"),
  "front-proxy-client.crt": reloaded(isPublic("kube-apiserver")),
  "front-proxy-client.key": reloaded(isSecret("kube-apiserver")),
  "service-account.key": isSecret("kube-apiserver", "kube-controller-manager"),
  "service-account.pub": isPublic("kube-apiserver"),
  "admission.yaml": isPublic("kube-apiserver"),
  "audit.yaml": isPublic("kube-apiserver"),
  "authentication.yaml": isPublic("kube-apiserver"),
  "encryption.yaml": isSecret("kube-apiserver"),
  "scheduler.crt": reloaded(isPublic("kube-scheduler")),
  "scheduler.key": reloaded(isSecret("kube-scheduler")),
  "scheduler.kubeconfig": isSecret("kube-scheduler"),
  "kubelet.kubeconfig": isSecret(),
  "csr-approver.kubeconfig": isSecret(),
  "bootstrap.kubeconfig": isSecret(),
  approve: isPublic(),
  "cluster.env": isPublic(),
  /** Settings of an etcd member that may change while it runs. */
  "etcd.env": isPublic(),
} as const satisfies Readonly<Record<string, DeliveredFile>>;

export type DeliveredFileName = keyof typeof deliveredFiles;

/** Sent last and empty: where it is, every other file is. The path unit waits for it. */
export const completeFile = "complete";

/** Files of a program, in the order of the table. */
export function filesOf(owner: FileOwner): readonly DeliveredFileName[] {
  return (Object.keys(deliveredFiles) as DeliveredFileName[]).filter((name) => {
    const { owners }: DeliveredFile = deliveredFiles[name];
    return owners.includes(owner);
  });
}

/** Those that the program reads only when it starts. */
export function startFilesOf(owner: FileOwner): readonly DeliveredFileName[] {
  return filesOf(owner).filter((name) => !deliveredFiles[name].reloaded);
}

/** A file that is not in the table counts as secret. */
export function isSecretFile(name: string): boolean {
  const known: Readonly<Record<string, DeliveredFile>> = deliveredFiles;
  return known[name]?.secret ?? true;
}

/** The files that are delivered to machines: which of them are secret, and which programs get a copy. */

export type ControlPlaneProgram = "kube-apiserver" | "kube-controller-manager" | "kube-scheduler";

/** A program that runs under a user of its own and gets its files from the activation. Without one, a file stays root's. */
export type FileOwner = ControlPlaneProgram | "etcd";

export interface DeliveredFile {
  /** Its content is removed from everything that is shown. */
  readonly secret: boolean;
  readonly owners: readonly FileOwner[];
}

const isPublic = (...owners: FileOwner[]): DeliveredFile => ({ secret: false, owners });
const isSecret = (...owners: FileOwner[]): DeliveredFile => ({ secret: true, owners });

/** By name in the secrets directory. */
export const deliveredFiles = {
  "apiserver.crt": isPublic("kube-apiserver"),
  "apiserver.key": isSecret("kube-apiserver"),
  "controller-manager.crt": isPublic("kube-controller-manager"),
  "controller-manager.key": isSecret("kube-controller-manager"),
  "controller-manager.kubeconfig": isSecret("kube-controller-manager"),
  "ca.crt": isPublic("kube-apiserver", "kube-controller-manager"),
  "ca.key": isSecret("kube-controller-manager"),
  "etcd-ca.crt": isPublic("kube-apiserver", "etcd"),
  "server.crt": isPublic("etcd"),
  "server.key": isSecret("etcd"),
  "peer.crt": isPublic("etcd"),
  "peer.key": isSecret("etcd"),
  "etcd-client.crt": isPublic("kube-apiserver"),
  "etcd-client.key": isSecret("kube-apiserver"),
  "apiserver-kubelet-client.crt": isPublic("kube-apiserver"),
  "apiserver-kubelet-client.key": isSecret("kube-apiserver"),
  "front-proxy-ca.crt": isPublic("kube-apiserver"),
  "front-proxy-client.crt": isPublic("kube-apiserver"),
  "front-proxy-client.key": isSecret("kube-apiserver"),
  "service-account.key": isSecret("kube-apiserver", "kube-controller-manager"),
  "service-account.pub": isPublic("kube-apiserver"),
  "admission.yaml": isPublic("kube-apiserver"),
  "audit.yaml": isPublic("kube-apiserver"),
  "authentication.yaml": isPublic("kube-apiserver"),
  "encryption.yaml": isSecret("kube-apiserver"),
  "scheduler.crt": isPublic("kube-scheduler"),
  "scheduler.key": isSecret("kube-scheduler"),
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

/** A file that is not in the table counts as secret. */
export function isSecretFile(name: string): boolean {
  const known: Readonly<Record<string, DeliveredFile>> = deliveredFiles;
  return known[name]?.secret ?? true;
}

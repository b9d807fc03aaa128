/**
 * The users under which the control plane's pods run, and the delivered files that each of them gets.
 *
 * None of them is root, and none can read what is another's: who breaks into the scheduler has the scheduler's kubeconfig,
 * not the authority's key. The activation copies the files; they are gone with a reboot, and made again.
 */
import type { ControlPlanePod } from "../manifests/pod.js";

export interface ControlPlaneUser {
  /** User and group on the machine; nobody's else. */
  readonly id: number;
  /** Names in the secrets directory. */
  readonly files: readonly string[];
}

/** Numbers at the end of what is given to people, where nobody gets one by chance, and before systemd's own. */
export const controlPlaneUsers: Readonly<Record<ControlPlanePod["name"], ControlPlaneUser>> = {
  "kube-apiserver": {
    id: 59_001,
    files: [
      ...["apiserver.crt", "apiserver.key", "ca.crt"],
      ...["etcd-ca.crt", "etcd-client.crt", "etcd-client.key"],
      ...["apiserver-kubelet-client.crt", "apiserver-kubelet-client.key"],
      ...["front-proxy-ca.crt", "front-proxy-client.crt", "front-proxy-client.key"],
      ...["service-account.key", "service-account.pub"],
      ...["admission.yaml", "audit.yaml", "authentication.yaml", "encryption.yaml"],
    ],
  },
  "kube-controller-manager": {
    id: 59_002,
    files: ["controller-manager.kubeconfig", "ca.crt", "ca.key", "service-account.key"],
  },
  "kube-scheduler": { id: 59_003, files: ["scheduler.kubeconfig"] },
};

/** Below it, each program finds its files in a directory with its name. */
export const runtimeDirectory = "/run/corekube";

/** Where a program finds its files. */
export function credentialDirectory(program: ControlPlanePod["name"]): string {
  return `${runtimeDirectory}/${program}`;
}

/**
 * The users under which the control plane's pods run. None of them is root, and none can read another's files: an attacker in the
 * scheduler has the scheduler's kubeconfig, not the authority's key. The activation copies the files after every boot.
 */
import { runtimeDirectory } from "../../contract/paths.js";
import type { ControlPlaneProgram } from "../../contract/secretFiles.js";

/** Id of user and group: at the end of the range of ordinary users, where none is assigned automatically, and below systemd's ranges. */
export const controlPlaneUsers: Readonly<Record<ControlPlaneProgram, number>> = {
  "kube-apiserver": 59_001,
  "kube-controller-manager": 59_002,
  "kube-scheduler": 59_003,
};
export const controlPlanePrograms = Object.keys(controlPlaneUsers) as ControlPlaneProgram[];

/** Where a program finds its files. */
export function credentialDirectory(program: ControlPlaneProgram): string {
  return `${runtimeDirectory}/${program}`;
}

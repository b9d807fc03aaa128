/** 1.1: files of the control plane, of etcd and of the network. */
import { at, mode, owner, type Control } from "../control.js";
import type { FileFact, MachineFacts } from "../facts.js";

const manifest = (program: string) => at(`/etc/kubernetes/manifests/${program}.yaml`);
const under =
  (folder: string, pattern = /./) =>
  (file: FileFact): boolean =>
    file.kind === "file" && file.path.startsWith(`${folder}/`) && pattern.test(file.path);
const etcdUnit = at("/etc/systemd/system/etcd.service");
const etcdData = (file: FileFact): boolean => file.path === "/var/lib/etcd";
/** Usual places of an administrator's kubeconfig; there must be none. */
const administrators = at(
  "/etc/kubernetes/admin.conf",
  "/etc/kubernetes/super-admin.conf",
  "/root/.kube/config",
  "/home/core/.kube/config",
);
const kubeconfig = (user: string, program: string) => at(`/run/corekube/${program}/${user}.kubeconfig`);
/** Delivered files, and each program's copies. */
const pki =
  (pattern: RegExp) =>
  (file: FileFact, machine: MachineFacts): boolean =>
    machine.role === "controller" &&
    file.kind !== "other" &&
    /^\/(etc\/corekube\/secrets|run\/corekube\/kube-)/.test(file.path) &&
    pattern.test(file.path);

export const fileControls: readonly Control[] = [
  mode("1.1.1", "API server's pod", manifest("kube-apiserver"), 0o600),
  owner("1.1.2", "API server's pod", manifest("kube-apiserver"), "root:root"),
  mode("1.1.3", "controller manager's pod", manifest("kube-controller-manager"), 0o600),
  owner("1.1.4", "controller manager's pod", manifest("kube-controller-manager"), "root:root"),
  mode("1.1.5", "scheduler's pod", manifest("kube-scheduler"), 0o600),
  owner("1.1.6", "scheduler's pod", manifest("kube-scheduler"), "root:root"),
  // etcd runs as a systemd unit, not as a pod.
  mode("1.1.7", "etcd's unit", etcdUnit, 0o600),
  owner("1.1.8", "etcd's unit", etcdUnit, "root:root"),
  mode("1.1.9", "network's configuration", under("/etc/cni/net.d"), 0o600),
  owner("1.1.10", "network's configuration", under("/etc/cni/net.d"), "root:root"),
  mode("1.1.11", "etcd's data", etcdData, 0o700),
  owner("1.1.12", "etcd's data", etcdData, "etcd:etcd"),
  mode("1.1.13", "administrator's kubeconfig (must not exist)", administrators, 0o600, false),
  owner("1.1.14", "administrator's kubeconfig (must not exist)", administrators, "root:root", false),
  mode("1.1.15", "scheduler's kubeconfig", kubeconfig("scheduler", "kube-scheduler"), 0o600),
  owner("1.1.16", "scheduler's kubeconfig", kubeconfig("scheduler", "kube-scheduler"), "root:root"),
  mode("1.1.17", "controller manager's kubeconfig", kubeconfig("controller-manager", "kube-controller-manager"), 0o600),
  owner(
    "1.1.18",
    "controller manager's kubeconfig",
    kubeconfig("controller-manager", "kube-controller-manager"),
    "root:root",
  ),
  owner("1.1.19", "keys and certificates, and their directories", pki(/./), "root:root"),
  mode("1.1.20", "certificates", pki(/\.(crt|pub)$/), 0o644),
  mode("1.1.21", "keys", pki(/\.(key|kubeconfig)$|encryption\.yaml$/), 0o600),
];

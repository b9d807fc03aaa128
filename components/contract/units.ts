/** Names of the systemd units that the machines have and the provider watches. */
export const units = {
  metadata: "corekube-metadata.service",
  install: "corekube-install.service",
  volume: "corekube-volume.service",
  secrets: "corekube-secrets.path",
  /** Applies delivered files. Restarted after each delivery but the first, which the path unit notices. */
  activate: "corekube-activate.service",
  /** Changes the configuration; there once a change has been delivered. */
  change: "corekube-change.service",
  approve: "corekube-approve.service",
  maintain: "corekube-maintain.service",
  maintainTimer: "corekube-maintain.timer",
  containerd: "containerd.service",
  etcd: "etcd.service",
  kubelet: "kubelet.service",
} as const;

/** Units without which a machine cannot serve, in the order of a boot; a role has only some of them. */
export const servingUnits: readonly string[] = [
  units.metadata,
  units.install,
  units.volume,
  units.secrets,
  units.activate,
  units.containerd,
  units.etcd,
  units.kubelet,
];

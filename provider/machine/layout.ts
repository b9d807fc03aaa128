/** Where things are on a machine; the user-data made by `components/nodeconfig` puts them there. */

/** Holds the link `secrets` and, beside it, the directory that it leads to. */
export const CONFIGURATION_DIRECTORY = "/etc/corekube";
export const SCRIPT_DIRECTORY = "/opt/corekube/bin";

/** Applies delivered secrets; restarted after each delivery but the first, which a path unit notices by itself. */
export const ACTIVATE_UNIT = "corekube-activate.service";

/** Every unit whose failure means that the machine will not serve; a role has only some of them. */
export const UNITS = [
  "corekube-metadata.service",
  "corekube-install.service",
  "corekube-volume.service",
  "corekube-secrets.path",
  ACTIVATE_UNIT,
  "containerd.service",
  "etcd.service",
  "kubelet.service",
] as const;

/** Must have ended well before a worker can use a join token, which is valid for minutes only. */
export const INSTALL_UNIT = "corekube-install.service";

/** Controls that this project does not meet literally, with the reason. A control that passes must not be listed. */

const noRoot =
  "the program does not run as root, so what it reads belongs to its own user (mode 0400 in a directory of mode 0500 that does not survive a reboot); the delivered files belong to root";

const metrics =
  "it listens on the machine's private address, so that metrics can be read from inside the cluster: the firewall lets in nodes only, and the program asks the API server who may (docs/decisions/0017-metrics.md)";

const kubeProxyMetrics =
  "API servers read it for clients that may use pods/proxy: the firewall lets in controllers only (docs/decisions/0017-metrics.md)";

export const exceptions: Readonly<Record<string, string>> = {
  "1.1.16": noRoot,
  "1.1.18": noRoot,
  "1.1.19": noRoot,
  "1.2.1":
    "load balancers and probes have no certificate: anonymous requests may read /livez, /readyz and /healthz and nothing else (AuthenticationConfiguration); `make check` expects 401 for everything else",
  "1.2.11":
    "pods would not start while the registry is unreachable, although the node has the image; the kubelet itself checks the right to use a private image that is already present (KubeletEnsureSecretPulledImages)",
  "1.3.7": metrics,
  "1.4.2": metrics,
  "3.1.1":
    "the first administrator needs one: there is no other access before the cluster exists; it expires after 365 days, and users get their own (docs/decisions/0004-pki.md)",
  "4.3.1": kubeProxyMetrics,
  "4.2.7":
    "the name is the machine's name in the cloud's metadata and in its certificate; the flag keeps it when something renames the host",
};

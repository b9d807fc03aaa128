/** Controls that this project does not follow to the letter, each with its reason. One that passes must not be here. */

const noRoot =
  "the program does not run as root, so what it reads belongs to its own user (mode 0400 in a directory of mode 0500 that is gone with a reboot); what was delivered is root's";

export const exceptions: Readonly<Record<string, string>> = {
  "1.1.16": noRoot,
  "1.1.18": noRoot,
  "1.1.19": noRoot,
  "1.2.1":
    "load balancers and probes have no certificate: strangers may ask /livez, /readyz and /healthz and nothing else (AuthenticationConfiguration); `make check` asks as a stranger and wants 401",
  "1.2.11":
    "pods would not start while the registry is away, although the node has the image; who may use a private image that is there already is checked by the kubelet itself (KubeletEnsureSecretPulledImages)",
  "3.1.1":
    "the first administrator needs one: no other way in exists before the cluster does; it ends after 365 days, and people get users of their own (docs/decisions/0004-pki.md)",
  "4.2.7":
    "the name is the machine's own as the cloud's metadata gives it, and the one in its certificate; the flag keeps it so when something on the machine renames the host",
};

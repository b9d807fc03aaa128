/** 2: etcd. */
import { X509Certificate } from "node:crypto";
import { flag, ofProgram, set, type Control } from "../control.js";

function fingerprint(text: string | undefined): string | undefined {
  return text ? new X509Certificate(text).fingerprint256 : undefined;
}

export const etcdControls: readonly Control[] = [
  set("2.1", "etcd", "cert-file", "key-file"),
  flag("2.2", "etcd", "client-cert-auth", ["true"]),
  flag("2.3", "etcd", "auto-tls", [undefined, "false"]),
  set("2.4", "etcd", "peer-cert-file", "peer-key-file"),
  flag("2.5", "etcd", "peer-client-cert-auth", ["true"]),
  flag("2.6", "etcd", "peer-auto-tls", [undefined, "false"]),
  {
    ...ofProgram("2.7", "etcd", "etcd: its own certificate authority", () => undefined),
    check: ({ machines }) => {
      const [controller] = machines.filter(({ role }) => role === "controller");
      const kubernetes = fingerprint(controller?.texts.get("/etc/corekube/secrets/ca.crt"));
      const members = machines.filter(({ role }) => role === "etcd");
      if (members.length === 0) return ["no machine runs etcd"];
      return members.flatMap((member) => {
        const own = fingerprint(member.texts.get(member.processes.get("etcd")?.flags.get("trusted-ca-file") ?? ""));
        return own !== undefined && kubernetes !== undefined && own !== kubernetes
          ? []
          : [`${member.name}: ${own ? "the authority is Kubernetes'" : "no authority found"}`];
      });
    },
  },
];

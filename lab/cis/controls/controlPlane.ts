/** 1.2 API server, 1.3 controller manager, 1.4 scheduler. */
import { parse } from "yaml";
import { atLeast, flag, listed, ofProgram, set, type Control } from "../control.js";
import type { MachineFacts } from "../facts.js";

const api = "kube-apiserver";
const manager = "kube-controller-manager";

/** Suites with forward secrecy and authenticated encryption. */
const strong = /^TLS_(ECDHE_(ECDSA|RSA)_WITH_)?(AES_(128|256)_GCM_SHA(256|384)|CHACHA20_POLY1305(_SHA256)?)$/;

export function weakSuites(list: string): string[] {
  return list.split(",").filter((suite) => !strong.test(suite));
}

function encryptionProviders(machine: MachineFacts, path: string | undefined): string[] {
  const configuration = parse(machine.texts.get(path ?? "") ?? "null") as {
    resources?: { resources: string[]; providers: Record<string, unknown>[] }[];
  } | null;
  return (configuration?.resources ?? [])
    .filter(({ resources }) => resources.includes("secrets"))
    .flatMap(({ providers }) => providers.flatMap((provider) => Object.keys(provider)));
}

/** A default plugin is not disabled. */
const notDisabled = (id: string, plugin: string): Control =>
  listed(id, api, "disable-admission-plugins", plugin, false);

export const apiServerControls: readonly Control[] = [
  flag("1.2.1", api, "anonymous-auth", ["false"]),
  flag("1.2.2", api, "token-auth-file", [undefined]),
  listed("1.2.3", api, "enable-admission-plugins", "DenyServiceExternalIPs"),
  set("1.2.4", api, "kubelet-client-certificate", "kubelet-client-key"),
  set("1.2.5", api, "kubelet-certificate-authority"),
  ofProgram("1.2.6", api, "kube-apiserver: --authorization-mode does not contain AlwaysAllow", ({ flags }) => {
    const modes = flags.get("authorization-mode");
    return modes !== undefined && !modes.split(",").includes("AlwaysAllow")
      ? undefined
      : `--authorization-mode: got ${modes ?? "nothing, which is AlwaysAllow"}`;
  }),
  listed("1.2.7", api, "authorization-mode", "Node"),
  listed("1.2.8", api, "authorization-mode", "RBAC"),
  listed("1.2.9", api, "enable-admission-plugins", "EventRateLimit"),
  listed("1.2.10", api, "enable-admission-plugins", "AlwaysAdmit", false),
  listed("1.2.11", api, "enable-admission-plugins", "AlwaysPullImages"),
  notDisabled("1.2.12", "ServiceAccount"),
  notDisabled("1.2.13", "NamespaceLifecycle"),
  listed("1.2.14", api, "enable-admission-plugins", "NodeRestriction"),
  flag("1.2.15", api, "profiling", ["false"]),
  set("1.2.16", api, "audit-log-path"),
  atLeast("1.2.17", api, "audit-log-maxage", 30),
  atLeast("1.2.18", api, "audit-log-maxbackup", 10),
  atLeast("1.2.19", api, "audit-log-maxsize", 100),
  flag(
    "1.2.20",
    api,
    "request-timeout",
    [undefined, "60s", "1m0s"],
    "kube-apiserver: requests time out after the default of one minute",
  ),
  flag("1.2.21", api, "service-account-lookup", [undefined, "true"]),
  set("1.2.22", api, "service-account-key-file"),
  set("1.2.23", api, "etcd-certfile", "etcd-keyfile"),
  set("1.2.24", api, "tls-cert-file", "tls-private-key-file"),
  set("1.2.25", api, "client-ca-file"),
  set("1.2.26", api, "etcd-cafile"),
  set("1.2.27", api, "encryption-provider-config"),
  ofProgram(
    "1.2.28",
    api,
    "kube-apiserver: Secrets are encrypted with aescbc, kms or secretbox, never stored in plain text",
    ({ flags }, machine) => {
      const providers = encryptionProviders(machine, flags.get("encryption-provider-config"));
      const right =
        providers.length > 0 && providers.every((provider) => ["aescbc", "kms", "secretbox"].includes(provider));
      return right ? undefined : `providers of secrets: ${providers.join(", ") || "none"}`;
    },
  ),
  ofProgram("1.2.29", api, "kube-apiserver: strong ciphers only", ({ flags }) => {
    const weak = weakSuites(flags.get("tls-cipher-suites") ?? "");
    return weak.length === 0 ? undefined : `weak suites, or none set: ${weak.join(", ")}`;
  }),
  flag("1.2.30", api, "service-account-extend-token-expiration", ["false"]),
];

export const managerControls: readonly Control[] = [
  atLeast("1.3.1", manager, "terminated-pod-gc-threshold", 1),
  flag("1.3.2", manager, "profiling", ["false"]),
  flag("1.3.3", manager, "use-service-account-credentials", ["true"]),
  set("1.3.4", manager, "service-account-private-key-file"),
  set("1.3.5", manager, "root-ca-file"),
  ofProgram("1.3.6", manager, "kube-controller-manager: RotateKubeletServerCertificate is not disabled", ({ flags }) =>
    /RotateKubeletServerCertificate=false/i.test(flags.get("feature-gates") ?? "") ? "it is disabled" : undefined,
  ),
  flag("1.3.7", manager, "bind-address", ["127.0.0.1"]),
  flag("1.4.1", "kube-scheduler", "profiling", ["false"]),
  flag("1.4.2", "kube-scheduler", "bind-address", ["127.0.0.1"]),
];

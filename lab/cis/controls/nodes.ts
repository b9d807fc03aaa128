/** 4: kubelets and kube-proxy. */
import { parseAllDocuments } from "yaml";
import { at, flag, kubelet, mode, owner, type Control } from "../control.js";
import { weakSuites } from "./controlPlane.js";

const unit = at("/etc/systemd/system/kubelet.service");
const proxyKubeconfig = at(
  "/etc/kubernetes/proxy.conf",
  "/var/lib/kube-proxy/kubeconfig.conf",
  "/var/lib/kube-proxy/kubeconfig",
);
const kubeconfig = at("/var/lib/kubelet/kubeconfig", "/etc/corekube/secrets/kubelet.kubeconfig");
const configuration = at("/etc/kubernetes/kubelet.yaml");

/** The delivered authority; the directory's own name changes with each delivery. */
const authority: typeof unit = (file, machine) =>
  machine.role !== "etcd" && /^\/etc\/corekube\/secrets\.\w+\/ca\.crt$/.test(file.path);
const controllersKubeconfig: typeof unit = (file, machine) =>
  kubeconfig(file, machine) || /^\/etc\/corekube\/secrets\.\w+\/kubelet\.kubeconfig$/.test(file.path);

interface Authentication {
  readonly anonymous?: { readonly enabled?: boolean };
  readonly x509?: { readonly clientCAFile?: string };
}

const authentication = (of: Readonly<Record<string, unknown>>): Authentication => of["authentication"] ?? {};

function metricsAddresses(text: string): string[] {
  return parseAllDocuments(text).flatMap((document) => {
    const value = document.toJS() as { kind?: string; metricsBindAddress?: string } | null;
    return value?.kind === "KubeProxyConfiguration" ? [value.metricsBindAddress || "127.0.0.1:10249"] : [];
  });
}

export const nodeControls: readonly Control[] = [
  mode("4.1.1", "kubelet's unit", unit, 0o600),
  owner("4.1.2", "kubelet's unit", unit, "root:root"),
  mode(
    "4.1.3",
    "kube-proxy's kubeconfig (must not exist; it runs as a pod with a token)",
    proxyKubeconfig,
    0o600,
    false,
  ),
  owner(
    "4.1.4",
    "kube-proxy's kubeconfig (must not exist; it runs as a pod with a token)",
    proxyKubeconfig,
    "root:root",
    false,
  ),
  mode("4.1.5", "kubelet's kubeconfig", controllersKubeconfig, 0o600),
  owner("4.1.6", "kubelet's kubeconfig", controllersKubeconfig, "root:root"),
  mode("4.1.7", "authority of the kubelet's clients", authority, 0o644),
  owner("4.1.8", "authority of the kubelet's clients", authority, "root:root"),
  mode("4.1.9", "kubelet's configuration", configuration, 0o600),
  owner("4.1.10", "kubelet's configuration", configuration, "root:root"),
  kubelet(
    "4.2.1",
    "anonymous requests are refused",
    (of) => authentication(of).anonymous?.enabled === false,
    "authentication",
  ),
  kubelet(
    "4.2.2",
    "authorization is not AlwaysAllow",
    (of) => (of["authorization"] as { mode?: string } | undefined)?.mode === "Webhook",
    "authorization",
  ),
  kubelet(
    "4.2.3",
    "clients have certificates of the cluster's authority",
    (of) => Boolean(authentication(of).x509?.clientCAFile),
    "authentication",
  ),
  kubelet("4.2.4", "no port without authentication", (of) => !of["readOnlyPort"], "readOnlyPort"),
  kubelet(
    "4.2.5",
    "idle streams end",
    (of) => !["0", "0s"].includes(String(of["streamingConnectionIdleTimeout"])),
    "streamingConnectionIdleTimeout",
  ),
  kubelet(
    "4.2.6",
    "creates its iptables chains",
    (of) => of["makeIPTablesUtilChains"] === true,
    "makeIPTablesUtilChains",
  ),
  flag("4.2.7", "kubelet", "hostname-override", [undefined]),
  kubelet("4.2.8", "events are recorded", (of) => Number(of["eventRecordQPS"]) >= 0, "eventRecordQPS"),
  kubelet(
    "4.2.9",
    "its serving certificate is signed by the cluster's authority",
    (of) => of["serverTLSBootstrap"] === true || Boolean(of["tlsCertFile"] && of["tlsPrivateKeyFile"]),
    "serverTLSBootstrap",
  ),
  kubelet(
    "4.2.10",
    "its client certificate is renewed",
    (of) => of["rotateCertificates"] === true,
    "rotateCertificates",
  ),
  kubelet(
    "4.2.11",
    "its serving certificate is renewed",
    (of) =>
      (of["featureGates"] as Record<string, boolean> | undefined)?.["RotateKubeletServerCertificate"] !== false &&
      of["serverTLSBootstrap"] === true,
    "serverTLSBootstrap",
  ),
  kubelet(
    "4.2.12",
    "strong ciphers only",
    (of) => Array.isArray(of["tlsCipherSuites"]) && weakSuites(of["tlsCipherSuites"].join(",")).length === 0,
    "tlsCipherSuites",
  ),
  kubelet("4.2.13", "pods have a limit of processes", (of) => Number(of["podPidsLimit"]) > 0, "podPidsLimit"),
  kubelet("4.2.14", "pods have a seccomp profile by default", (of) => of["seccompDefault"] === true, "seccompDefault"),
  {
    id: "4.3.1",
    title: "kube-proxy: metrics on localhost only",
    check: ({ kubeProxy }) => {
      const addresses = metricsAddresses(kubeProxy);
      return addresses.length > 0 && addresses.every((address) => address.startsWith("127.0.0.1:"))
        ? []
        : [`metricsBindAddress: ${addresses.join(", ") || "no configuration found"}`];
    },
  },
];

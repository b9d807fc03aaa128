/** The API server of a controller. */
import { apiPort } from "../../cloud/firewall.js";
import type { ClusterSpec } from "../../spec/cluster.js";
import { auditDirectory, hostsFile } from "../../contract/paths.js";
import { admissionFlags } from "../security/admission.js";
import { auditFlags } from "../security/audit.js";
import { authenticationFlag } from "../security/authentication.js";
import { credentialDirectory } from "../base/users.js";
import { cipherSuites, tlsMinimum } from "../base/tls.js";
import { file, type NodeFile } from "../base/types.js";
import type { ControlPlanePod } from "./pod.js";

type Spec = Pick<
  ClusterSpec,
  "clusterDomain" | "serviceCidr" | "nodePortRange" | "highAvailability" | "apiLoadBalancers" | "components"
>;

/**
 * Seconds in which it still answers while its `/readyz` says no: load balancers look every 5 s and must see it twice, and their clients
 * need a moment more. Without one, nobody would send the clients elsewhere.
 */
const drainSeconds = 20;
/** Seconds for its last requests: it gives them 60 s by default, which a stop of the machine would not. */
const requestSeconds = 15;

const address = "${PRIVATE_IPV4}";

/** Without members until the first delivery, which writes to this file in place: a bind mount does not follow a renamed file. */
export function hosts(): NodeFile {
  return { ...file(hostsFile, "127.0.0.1 localhost\n"), once: true };
}

/** https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/ */
function flags(spec: Spec): readonly string[] {
  const secret = (name: string): string => `${credentialDirectory("kube-apiserver")}/${name}`;
  return [
    `--advertise-address=${address}`,
    `--secure-port=${apiPort}`,
    `--tls-cert-file=${secret("apiserver.crt")}`,
    `--tls-private-key-file=${secret("apiserver.key")}`,
    `--tls-min-version=${tlsMinimum}`,
    `--tls-cipher-suites=${cipherSuites.join(",")}`,
    `--client-ca-file=${secret("ca.crt")}`,
    authenticationFlag,
    "--enable-bootstrap-token-auth=true",
    "--authorization-mode=Node,RBAC",
    ...admissionFlags,
    ...auditFlags,
    `--encryption-provider-config=${secret("encryption.yaml")}`,
    // Network pods need it; Pod Security admission decides who may create such pods.
    "--allow-privileged=true",
    "--profiling=false",
    "--etcd-servers=${ETCD_SERVERS}",
    `--etcd-cafile=${secret("etcd-ca.crt")}`,
    `--etcd-certfile=${secret("etcd-client.crt")}`,
    `--etcd-keyfile=${secret("etcd-client.key")}`,
    `--kubelet-client-certificate=${secret("apiserver-kubelet-client.crt")}`,
    `--kubelet-client-key=${secret("apiserver-kubelet-client.key")}`,
    `--kubelet-certificate-authority=${secret("ca.crt")}`,
    "--kubelet-preferred-address-types=InternalIP,Hostname,ExternalIP",
    `--proxy-client-cert-file=${secret("front-proxy-client.crt")}`,
    `--proxy-client-key-file=${secret("front-proxy-client.key")}`,
    `--requestheader-client-ca-file=${secret("front-proxy-ca.crt")}`,
    "--requestheader-allowed-names=front-proxy-client",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-username-headers=X-Remote-User",
    `--service-account-issuer=https://kubernetes.default.svc.${spec.clusterDomain}`,
    `--service-account-key-file=${secret("service-account.pub")}`,
    `--service-account-signing-key-file=${secret("service-account.key")}`,
    // Tokens of pods expire after an hour; clients must read the file again.
    "--service-account-extend-token-expiration=false",
    `--service-cluster-ip-range=${spec.serviceCidr}`,
    `--service-node-port-range=${spec.nodePortRange.from}-${spec.nodePortRange.to}`,
    ...(spec.apiLoadBalancers ? [`--shutdown-delay-duration=${drainSeconds}s`] : []),
    // Otherwise long connections stay with the servers that started first.
    ...(spec.highAvailability ? ["--goaway-chance=0.001"] : []),
  ];
}

export function apiServer(spec: Spec): ControlPlanePod {
  return {
    name: "kube-apiserver",
    flags: flags(spec),
    // Names of etcd members. The kubelet's own copy of /etc/hosts is made only when the pod starts.
    reads: [{ name: "hosts", path: hostsFile, at: "/etc/hosts" }],
    writes: [{ name: "audit", path: auditDirectory }],
    // The binary in the official image has this file capability; without it, the kernel refuses to start it.
    capabilities: ["NET_BIND_SERVICE"],
    resources: spec.components["kube-apiserver"],
    graceSeconds: (spec.apiLoadBalancers ? drainSeconds : 0) + requestSeconds,
    liveness: { host: address, port: apiPort, path: "/livez" },
    readiness: { host: address, port: apiPort, path: "/readyz" },
  };
}

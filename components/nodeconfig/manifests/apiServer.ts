/** The API server of a controller. */
import { stringify } from "yaml";
import { apiPort } from "../../cloud/firewall.js";
import type { ClusterSpec } from "../../spec/cluster.js";
import { configurationDirectory, hostsFile, secretsDirectory } from "../layout.js";
import { cipherSuites, tlsMinimum } from "../tls.js";
import { file, type NodeFile } from "../types.js";
import type { ControlPlanePod } from "./pod.js";

type Spec = Pick<ClusterSpec, "clusterDomain" | "serviceCidr" | "nodePortRange" | "highAvailability">;

const authenticationFile = `${configurationDirectory}/authentication.yaml`;
const address = "${PRIVATE_IPV4}";

/** Who has no certificate may ask whether the server is well, and nothing else: the rest answers 401. */
export function authentication(): NodeFile {
  const configuration = {
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "AuthenticationConfiguration",
    anonymous: { enabled: true, conditions: [{ path: "/livez" }, { path: "/readyz" }, { path: "/healthz" }] },
  };
  return file(authenticationFile, stringify(configuration));
}

/** Empty of members until the first delivery, which writes into this very file: the API server's mount does not follow another one. */
export function hosts(): NodeFile {
  return file(hostsFile, "127.0.0.1 localhost\n");
}

/** https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/ */
function flags(spec: Spec): readonly string[] {
  const secret = (name: string): string => `${secretsDirectory}/${name}`;
  return [
    `--advertise-address=${address}`,
    `--secure-port=${apiPort}`,
    `--tls-cert-file=${secret("apiserver.crt")}`,
    `--tls-private-key-file=${secret("apiserver.key")}`,
    `--tls-min-version=${tlsMinimum}`,
    `--tls-cipher-suites=${cipherSuites.join(",")}`,
    `--client-ca-file=${secret("ca.crt")}`,
    `--authentication-config=${authenticationFile}`,
    "--enable-bootstrap-token-auth=true",
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    // The network's pods need it; who may make such pods is the cluster's own policy.
    "--allow-privileged=true",
    "--profiling=false",
    "--etcd-servers=${ETCD_SERVERS}",
    `--etcd-cafile=${secret("etcd-ca.crt")}`,
    `--etcd-certfile=${secret("etcd-client.crt")}`,
    `--etcd-keyfile=${secret("etcd-client.key")}`,
    `--kubelet-client-certificate=${secret("apiserver-kubelet-client.crt")}`,
    `--kubelet-client-key=${secret("apiserver-kubelet-client.key")}`,
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
    `--service-cluster-ip-range=${spec.serviceCidr}`,
    `--service-node-port-range=${spec.nodePortRange.from}-${spec.nodePortRange.to}`,
    // Long connections would stay with the servers that were there first.
    ...(spec.highAvailability ? ["--goaway-chance=0.001"] : []),
  ];
}

export function apiServer(spec: Spec): ControlPlanePod {
  return {
    name: "kube-apiserver",
    flags: flags(spec),
    // The directory above the link to the secrets, so that the server sees new files behind it.
    reads: [
      { name: "corekube", path: configurationDirectory, type: "Directory" },
      // Addresses of etcd's members by name. The kubelet would copy the machine's own at the start of the pod, and never again.
      { name: "hosts", path: hostsFile, at: "/etc/hosts", type: "File" },
    ],
    requests: { cpu: "250m", memory: "512Mi" },
    liveness: { host: address, port: apiPort, path: "/livez" },
    readiness: { host: address, port: apiPort, path: "/readyz" },
  };
}

/** The scheduler of a controller. */
import type { ClusterSpec } from "../../spec/cluster.js";
import { credentialDirectory } from "../base/users.js";
import { cipherSuites, tlsMinimum } from "../base/tls.js";
import type { ControlPlanePod } from "./pod.js";

const address = "${PRIVATE_IPV4}";

/** https://kubernetes.io/docs/reference/command-line-tools-reference/kube-scheduler/ */
export function scheduler(spec: Pick<ClusterSpec, "components">): ControlPlanePod {
  const secret = (name: string): string => `${credentialDirectory("kube-scheduler")}/${name}`;
  const kubeconfig = secret("scheduler.kubeconfig");
  return {
    name: "kube-scheduler",
    flags: [
      // Metrics are read from other nodes, by who may: see docs/decisions/0017.
      `--bind-address=${address}`,
      `--tls-cert-file=${secret("scheduler.crt")}`,
      `--tls-private-key-file=${secret("scheduler.key")}`,
      `--tls-min-version=${tlsMinimum}`,
      `--tls-cipher-suites=${cipherSuites.join(",")}`,
      "--profiling=false",
      "--leader-elect=true",
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
    ],
    resources: spec.components["kube-scheduler"],
    limited: true,
    liveness: { host: address, port: 10259, path: "/livez" },
    readiness: { host: address, port: 10259, path: "/readyz" },
  };
}

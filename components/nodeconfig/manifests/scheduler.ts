/** The scheduler of a controller. */
import type { ClusterSpec } from "../../spec/cluster.js";
import { credentialDirectory } from "../base/users.js";
import { cipherSuites, tlsMinimum } from "../base/tls.js";
import type { ControlPlanePod } from "./pod.js";

/** https://kubernetes.io/docs/reference/command-line-tools-reference/kube-scheduler/ */
export function scheduler(spec: Pick<ClusterSpec, "components">): ControlPlanePod {
  const kubeconfig = `${credentialDirectory("kube-scheduler")}/scheduler.kubeconfig`;
  return {
    name: "kube-scheduler",
    flags: [
      "--bind-address=127.0.0.1",
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
    liveness: { host: "127.0.0.1", port: 10259, path: "/livez" },
    readiness: { host: "127.0.0.1", port: 10259, path: "/readyz" },
  };
}

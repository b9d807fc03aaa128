/** The scheduler of a controller. */
import type { ClusterSpec } from "../../spec/cluster.js";
import { secretsDirectory } from "../layout.js";
import { cipherSuites, tlsMinimum } from "../tls.js";
import type { ControlPlanePod } from "./pod.js";

/** https://kubernetes.io/docs/reference/command-line-tools-reference/kube-scheduler/ */
export function scheduler(spec: Pick<ClusterSpec, "components">): ControlPlanePod {
  const kubeconfig = `${secretsDirectory}/scheduler.kubeconfig`;
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
    // It needs nothing else, so it gets nothing else.
    reads: [{ name: "kubeconfig", path: kubeconfig, type: "File" }],
    resources: spec.components["kube-scheduler"],
    limited: true,
    liveness: { host: "127.0.0.1", port: 10259, path: "/livez" },
    readiness: { host: "127.0.0.1", port: 10259, path: "/readyz" },
  };
}

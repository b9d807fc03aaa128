/** The controller manager of a controller. */
import type { ClusterSpec } from "../../spec/cluster.js";
import { podPrefixPerNode } from "../../spec/cidr.js";
import { credentialDirectory } from "../base/users.js";
import { cipherSuites, tlsMinimum } from "../base/tls.js";
import type { ControlPlanePod } from "./pod.js";

/** https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/ */
export function controllerManager(
  spec: Pick<ClusterSpec, "name" | "podCidr" | "serviceCidr" | "components">,
): ControlPlanePod {
  const secret = (name: string): string => `${credentialDirectory("kube-controller-manager")}/${name}`;
  const kubeconfig = secret("controller-manager.kubeconfig");
  return {
    name: "kube-controller-manager",
    flags: [
      "--bind-address=127.0.0.1",
      `--tls-min-version=${tlsMinimum}`,
      `--tls-cipher-suites=${cipherSuites.join(",")}`,
      "--profiling=false",
      "--leader-elect=true",
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      // Beside all that run by default: those for the tokens with which workers join.
      "--controllers=*,bootstrapsigner,tokencleaner",
      "--use-service-account-credentials=true",
      // Pods that have ended are kept for a look, but not the 12,500 of the default.
      "--terminated-pod-gc-threshold=1000",
      `--cluster-name=${spec.name}`,
      "--allocate-node-cidrs=true",
      `--cluster-cidr=${spec.podCidr}`,
      `--node-cidr-mask-size=${podPrefixPerNode}`,
      `--service-cluster-ip-range=${spec.serviceCidr}`,
      `--cluster-signing-cert-file=${secret("ca.crt")}`,
      `--cluster-signing-key-file=${secret("ca.key")}`,
      `--root-ca-file=${secret("ca.crt")}`,
      `--service-account-private-key-file=${secret("service-account.key")}`,
    ],
    resources: spec.components["kube-controller-manager"],
    limited: true,
    liveness: { host: "127.0.0.1", port: 10257, path: "/healthz" },
  };
}

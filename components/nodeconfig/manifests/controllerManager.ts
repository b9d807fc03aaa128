/** The controller manager of a controller. */
import type { ClusterSpec } from "../../spec/cluster.js";
import { podPrefixPerNode } from "../../spec/cidr.js";
import { credentialDirectory } from "../base/users.js";
import { cipherSuites, tlsMinimum } from "../base/tls.js";
import type { ControlPlanePod } from "./pod.js";

const address = "${PRIVATE_IPV4}";

/** https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/ */
export function controllerManager(
  spec: Pick<ClusterSpec, "name" | "podCidr" | "serviceCidr" | "components">,
): ControlPlanePod {
  const secret = (name: string): string => `${credentialDirectory("kube-controller-manager")}/${name}`;
  const kubeconfig = secret("controller-manager.kubeconfig");
  return {
    name: "kube-controller-manager",
    flags: [
      // Metrics are read from other nodes, by who may: see docs/decisions/0017.
      `--bind-address=${address}`,
      `--tls-cert-file=${secret("controller-manager.crt")}`,
      `--tls-private-key-file=${secret("controller-manager.key")}`,
      `--tls-min-version=${tlsMinimum}`,
      `--tls-cipher-suites=${cipherSuites.join(",")}`,
      "--profiling=false",
      "--leader-elect=true",
      `--kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      // In addition to the default controllers: those for bootstrap tokens.
      "--controllers=*,bootstrapsigner,tokencleaner",
      "--use-service-account-credentials=true",
      // Some terminated pods are kept for inspection, but not the default of 12,500.
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
    liveness: { host: address, port: 10257, path: "/healthz" },
  };
}

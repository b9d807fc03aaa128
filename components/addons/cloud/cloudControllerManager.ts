/** The cloud controller manager, on every controller; one of them leads. */
import { type CloudCredentials, configDirectory, type ControllerManager, ownMetricsPort } from "../../cloud/addon.js";
import { verbosity } from "../../nodeconfig/base/logging.js";
import {
  type Addon,
  type AddonCluster,
  type AddonObject,
  cloudProviderOf,
  image,
  namespace,
  type Pod,
  type PolicyRule,
} from "../addon.js";
import { localApi } from "../pod.js";
import { nodeAddresses } from "./nodeAddresses.js";

const name = "cloud-controller-manager";
const port = 10258;
/** The user nobody: the program binds no low port and writes nothing. */
const user = 65_534;

/** Informers and events. */
const sharedRules: readonly PolicyRule[] = [
  { apiGroups: [""], resources: ["nodes", "services"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
];

/** For its controllers, where they have no accounts of their own. */
const controllerRules: readonly PolicyRule[] = [
  { apiGroups: [""], resources: ["nodes"], verbs: ["update", "patch", "delete"] },
  { apiGroups: [""], resources: ["nodes/status", "services", "services/status"], verbs: ["update", "patch"] },
];

/** In its own namespace: the leader's lease, and tokens of the accounts of its controllers and no others. */
function ownRules(accounts: readonly string[]): PolicyRule[] {
  const lease = { apiGroups: ["coordination.k8s.io"], resources: ["leases"] };
  return [
    { ...lease, verbs: ["create"] },
    { ...lease, resourceNames: [name], verbs: ["get", "update"] },
    ...(accounts.length === 0
      ? []
      : [
          { apiGroups: [""], resources: ["serviceaccounts"], verbs: ["create"] },
          { apiGroups: [""], resources: ["serviceaccounts"], resourceNames: [...accounts], verbs: ["get"] },
          { apiGroups: [""], resources: ["serviceaccounts/token"], resourceNames: [...accounts], verbs: ["create"] },
        ]),
  ];
}

export const cloudControllerManager: Addon = {
  name,
  // Before a node is given the first address that its kubelet must not choose.
  needs: [nodeAddresses.name],
  beforeWorkers: true,
  partOf: ({ cloudProvider }) => cloudProvider !== "none",
  runsOn: "controllers",
  resources: () => ({ [name]: { cpus: 0.05, memory: 64, limit: 256 } }),
  ports: [
    { purpose: name, on: ["controller"], protocol: "tcp", port, from: [] },
    { purpose: `${name}-metrics`, on: ["controller"], protocol: "tcp", port: ownMetricsPort, from: [] },
  ],
  parts: (cluster) => {
    const { spec, network } = cluster;
    const cloud = cloudProviderOf(cluster);
    const manager = cloud.controllerManager(spec, network);
    const { files } = manager;
    return {
      rights: {
        cluster: [...sharedRules, ...(manager.accounts.length === 0 ? controllerRules : [])],
        namespace: ownRules(manager.accounts),
        // How it tells the API server's clients apart when they ask for metrics.
        existing: [{ kind: "Role", name: "extension-apiserver-authentication-reader", suffix: "-authentication" }],
      },
      files: files && { directory: configDirectory, data: files },
      pod: managerPod(spec, manager),
      objects: cloud.credentials ? [secret(cloud.credentials())] : [],
    };
  },
};

function secret(credentials: CloudCredentials): AddonObject {
  return {
    kind: "Secret",
    id: credentials.name,
    args: { metadata: { name: credentials.name, namespace }, stringData: { ...credentials.data } },
  };
}

function managerPod(spec: AddonCluster["spec"], manager: ControllerManager): Pod {
  return {
    securityContext: { runAsNonRoot: true, runAsUser: user, runAsGroup: user },
    containers: [
      {
        name,
        image: image(spec, manager.image),
        command: manager.program === undefined ? undefined : [manager.program],
        args: [
          ...manager.args,
          `--cluster-name=${spec.name}`,
          "--leader-elect=true",
          `--leader-elect-resource-name=${name}`,
          "--bind-address=127.0.0.1",
          `--secure-port=${port}`,
          `--v=${verbosity(spec.logLevel)}`,
        ],
        env: [...localApi, ...(manager.env ?? [])],
        livenessProbe: {
          httpGet: { host: "127.0.0.1", path: "/healthz", port, scheme: "HTTPS" },
          initialDelaySeconds: 20,
          timeoutSeconds: 5,
          failureThreshold: 5,
        },
      },
    ],
  };
}

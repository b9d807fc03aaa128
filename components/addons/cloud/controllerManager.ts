/** The cloud controller manager, on every controller; one of them leads. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { verbosity } from "../../nodeconfig/base/logging.js";
import {
  type AddonContext,
  checksum,
  checksumAnnotation,
  image,
  namespace,
  nodeUpdate,
  objectName,
  restricted,
} from "../context.js";
import { configDirectory, type ControllerManager } from "./addon.js";
import { localApi, onControllers } from "./placement.js";

const name = "cloud-controller-manager";
const labels = { "k8s-app": name };
const port = 10258;
/** The user nobody: its program binds no low port and writes nothing. */
const user = 65_534;

type PolicyRule = kubernetes.types.input.rbac.v1.PolicyRule;

/** Informers and events. */
const sharedRules: readonly PolicyRule[] = [
  { apiGroups: [""], resources: ["nodes", "services"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch", "update"] },
];

/** What its controllers do, where they have no accounts of their own. */
const controllerRules: readonly PolicyRule[] = [
  { apiGroups: [""], resources: ["nodes"], verbs: ["update", "patch", "delete"] },
  { apiGroups: [""], resources: ["nodes/status", "services", "services/status"], verbs: ["update", "patch"] },
];

/** In its own namespace: the lease of the leader, and tokens of the accounts that its controllers work under, of no other. */
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

/**
 * Answers with what nodes wait for before they join.
 * @param after What must be there before the first node is given an address by it.
 */
export function createControllerManager(
  context: AddonContext,
  manager: ControllerManager,
  after: readonly pulumi.Resource[],
): pulumi.Resource {
  const { opts } = context;
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const account = new kubernetes.core.v1.ServiceAccount(
    objectName(context, name),
    { metadata: { name, namespace } },
    opts,
  );
  const clusterRole = new kubernetes.rbac.v1.ClusterRole(
    objectName(context, name),
    {
      metadata: { name: `corekube:${name}` },
      rules: [...sharedRules, ...(manager.accounts.length === 0 ? controllerRules : [])],
    },
    opts,
  );
  const clusterBinding = new kubernetes.rbac.v1.ClusterRoleBinding(
    objectName(context, name),
    {
      metadata: { name: `corekube:${name}` },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: `corekube:${name}` },
      subjects,
    },
    pulumi.mergeOptions(opts, { dependsOn: [clusterRole] }),
  );
  const role = new kubernetes.rbac.v1.Role(
    objectName(context, name),
    { metadata: { name: `corekube:${name}`, namespace }, rules: ownRules(manager.accounts) },
    opts,
  );
  const bindings = [
    { suffix: "", name: `corekube:${name}` },
    // How the API server's own clients are told from others: for those who ask for metrics.
    { suffix: "-authentication", name: "extension-apiserver-authentication-reader" },
  ].map(
    (bound) =>
      new kubernetes.rbac.v1.RoleBinding(
        objectName(context, `${name}${bound.suffix}`),
        {
          metadata: { name: `corekube:${name}${bound.suffix}`, namespace },
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: bound.name },
          subjects,
        },
        pulumi.mergeOptions(opts, { dependsOn: [role] }),
      ),
  );
  const files = manager.files ?? {};
  const config =
    Object.keys(files).length === 0
      ? []
      : [
          new kubernetes.core.v1.ConfigMap(
            objectName(context, name),
            { metadata: { name, namespace, labels }, data: files },
            opts,
          ),
        ];
  return new kubernetes.apps.v1.DaemonSet(
    objectName(context, name),
    {
      metadata: { name, namespace, labels },
      spec: {
        selector: { matchLabels: labels },
        updateStrategy: nodeUpdate,
        template: {
          metadata: { labels, annotations: { [checksumAnnotation]: checksum(files) } },
          spec: podSpec(context, manager),
        },
      },
    },
    pulumi.mergeOptions(opts, { dependsOn: [account, clusterBinding, ...bindings, ...config, ...after] }),
  );
}

function podSpec({ spec }: AddonContext, manager: ControllerManager): kubernetes.types.input.core.v1.PodSpec {
  const { files = {}, env = [] } = manager;
  const mounts =
    Object.keys(files).length === 0 ? [] : [{ name: "config", mountPath: configDirectory, readOnly: true }];
  return {
    ...onControllers(spec),
    serviceAccountName: name,
    securityContext: {
      seccompProfile: { type: "RuntimeDefault" },
      runAsNonRoot: true,
      runAsUser: user,
      runAsGroup: user,
    },
    containers: [
      {
        name,
        image: image(spec, manager.image),
        ...(manager.program === undefined ? {} : { command: [manager.program] }),
        args: [
          ...manager.args,
          `--cluster-name=${spec.name}`,
          "--leader-elect=true",
          `--leader-elect-resource-name=${name}`,
          "--bind-address=127.0.0.1",
          `--secure-port=${port}`,
          `--v=${verbosity(spec.logLevel)}`,
        ],
        env: [...localApi, ...env],
        securityContext: restricted(),
        resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "256Mi" } },
        livenessProbe: {
          httpGet: { host: "127.0.0.1", path: "/healthz", port, scheme: "HTTPS" },
          initialDelaySeconds: 20,
          timeoutSeconds: 5,
          failureThreshold: 5,
        },
        volumeMounts: mounts,
      },
    ],
    ...(mounts.length === 0 ? {} : { volumes: [{ name: "config", configMap: { name } }] }),
  };
}

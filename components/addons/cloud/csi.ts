/** A cloud's CSI driver: one part beside the API servers, which speaks with the cloud, and one on every node, which mounts. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { verbosity } from "../../nodeconfig/base/logging.js";
import { type AddonContext, image, namespace, nodePod, nodeUpdate, objectName, restricted } from "../context.js";
import type { CsiDriver } from "./addon.js";
import { localApi, onControllers } from "./placement.js";

type Container = kubernetes.types.input.core.v1.Container;
type PolicyRule = kubernetes.types.input.rbac.v1.PolicyRule;

const kubeletDirectory = "/var/lib/kubelet";
const socketDirectory = "/csi";
const socket = `${socketDirectory}/csi.sock`;
const socketMount = { name: "socket", mountPath: socketDirectory };
/** On 127.0.0.1 of the machine, or of the pod where it has a network of its own. */
const healthPort = 9808;

/** What the helpers do with the cluster's objects, on behalf of any driver. Snapshots are for those who bring their controller. */
const controllerRules: readonly PolicyRule[] = [
  {
    apiGroups: [""],
    resources: ["persistentvolumes"],
    verbs: ["get", "list", "watch", "create", "update", "patch", "delete"],
  },
  { apiGroups: [""], resources: ["persistentvolumeclaims"], verbs: ["get", "list", "watch", "update"] },
  { apiGroups: [""], resources: ["persistentvolumeclaims/status"], verbs: ["update", "patch"] },
  { apiGroups: [""], resources: ["nodes", "pods"], verbs: ["get", "list", "watch"] },
  { apiGroups: [""], resources: ["events"], verbs: ["list", "watch", "create", "update", "patch"] },
  {
    apiGroups: ["storage.k8s.io"],
    resources: ["storageclasses", "csinodes", "volumeattributesclasses"],
    verbs: ["get", "list", "watch"],
  },
  {
    apiGroups: ["storage.k8s.io"],
    resources: ["volumeattachments"],
    verbs: ["get", "list", "watch", "update", "patch"],
  },
  { apiGroups: ["storage.k8s.io"], resources: ["volumeattachments/status"], verbs: ["patch"] },
];

/** For the leaders among the helpers. */
const leaseRules: readonly PolicyRule[] = [
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    verbs: ["get", "list", "watch", "create", "update", "delete"],
  },
];

const roleRef = (kind: "ClusterRole" | "Role", name: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name });

/** @param after What its nodes' part reads: the nodes' zones and ids. */
export function createCsiDriver(context: AddonContext, driver: CsiDriver, after: readonly pulumi.Resource[]): void {
  const { opts } = context;
  new kubernetes.storage.v1.CSIDriver(
    objectName(context, driver.name),
    { metadata: { name: driver.provisioner }, spec: driver.object },
    opts,
  );
  const account = (name: string, rules: readonly PolicyRule[]): pulumi.Resource[] => {
    const subjects = [{ kind: "ServiceAccount", name, namespace }];
    const made = new kubernetes.core.v1.ServiceAccount(
      objectName(context, name),
      { metadata: { name, namespace } },
      opts,
    );
    if (rules.length === 0) return [made];
    const role = new kubernetes.rbac.v1.ClusterRole(
      objectName(context, name),
      { metadata: { name: `corekube:${name}` }, rules: [...rules] },
      opts,
    );
    const binding = new kubernetes.rbac.v1.ClusterRoleBinding(
      objectName(context, name),
      { metadata: { name: `corekube:${name}` }, roleRef: roleRef("ClusterRole", `corekube:${name}`), subjects },
      pulumi.mergeOptions(opts, { dependsOn: [role] }),
    );
    return [made, binding];
  };
  createController(context, driver, [...account(`${driver.name}-controller`, controllerRules), ...after]);
  createNodes(context, driver, [...account(`${driver.name}-node`, driver.nodeRules), ...after]);
}

function createController(context: AddonContext, driver: CsiDriver, after: readonly pulumi.Resource[]): void {
  const { spec, opts } = context;
  const name = `${driver.name}-controller`;
  const labels = { "k8s-app": name };
  const role = new kubernetes.rbac.v1.Role(
    objectName(context, name),
    { metadata: { name: `corekube:${name}`, namespace }, rules: [...leaseRules] },
    opts,
  );
  const binding = new kubernetes.rbac.v1.RoleBinding(
    objectName(context, name),
    {
      metadata: { name: `corekube:${name}`, namespace },
      roleRef: roleRef("Role", `corekube:${name}`),
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    pulumi.mergeOptions(opts, { dependsOn: [role] }),
  );
  const deployment = new kubernetes.apps.v1.Deployment(
    objectName(context, name),
    {
      metadata: { name, namespace, labels },
      spec: {
        replicas: spec.highAvailability ? 2 : 1,
        selector: { matchLabels: labels },
        // The pods share their machines' ports: a new one needs the place of an old one.
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
        template: { metadata: { labels }, spec: controllerPod(context, driver, name, labels) },
      },
    },
    pulumi.mergeOptions(opts, { dependsOn: [binding, ...after] }),
  );
  if (!spec.highAvailability) return;
  new kubernetes.policy.v1.PodDisruptionBudget(
    objectName(context, name),
    { metadata: { name, namespace }, spec: { maxUnavailable: 1, selector: { matchLabels: labels } } },
    pulumi.mergeOptions(opts, { dependsOn: [deployment] }),
  );
}

function controllerPod(
  { spec }: AddonContext,
  driver: CsiDriver,
  name: string,
  labels: Record<string, string>,
): kubernetes.types.input.core.v1.PodSpec {
  const user = driver.controllerUser;
  const placement = onControllers(spec);
  const helper = (what: string, args: readonly string[]): Container => ({
    name: what,
    image: image(spec, what),
    args: [
      `--csi-address=${socket}`,
      `--v=${verbosity(spec.logLevel)}`,
      "--leader-election=true",
      `--leader-election-namespace=${namespace}`,
      ...args,
    ],
    env: [...localApi],
    securityContext: restricted(),
    resources: { requests: { cpu: "10m", memory: "40Mi" }, limits: { memory: "256Mi" } },
    volumeMounts: [socketMount],
  });
  return {
    ...placement,
    affinity: {
      ...placement.affinity,
      // Two of them would want the same port of the machine.
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          { labelSelector: { matchLabels: labels }, topologyKey: "kubernetes.io/hostname" },
        ],
      },
    },
    serviceAccountName: name,
    securityContext: {
      seccompProfile: { type: "RuntimeDefault" },
      ...(user === undefined ? {} : { runAsNonRoot: true, runAsUser: user, runAsGroup: user, fsGroup: user }),
    },
    containers: [
      {
        name: "driver",
        image: image(spec, driver.image),
        args: [...driver.controllerArgs],
        env: [{ name: "CSI_ENDPOINT", value: `unix://${socket}` }, ...localApi, ...driver.controllerEnv],
        securityContext: restricted(),
        resources: { requests: { cpu: "10m", memory: "40Mi" }, limits: { memory: "256Mi" } },
        livenessProbe: health("127.0.0.1"),
        volumeMounts: [socketMount],
      },
      helper("csi-provisioner", [
        "--default-fstype=ext4",
        "--extra-create-metadata",
        "--feature-gates=Topology=true",
        "--timeout=60s",
      ]),
      helper("csi-attacher", ["--timeout=6m"]),
      helper("csi-resizer", ["--handle-volume-inuse-error=false", "--timeout=60s"]),
      liveness(spec),
    ],
    volumes: [{ name: "socket", emptyDir: {} }],
  };
}

function createNodes(context: AddonContext, driver: CsiDriver, after: readonly pulumi.Resource[]): void {
  const { spec, opts } = context;
  const name = `${driver.name}-node`;
  const labels = { "k8s-app": name };
  const plugin = `${kubeletDirectory}/plugins/${driver.provisioner}`;
  const registrar: Container = {
    name: "csi-node-driver-registrar",
    image: image(spec, "csi-node-driver-registrar"),
    args: [
      `--csi-address=${socket}`,
      `--kubelet-registration-path=${plugin}/csi.sock`,
      `--v=${verbosity(spec.logLevel)}`,
    ],
    securityContext: restricted(),
    resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "64Mi" } },
    volumeMounts: [socketMount, { name: "registration", mountPath: "/registration" }],
  };
  new kubernetes.apps.v1.DaemonSet(
    objectName(context, name),
    {
      metadata: { name, namespace, labels },
      spec: {
        selector: { matchLabels: labels },
        updateStrategy: nodeUpdate,
        template: {
          metadata: { labels },
          spec: {
            ...nodePod,
            hostNetwork: driver.nodeHostNetwork,
            serviceAccountName: name,
            containers: [
              {
                name: "driver",
                image: image(spec, driver.image),
                args: [...driver.nodeArgs],
                env: [
                  { name: "CSI_ENDPOINT", value: `unix://${socket}` },
                  { name: "CSI_NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
                ],
                // It makes file systems on devices, and mounts that other pods see: no narrower right allows either.
                securityContext: { privileged: true, readOnlyRootFilesystem: true },
                resources: { requests: { cpu: "10m", memory: "40Mi" }, limits: { memory: "256Mi" } },
                livenessProbe: health(driver.nodeHostNetwork ? "127.0.0.1" : undefined),
                volumeMounts: [
                  socketMount,
                  { name: "kubelet", mountPath: kubeletDirectory, mountPropagation: "Bidirectional" },
                  { name: "devices", mountPath: "/dev" },
                ],
              },
              registrar,
              liveness(spec, driver.nodeHostNetwork ? "127.0.0.1" : ""),
            ],
            volumes: [
              { name: "socket", hostPath: { path: plugin, type: "DirectoryOrCreate" } },
              {
                name: "registration",
                hostPath: { path: `${kubeletDirectory}/plugins_registry`, type: "DirectoryOrCreate" },
              },
              { name: "kubelet", hostPath: { path: kubeletDirectory, type: "Directory" } },
              { name: "devices", hostPath: { path: "/dev", type: "Directory" } },
            ],
          },
        },
      },
    },
    pulumi.mergeOptions(opts, { dependsOn: [...after] }),
  );
}

/** Asks the driver for its health, and answers the kubelet with it. */
function liveness(spec: AddonContext["spec"], host = "127.0.0.1"): Container {
  return {
    name: "livenessprobe",
    image: image(spec, "livenessprobe"),
    args: [`--csi-address=${socket}`, `--http-endpoint=${host}:${healthPort}`],
    securityContext: restricted(),
    resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "64Mi" } },
    volumeMounts: [socketMount],
  };
}

function health(host: string | undefined): kubernetes.types.input.core.v1.Probe {
  return {
    httpGet: { path: "/healthz", port: healthPort, ...(host === undefined ? {} : { host }) },
    initialDelaySeconds: 10,
    periodSeconds: 10,
    timeoutSeconds: 5,
    failureThreshold: 5,
  };
}

/** A cloud's CSI driver: a Deployment on controllers, which calls the cloud, and a DaemonSet, which mounts volumes on every node. */
import { nodeRoles } from "../../cloud/firewall.js";
import { verbosity } from "../../nodeconfig/base/logging.js";
import type { ClusterSpec } from "../../spec/cluster.js";
import type { CsiDriver } from "../../cloud/addon.js";
import { type Addon, cloudProviderOf, type Container, image, namespace, type Pod, type PolicyRule } from "../addon.js";
import type { AddonChoice } from "../choice.js";
import { localApi } from "../pod.js";
import { cloudControllerManager } from "./cloudControllerManager.js";
import { hasVolumeSnapshots, volumeSnapshots } from "./volumeSnapshots.js";

const kubeletDirectory = "/var/lib/kubelet";
const socketDirectory = "/csi";
const socket = `${socketDirectory}/csi.sock`;
const socketMount = { name: "socket", mountPath: socketDirectory };
/** On 127.0.0.1 of the machine, or of the pod if it has a network of its own. Controllers run pods of both kinds. */
const healthPorts = { controller: 9808, node: 9809 } as const;

/** Of the sidecars, for any driver. */
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

/** Of the sidecars, where there are snapshots: one makes them, and one makes volumes of them. */
const snapshotRules: readonly PolicyRule[] = [
  {
    apiGroups: ["snapshot.storage.k8s.io"],
    resources: ["volumesnapshotclasses"],
    verbs: ["get", "list", "watch"],
  },
  { apiGroups: ["snapshot.storage.k8s.io"], resources: ["volumesnapshots"], verbs: ["get", "list"] },
  {
    apiGroups: ["snapshot.storage.k8s.io"],
    resources: ["volumesnapshotcontents"],
    verbs: ["get", "list", "watch", "update", "patch"],
  },
  {
    apiGroups: ["snapshot.storage.k8s.io"],
    resources: ["volumesnapshotcontents/status"],
    verbs: ["update", "patch"],
  },
];

/** Leader election of the sidecars. */
const leaseRules: readonly PolicyRule[] = [
  {
    apiGroups: ["coordination.k8s.io"],
    resources: ["leases"],
    verbs: ["get", "list", "watch", "create", "update", "delete"],
  },
];

const partOf = ({ csiDriver }: AddonChoice): boolean => csiDriver;

/** It reads the nodes' zones and ids, which the cloud controller manager sets. */
const needs = [cloudControllerManager.name];

const snapshotter = "csi-snapshotter";

const driverResources = { cpus: 0.01, memory: 40, limit: 256 };
const smallResources = { cpus: 0.01, memory: 32, limit: 64 };

export const csiController: Addon = {
  name: "csi-controller",
  needs,
  // The sidecar that makes snapshots ends without their definitions.
  after: [volumeSnapshots.name],
  partOf,
  runsOn: "controllers",
  replicas: () => 2,
  resources: (choice) => ({
    driver: driverResources,
    "csi-provisioner": driverResources,
    "csi-attacher": driverResources,
    "csi-resizer": driverResources,
    ...(hasVolumeSnapshots(choice) ? { [snapshotter]: driverResources } : {}),
    livenessprobe: smallResources,
  }),
  ports: [
    { purpose: "csi-controller-health", on: ["controller"], protocol: "tcp", port: healthPorts.controller, from: [] },
  ],
  parts: (cluster) => {
    const { spec } = cluster;
    const driver = cloudProviderOf(cluster).driver(spec);
    return {
      name: `${driver.name}-controller`,
      rights: {
        cluster: [...controllerRules, ...(hasVolumeSnapshots(spec) ? snapshotRules : [])],
        namespace: leaseRules,
      },
      pod: controllerPod(spec, driver),
      objects: [
        { kind: "CSIDriver", id: driver.name, args: { metadata: { name: driver.provisioner }, spec: driver.object } },
      ],
    };
  },
};

export const csiNode: Addon = {
  name: "csi-node",
  needs,
  partOf,
  runsOn: "nodes",
  resources: () => ({
    driver: driverResources,
    "csi-node-driver-registrar": smallResources,
    livenessprobe: smallResources,
  }),
  ports: [{ purpose: "csi-node-health", on: nodeRoles, protocol: "tcp", port: healthPorts.node, from: [] }],
  parts: (cluster) => {
    const { spec } = cluster;
    const driver = cloudProviderOf(cluster).driver(spec);
    return {
      name: `${driver.name}-node`,
      rights: { cluster: driver.nodeRules },
      pod: nodePod(spec, driver),
    };
  },
};

function controllerPod(spec: ClusterSpec, driver: CsiDriver): Pod {
  const user = driver.controllerUser;
  const sidecar = (name: string, args: readonly string[]): Container => ({
    name,
    image: image(spec, name),
    args: [
      `--csi-address=${socket}`,
      `--v=${verbosity(spec.logLevel)}`,
      "--leader-election=true",
      `--leader-election-namespace=${namespace}`,
      ...args,
    ],
    env: [...localApi],
    volumeMounts: [socketMount],
  });
  return {
    securityContext: user === undefined ? {} : { runAsNonRoot: true, runAsUser: user, runAsGroup: user, fsGroup: user },
    containers: [
      {
        name: "driver",
        image: image(spec, driver.image),
        args: [...driver.controllerArgs],
        env: [{ name: "CSI_ENDPOINT", value: `unix://${socket}` }, ...localApi, ...driver.controllerEnv],
        livenessProbe: health("controller", "127.0.0.1"),
        volumeMounts: [socketMount],
      },
      sidecar("csi-provisioner", ["--default-fstype=ext4", "--extra-create-metadata", "--timeout=60s"]),
      sidecar("csi-attacher", ["--timeout=6m"]),
      sidecar("csi-resizer", ["--handle-volume-inuse-error=false", "--timeout=60s"]),
      ...(hasVolumeSnapshots(spec) ? [sidecar(snapshotter, ["--extra-create-metadata", "--timeout=60s"])] : []),
      liveness(spec, "controller", "127.0.0.1"),
    ],
    volumes: [{ name: "socket", emptyDir: {} }],
  };
}

function nodePod(spec: ClusterSpec, driver: CsiDriver): Pod {
  const plugin = `${kubeletDirectory}/plugins/${driver.provisioner}`;
  const host = driver.nodeHostNetwork ? "127.0.0.1" : undefined;
  return {
    hostNetwork: driver.nodeHostNetwork,
    containers: [
      {
        name: "driver",
        image: image(spec, driver.image),
        args: [...driver.nodeArgs],
        env: [
          { name: "CSI_ENDPOINT", value: `unix://${socket}` },
          { name: "CSI_NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
        ],
        // It makes file systems on devices, and mounts that other pods see: only a privileged container may do both.
        securityContext: { privileged: true, readOnlyRootFilesystem: true },
        livenessProbe: health("node", host),
        volumeMounts: [
          socketMount,
          { name: "kubelet", mountPath: kubeletDirectory, mountPropagation: "Bidirectional" },
          { name: "devices", mountPath: "/dev" },
        ],
      },
      {
        name: "csi-node-driver-registrar",
        image: image(spec, "csi-node-driver-registrar"),
        args: [
          `--csi-address=${socket}`,
          `--kubelet-registration-path=${plugin}/csi.sock`,
          `--v=${verbosity(spec.logLevel)}`,
        ],
        volumeMounts: [socketMount, { name: "registration", mountPath: "/registration" }],
      },
      liveness(spec, "node", host ?? ""),
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
  };
}

/** Serves the driver's health to the kubelet. */
function liveness(spec: ClusterSpec, part: keyof typeof healthPorts, host: string): Container {
  return {
    name: "livenessprobe",
    image: image(spec, "livenessprobe"),
    args: [`--csi-address=${socket}`, `--http-endpoint=${host}:${healthPorts[part]}`],
    volumeMounts: [socketMount],
  };
}

function health(part: keyof typeof healthPorts, host?: string): Container["livenessProbe"] {
  return {
    httpGet: { path: "/healthz", port: healthPorts[part], host },
    initialDelaySeconds: 10,
    periodSeconds: 10,
    timeoutSeconds: 5,
    failureThreshold: 5,
  };
}

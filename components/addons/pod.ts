/** Completes the pods of add-ons: placement, configuration, resources and least privilege. Pure. */
import type * as kubernetes from "@pulumi/kubernetes";
import { apiPort } from "../cloud/firewall.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { machineNames } from "../spec/names.js";
import { poolLabel } from "../spec/pools.js";
import { quantities } from "../spec/quantities.js";
import { type Addon, type AddonParts, type Container, type Pod, type PodSpec, restricted } from "./addon.js";

/** Taint of a node until the cloud controller manager has initialized it. */
const uninitializedTaint = "node.cloudprovider.kubernetes.io/uninitialized";

/** The API server on the same machine, reached without a load balancer or the Service network. For pods on controllers. */
export const localApi: kubernetes.types.input.core.v1.EnvVar[] = [
  { name: "KUBERNETES_SERVICE_HOST", value: "127.0.0.1" },
  { name: "KUBERNETES_SERVICE_PORT", value: String(apiPort) },
];

const linux = { nodeSelector: { "kubernetes.io/os": "linux" } };

/** Pods of a node's own network run on every node, whatever its taints are. */
const onNodes = {
  ...linux,
  hostNetwork: true,
  priorityClassName: "system-node-critical",
  tolerations: [{ operator: "Exists" }],
} satisfies Partial<PodSpec>;

/** Pods that work for the cloud run on controllers, in the machines' network: the metadata service answers only there. */
const onControllers = {
  ...linux,
  hostNetwork: true,
  dnsPolicy: "Default",
  priorityClassName: "system-cluster-critical",
  tolerations: [
    { key: "node-role.kubernetes.io/control-plane", operator: "Exists", effect: "NoSchedule" },
    { key: uninitializedTaint, operator: "Exists", effect: "NoSchedule" },
    // Users may bring the pods' network later: do not wait for it.
    { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoSchedule" },
  ],
} satisfies Partial<PodSpec>;

/**
 * Only on controllers, where the credentials of the cloud are.
 *
 * By the nodes' names: a node may give itself any label, but no other name, so that no worker can attract such a pod with its rights.
 */
function controllersOnly(spec: Pick<ClusterSpec, "name" | "controllers">) {
  const nodeSelectorTerms = machineNames(spec.name, spec.controllers).map((node) => ({
    matchFields: [{ key: "metadata.name", operator: "In", values: [node] }],
  }));
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } };
}

type Taints = ClusterSpec["nodeTaints"];

const tolerated = (taints: Taints) => taints.map(({ key, effect }) => ({ key, operator: "Exists", effect }));

/** Where every worker has a taint, they must run nevertheless. */
function onWorkers({ nodeTaints }: Pick<ClusterSpec, "nodeTaints">) {
  const tolerations = tolerated(nodeTaints);
  return {
    ...linux,
    priorityClassName: "system-cluster-critical",
    ...(tolerations.length > 0 ? { tolerations } : {}),
  } satisfies Partial<PodSpec>;
}

/** Their label says which they are, and their taint keeps other pods away. */
function onPublicWorkers({ publicNodeTaints }: Pick<ClusterSpec, "publicNodeTaints">) {
  return {
    nodeSelector: { ...linux.nodeSelector, [poolLabel]: "public" },
    priorityClassName: "system-cluster-critical",
    tolerations: tolerated([{ key: poolLabel, value: "public", effect: "NoSchedule" }, ...publicNodeTaints]),
  } satisfies Partial<PodSpec>;
}

const placement = (spec: ClusterSpec) => ({
  nodes: onNodes,
  controllers: onControllers,
  workers: onWorkers(spec),
  public: onPublicWorkers(spec),
});

/** Replicas run on different machines: always where they share the machines' ports, and otherwise if possible. */
function apart(addon: Addon, labels: Record<string, string>): { podAntiAffinity?: object } {
  if (addon.replicas === undefined) return {};
  const term = { labelSelector: { matchLabels: labels }, topologyKey: "kubernetes.io/hostname" };
  const podAntiAffinity =
    addon.runsOn === "controllers"
      ? { requiredDuringSchedulingIgnoredDuringExecution: [term] }
      : { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, podAffinityTerm: term }] };
  return { podAntiAffinity };
}

/** Name of the volume with the add-on's files. */
const config = "config";

/** @throws Error when the add-on does not say what a container needs. */
export function completePod(
  addon: Addon,
  spec: ClusterSpec,
  { pod, files }: AddonParts & { readonly pod: Pod },
  name: string,
  labels: Record<string, string>,
): PodSpec {
  const { runsOn = "nodes" } = addon;
  const resources = addon.resources?.(spec) ?? {};
  const complete = (container: Container): kubernetes.types.input.core.v1.Container => {
    const needed = resources[container.name];
    if (!needed) throw new Error(`add-on ${addon.name}: resources of the container ${container.name} are missing`);
    const mount = files ? [{ name: config, mountPath: files.directory, readOnly: true }] : [];
    return {
      securityContext: restricted(),
      ...container,
      resources: { ...quantities(needed), limits: { memory: `${needed.limit}Mi` } },
      volumeMounts: [...mount, ...(container.volumeMounts ?? [])],
    };
  };
  const affinity = {
    ...(runsOn === "controllers" ? controllersOnly(spec) : {}),
    ...apart(addon, labels),
  };
  const volumes = [
    ...(files ? [{ name: config, configMap: { name, defaultMode: files.mode } }] : []),
    ...(pod.volumes ?? []),
  ];
  return {
    ...placement(spec)[runsOn],
    ...(Object.keys(affinity).length > 0 ? { affinity } : {}),
    serviceAccountName: name,
    ...pod,
    securityContext: { seccompProfile: { type: "RuntimeDefault" }, ...pod.securityContext },
    initContainers: pod.initContainers?.map(complete),
    containers: pod.containers.map(complete),
    volumes: volumes.length > 0 ? volumes : undefined,
  };
}

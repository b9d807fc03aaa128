/** What a Node object says of the machine behind it. */
import type { V1Node } from "@kubernetes/client-node";
import { givenTaints } from "./nodeSettings.js";

/** Whether the Node object is that of this very machine, and not of an earlier one with its name. */
export function isOf(node: V1Node, systemId: string): boolean {
  return node.status?.nodeInfo?.machineID === systemId;
}

/** Whether the kubelet has reported so recently. */
export function isReady(node: V1Node): boolean {
  return readyCondition(node)?.status === "True";
}

/**
 * Whether the kubelet has stopped reporting: Kubernetes' node controller then writes `Unknown` (`monitorNodeHealth`, after
 * `--node-monitor-grace-period`). A kubelet that reports that its node is not ready still runs and ends pods.
 */
export function isSilent(node: V1Node): boolean {
  return readyCondition(node)?.status === "Unknown";
}

/** Why a Node is not Ready, as the kubelet reports it. */
export function whyNotReady(node: V1Node): string {
  const condition = readyCondition(node);
  return condition === undefined
    ? "the kubelet has not reported yet"
    : (condition.message ?? condition.reason ?? `Ready is ${condition.status}`);
}

/** Set by kubelets that have a cloud provider, and removed by the cloud controller manager. */
const UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized";

/** Whether the cloud controller manager has initialized the Node; true if there is none. */
export function isInitialized(node: V1Node): boolean {
  return !(node.spec?.taints ?? []).some((taint) => taint.key === UNINITIALIZED);
}

/** Whether the kubelet waits only for the pod network. */
export function lacksOnlyNetwork(node: V1Node): boolean {
  const { status, message = "" } = readyCondition(node) ?? {};
  return (
    status === "False" && /^container runtime network not ready: [^,]*reason:NetworkPluginNotReady[^,]*$/.test(message)
  );
}

/** The address by which the control plane reaches the kubelet. */
export function internalAddress(node: V1Node): string | undefined {
  return node.status?.addresses?.find((address) => address.type === "InternalIP")?.address;
}

const CONTROL_PLANE = "node-role.kubernetes.io/control-plane";

/** Whether the Node is a controller's. */
export function isController(node: V1Node): boolean {
  return (node.spec?.taints ?? []).some((taint) => taint.key === CONTROL_PLANE);
}

/** Whether pods without special tolerations may be scheduled here, if the node is not cordoned. */
export function takesPods(node: V1Node): boolean {
  // Who taints all workers by a setting has pods that tolerate it.
  const fromSettings = givenTaints(node);
  const closed = (node.spec?.taints ?? []).filter(
    ({ key, effect }) =>
      effect !== "PreferNoSchedule" &&
      !key.startsWith("node.kubernetes.io/") &&
      !fromSettings.includes(`${key}:${effect}`),
  );
  return closed.length === 0;
}

function readyCondition(node: V1Node) {
  return node.status?.conditions?.find((condition) => condition.type === "Ready");
}

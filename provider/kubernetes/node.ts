/** What a Node object tells of the machine behind it. */
import type { V1Node } from "@kubernetes/client-node";

/** What a machine says of itself. */
export interface Identity {
  /** `/etc/machine-id`, which the kubelet reports. */
  readonly systemId: string;
  /** The private address; undefined if the machine's metadata does not tell. */
  readonly address?: string;
}

/** Whether the Node object is that of this very machine, and not of an earlier one with its name. */
export function isOf(node: V1Node, systemId: string): boolean {
  return node.status?.nodeInfo?.machineID === systemId;
}

/** Whether the kubelet has said so lately (the API sets it to `Unknown` when it falls silent). */
export function isReady(node: V1Node): boolean {
  return readyCondition(node)?.status === "True";
}

/** Why a Node is not Ready, in the kubelet's own words. */
export function whyNotReady(node: V1Node): string {
  const condition = readyCondition(node);
  return condition === undefined
    ? "the kubelet has not reported yet"
    : (condition.message ?? condition.reason ?? `Ready is ${condition.status}`);
}

/** Set by kubelets that have a cloud provider, and taken away by the cloud controller manager. */
const UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized";

/** Whether the cloud controller manager has given the Node what it must have; true where there is none. */
export function isInitialized(node: V1Node): boolean {
  return !(node.spec?.taints ?? []).some((taint) => taint.key === UNINITIALIZED);
}

/** Whether the kubelet waits for the pods' network and for nothing else. */
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

/** Whether pods without special tolerations may come here, apart from the node being cordoned. */
export function takesPods(node: V1Node): boolean {
  const closed = (node.spec?.taints ?? []).filter(
    (taint) => taint.effect !== "PreferNoSchedule" && !taint.key.startsWith("node.kubernetes.io/"),
  );
  return closed.length === 0;
}

function readyCondition(node: V1Node) {
  return node.status?.conditions?.find((condition) => condition.type === "Ready");
}

/** Which pods a drain must move. */
import type { V1Pod } from "@kubernetes/client-node";

const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

/**
 * Not those that a DaemonSet would recreate at once, nor static pods (the API shows only a mirror of them), nor finished ones.
 */
export function mustLeave(pod: V1Pod): boolean {
  if (pod.metadata?.ownerReferences?.some((owner) => owner.controller === true && owner.kind === "DaemonSet") ?? false)
    return false;
  if (pod.metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined) return false;
  return pod.status?.phase !== "Succeeded" && pod.status?.phase !== "Failed";
}

/** Nothing creates such a pod again: `kubectl drain` evicts it with `--force` only. */
export function isBare(pod: V1Pod): boolean {
  return !(pod.metadata?.ownerReferences?.some((owner) => owner.controller === true) ?? false);
}

export function isLeaving(pod: V1Pod): boolean {
  return pod.metadata?.deletionTimestamp !== undefined;
}

/** Its own time to end has passed: the API sets the deletion's timestamp to the end of the grace period. */
export function isOverdue(pod: V1Pod): boolean {
  const end = pod.metadata?.deletionTimestamp;
  return end !== undefined && end.getTime() <= Date.now();
}

export function podName(pod: V1Pod): string {
  return `${pod.metadata?.namespace ?? ""}/${pod.metadata?.name ?? ""}`;
}

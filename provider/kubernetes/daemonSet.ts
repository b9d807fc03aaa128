/** Where the update of a DaemonSet's pods stands, node by node. Pure. */
import type { V1ControllerRevision, V1DaemonSet, V1Node, V1Pod } from "@kubernetes/client-node";
import { isReady, isSilent, lacksOnlyNetwork, whyNotReady } from "./node.js";
import { isLeaving } from "./pods.js";

/** Label of pods and revisions that names the template. */
const HASH_LABEL = "controller-revision-hash";

/** Whether the DaemonSet's own status says that every node has a current pod that serves. */
export function isComplete({ metadata, status }: V1DaemonSet): boolean {
  if (status === undefined || (status.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return false;
  const wanted = status.desiredNumberScheduled;
  return (status.updatedNumberScheduled ?? 0) >= wanted && (status.numberAvailable ?? 0) >= wanted;
}

export interface Standing {
  /** Nodes that must still get a current pod that serves, with what is there now. */
  readonly open: ReadonlyMap<string, string>;
  /** Nodes on which no pod can start, with the reason. */
  readonly leftOut: ReadonlyMap<string, string>;
  /** Pods that may be deleted now because the DaemonSet's controller, which counts the nodes left out too, never will. */
  readonly deletable: readonly V1Pod[];
}

/**
 * A node without a kubelet is left out; one whose kubelet reports that it is not ready is left out once `patience` is over, unless it
 * waits for the pod network, which such pods may be about to make.
 *
 * The DaemonSet's controller counts the pods of nodes that are left out against `maxUnavailable` (`rollingUpdate` in Kubernetes'
 * `pkg/controller/daemon/update.go`): if they use it up, it replaces no pod any more.
 */
export function standing(
  daemonSet: V1DaemonSet,
  revisions: readonly V1ControllerRevision[],
  pods: readonly V1Pod[],
  nodes: readonly V1Node[],
  patience: "left" | "over",
): Standing {
  const hash = currentHash(daemonSet, revisions);
  const own = new Map<string, V1Pod[]>();
  for (const pod of pods.filter((each) => isOwnedBy(each, daemonSet))) {
    const name = pod.spec?.nodeName ?? nameInAffinity(pod.spec) ?? "";
    own.set(name, [...(own.get(name) ?? []), pod]);
  }
  const open = new Map<string, string>();
  const leftOut = new Map<string, string>();
  const outdated: V1Pod[] = [];
  let unavailable = 0;
  for (const [name, there] of own) {
    const node = nodes.find(({ metadata }) => metadata?.name === name);
    const why = whyLeftOut(node, patience);
    if (why !== undefined) {
      leftOut.set(name, why);
      continue;
    }
    const staying = there.filter((pod) => !isLeaving(pod));
    const current = staying.find(({ metadata }) => metadata?.labels?.[HASH_LABEL] === hash);
    if (current !== undefined && serves(current)) continue;
    if (current === undefined && staying.some(serves)) outdated.push(...staying);
    else unavailable++;
    open.set(name, current === undefined ? "has the pod of before" : problemOf(current));
  }
  const wanted = daemonSet.status?.desiredNumberScheduled ?? 0;
  const missing = wanted - own.size;
  if (missing > 0) open.set(`${missing} more`, "no pod yet");
  const most = mostUnavailable(daemonSet, wanted);
  const room = leftOut.size < most ? 0 : most - unavailable - Math.max(0, missing);
  return { open, leftOut, deletable: outdated.slice(0, Math.max(0, room)) };
}

function whyLeftOut(node: V1Node | undefined, patience: "left" | "over"): string | undefined {
  if (node === undefined) return "it is not a node of the cluster";
  if (isReady(node) || lacksOnlyNetwork(node)) return undefined;
  return isSilent(node) || patience === "over" ? whyNotReady(node) : undefined;
}

/** Of the template as it is now: a template that comes back gets its old revision with the highest number. */
function currentHash(daemonSet: V1DaemonSet, revisions: readonly V1ControllerRevision[]): string | undefined {
  const own = revisions.filter((revision) => isOwnedBy(revision, daemonSet));
  return own.sort((a, b) => b.revision - a.revision)[0]?.metadata?.labels?.[HASH_LABEL];
}

function isOwnedBy({ metadata }: V1Pod | V1ControllerRevision, owner: V1DaemonSet): boolean {
  return metadata?.ownerReferences?.some(({ uid }) => uid === owner.metadata?.uid) ?? false;
}

/** The node that the DaemonSet's controller made a pod for, before the scheduler has bound it. */
function nameInAffinity(spec: V1Pod["spec"]): string | undefined {
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap(({ matchFields = [] }) => matchFields).find(({ key }) => key === "metadata.name")?.values?.[0];
}

function serves({ status }: V1Pod): boolean {
  return status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
}

function problemOf({ metadata, status }: V1Pod): string {
  const waiting = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].flatMap(
    ({ name, state }) => {
      const { reason = "waiting", message } = state?.waiting ?? {};
      if (state?.waiting === undefined) return [];
      return message === undefined ? `${name}: ${reason}` : `${name}: ${reason} (${message})`;
    },
  );
  return [`${metadata?.name} is ${status?.phase ?? "new"}, not ready`, ...waiting].join(", ");
}

/** As the DaemonSet's controller computes it: a share of the nodes is rounded up, and it is 1 at least. */
function mostUnavailable({ spec }: V1DaemonSet, wanted: number): number {
  const given = String(spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1);
  const number = given.endsWith("%") ? Math.ceil((parseInt(given, 10) * wanted) / 100) : parseInt(given, 10);
  return Math.max(1, number);
}

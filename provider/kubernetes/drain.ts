/** Evicts the pods of a node before its machine is removed. */
import type { V1Node, V1Pod } from "@kubernetes/client-node";
import type { Progress } from "../operation/progress.js";
import { limits } from "../operation/limits.js";
import type { Log } from "../rpc/log.js";
import { Deadline, pause } from "../operation/timing.js";
import { describeError, ifFound, persist, statusBody, statusOf, type Cluster } from "./cluster.js";
import { isController, isReady, isSilent, takesPods } from "./node.js";
import { isBare, isLeaving, isOverdue, mustLeave, podName } from "./pods.js";

const POLL_MILLISECONDS = 2_000;
/** Parallel evictions. */
const PARALLEL = 10;
/** How long volumes may take to be detached once their pods are gone; clouds take seconds. */
const DETACH_SECONDS = 120;

/** Pods are left and the time is up. The node stays cordoned. */
class DrainBlocked extends Error {}

export interface DrainOptions {
  readonly signal: AbortSignal;
  readonly deadline: Deadline;
  readonly progress: Progress;
  readonly log: Log;
}

/** Nodes that this process is draining. */
const leaving = new Set<string>();

/**
 * Cordons a node and evicts its pods; disruption budgets are respected.
 *
 * If every node that takes ordinary pods leaves in the same run (`pulumi destroy`, or the only worker), waiting meets no budget: pods
 * that a budget holds then go with the machine, and a warning names them. The same where the kubelet is silent: see `whyRelease`.
 * @throws {DrainBlocked} @throws {ApiUnavailable}
 */
export async function drain(cluster: Cluster, nodeName: string, options: DrainOptions): Promise<void> {
  leaving.add(nodeName);
  try {
    options.progress.phase("cordoning the node");
    await call(options, () =>
      cluster.core.patchNode({ name: nodeName, body: [{ op: "add", path: "/spec/unschedulable", value: true }] }),
    );
    await empty(cluster, nodeName, options);
    await waitForVolumes(cluster, nodeName, options);
  } finally {
    leaving.delete(nodeName);
  }
}

/**
 * A volume that is attached to a machine that is gone is free for other nodes only after six minutes (`maxWaitForUnmountDuration` of
 * Kubernetes' attach-detach controller): pods that moved would wait for it.
 */
async function waitForVolumes(cluster: Cluster, nodeName: string, options: DrainOptions): Promise<void> {
  const deadline = new Deadline(Math.min(DETACH_SECONDS, options.deadline.left / 1000));
  for (;;) {
    const attached = (await call(options, () => cluster.storage.listVolumeAttachment())).items.filter(
      ({ spec }) => spec.nodeName === nodeName,
    );
    if (attached.length === 0) return;
    const names = attached.map(({ metadata, spec }) => spec.source.persistentVolumeName ?? metadata?.name).join(", ");
    // A kubelet that is silent unmounts nothing.
    if (deadline.left < 1 || isGone(await read(cluster, nodeName, options))) {
      options.log.warn(
        `${nodeName}: still has volumes attached (${names}); pods that use them start elsewhere only when Kubernetes has given the machine up, after about six minutes.`,
      );
      return;
    }
    options.progress.phase(`waiting for volumes to be detached: ${names}`);
    await pause(POLL_MILLISECONDS, options.signal, deadline);
  }
}

async function empty(cluster: Cluster, nodeName: string, options: DrainOptions): Promise<void> {
  const { signal, deadline, progress, log } = options;
  let named = false;
  for (;;) {
    const pods = (
      await call(options, () => cluster.core.listPodForAllNamespaces({ fieldSelector: `spec.nodeName=${nodeName}` }))
    ).items.filter(mustLeave);
    const bare = pods.filter(isBare).map(podName);
    if (bare.length > 0 && !named)
      log.warn(
        `${nodeName}: these pods have no controller and will not be created again elsewhere: ${bare.join(", ")}`,
      );
    named = true;
    const blocked = await evict(
      cluster,
      pods.filter((pod) => !isLeaving(pod)),
      options,
    );
    if (pods.length === 0) return;
    const ending = pods.filter((pod) => !blocked.has(podName(pod)));
    if (ending.every(isLeaving)) {
      const node = await read(cluster, nodeName, options);
      if (blocked.size === 0) {
        // Nothing ends the pods of a machine that is gone; the API removes them with the Node. A kubelet that reports has the time
        // that they ask for, but with a dead container runtime it cannot end them.
        if (isGone(node) || (!isReady(node) && ending.every(isOverdue))) return;
      } else {
        const why = await whyRelease(cluster, node, ending, options);
        if (why !== undefined) {
          log.warn(
            `${nodeName}: ${why}, so they go with the machine although a disruption budget holds them: ${[...blocked.keys()].join(", ")}`,
          );
          return;
        }
      }
    }
    if (deadline.left < 1) throw new DrainBlocked(explain(nodeName, deadline.seconds, pods, blocked));
    progress.phase(
      `draining, ${pods.length} ${pods.length === 1 ? "pod" : "pods"} left${blocked.size > 0 ? ` (${blocked.size} held by disruption budgets)` : ""}`,
    );
    await pause(POLL_MILLISECONDS, signal, deadline);
  }
}

/** Asks for each pod's eviction once. @returns the pods that were refused, with the API's reason. */
async function evict(cluster: Cluster, pods: readonly V1Pod[], options: DrainOptions): Promise<Map<string, string>> {
  const refused = new Map<string, string>();
  const queue = [...pods];
  const worker = async (): Promise<void> => {
    for (let pod = queue.shift(); pod !== undefined; pod = queue.shift()) {
      const name = pod.metadata?.name ?? "";
      const namespace = pod.metadata?.namespace ?? "";
      try {
        await cluster.core.createNamespacedPodEviction({
          name,
          namespace,
          // Exactly the listed pod: a StatefulSet creates the next one under the same name.
          body: {
            apiVersion: "policy/v1",
            kind: "Eviction",
            metadata: { name, namespace },
            deleteOptions: { preconditions: { uid: pod.metadata?.uid ?? "" } },
          },
        });
      } catch (error) {
        options.signal.throwIfAborted();
        const status = statusOf(error);
        // Gone, or another pod by now: the next listing shows it. Any other error is retried until the deadline.
        if (status !== 404 && status !== 409) refused.set(podName(pod), refusal(error));
      }
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return refused;
}

/** Why the API refused: a disruption budget's own message, if it was one. */
function refusal(error: unknown): string {
  const budget = statusBody(error)?.details?.causes?.find((cause) => cause.reason === "DisruptionBudget");
  return budget?.message ?? describeError(error);
}

function read(cluster: Cluster, nodeName: string, options: DrainOptions): Promise<V1Node | undefined> {
  return call(options, () => ifFound(cluster.core.readNode({ name: nodeName })));
}

/** Its kubelet neither ends pods nor unmounts volumes. */
function isGone(node: V1Node | undefined): node is undefined {
  return node === undefined || isSilent(node);
}

/**
 * Why pods that a budget holds go with the machine; undefined: they do not.
 *
 * - Every node that takes ordinary pods leaves in this run too.
 * - The machine is lost, and is deleted next. Its pods count as unhealthy already, and Kubernetes itself deletes them after their
 *   tolerations' seconds without asking budgets. But where no other worker reports either, it is rather the API that workers do not
 *   reach, and they may serve: Kubernetes' node controller deletes no pods then (`stateFullDisruption`).
 * @param ending The pods that no budget holds.
 */
async function whyRelease(
  cluster: Cluster,
  node: V1Node | undefined,
  ending: readonly V1Pod[],
  options: DrainOptions,
): Promise<string | undefined> {
  const { items } = await call(options, () => cluster.core.listNode());
  // The node itself is not ready.
  if (isGone(node) && items.some((other) => !isController(other) && isReady(other)))
    return "its kubelet is silent and ends none of these pods";
  const isLast = items.every((other) => leaving.has(other.metadata?.name ?? "") || !takesPods(other));
  return ending.length === 0 && isLast ? "no other node is left for these pods" : undefined;
}

function call<Result>(options: DrainOptions, request: () => Promise<Result>): Promise<Result> {
  return persist(new Deadline(limits.api), options.signal, request);
}

function explain(
  nodeName: string,
  seconds: number,
  pods: readonly V1Pod[],
  blocked: ReadonlyMap<string, string>,
): string {
  const lines = pods.map((pod) => {
    const name = podName(pod);
    return `  ${name}: ${blocked.get(name) ?? (isLeaving(pod) ? "is still terminating" : "was evicted, but is still there")}`;
  });
  return (
    `${nodeName}: the node could not be drained within ${seconds} s; its machine was not changed, and the node stays cordoned. Pods left:\n${lines.join("\n")}\n` +
    `Make room for them (more replicas, a wider disruption budget, or delete them), then run \`pulumi up\` again; it resumes here. To let them go with the machine: pulumi config set drain_timeout 0 && pulumi up. To keep the node instead: kubectl uncordon ${nodeName}`
  );
}

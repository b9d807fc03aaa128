/** `corekube:cluster:NodePods`: every node that can run pods has the pod of a DaemonSet, made from its current template, and it serves. */
import type { V1Pod } from "@kubernetes/client-node";
import { z } from "zod";
import { nodePodsShape } from "../../components/contract/resources.js";
import { ApiUnavailable, ifFound, openCluster, persist, statusOf, type Cluster } from "../kubernetes/cluster.js";
import { isComplete, standing, type Standing } from "../kubernetes/daemonSet.js";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import { limits } from "../operation/limits.js";
import { Progress } from "../operation/progress.js";
import { Incomplete, type Operation, type ResourceKind, type State } from "../operation/resourceKind.js";
import { Deadline, pause } from "../operation/timing.js";
import type { Properties } from "../rpc/properties.js";

const schema = z.object(nodePodsShape);
type Inputs = z.infer<typeof schema>;

const POLL_MILLISECONDS = 2_000;
/** Between two looks at all nodes and pods, for each of them: 10 s with 1,000 nodes. */
const LOOK_MILLISECONDS = 10;
/** Nodes that a message names. */
const NAMED = 5;

const idOf = ({ namespace, name }: Inputs): string => `${namespace}/${name}`;

/**
 * In place of the kubernetes provider's own wait for a DaemonSet, which counts pods of nodes that are down too: one worker that does
 * not serve would end every run that changes kube-proxy, before it comes to that worker.
 */
export class NodePods implements ResourceKind {
  readonly secretInputs = new Set(["kubeconfig"]);

  check(inputs: Properties) {
    return checkInputs(nodePodsShape, inputs);
  }

  diff(state: State, inputs: Properties) {
    const replacing = new Set(["namespace", "name"]);
    const changes = changedInputs(state.inputs, inputs, replacing);
    // The last run did not see the end, whatever a refresh has recorded since.
    if (changes.length === 0 && state.outputs["template"] !== inputs["template"])
      return { changes: [{ path: "template", kind: "update" as const, input: false }], deleteBeforeReplace: false };
    return { changes, deleteBeforeReplace: false };
  }

  preview(_state: State | undefined, inputs: Properties): Properties {
    return { template: inputs["template"] ?? "" };
  }

  async create(operation: Operation, given: Properties) {
    return { id: idOf(schema.parse(given)), outputs: await this.#wait(operation, given) };
  }

  update(operation: Operation, _state: State, given: Properties): Promise<Properties> {
    return this.#wait(operation, given);
  }

  read(_operation: Operation, state: State): Promise<Properties> {
    return Promise.resolve(state.outputs);
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }

  async #wait(operation: Operation, given: Properties): Promise<Properties> {
    const inputs = schema.parse(given);
    const deadline = new Deadline(inputs.timeout);
    const progress = new Progress(operation.log, idOf(inputs), deadline);
    const wait = new Wait(operation, inputs, await openCluster(inputs.kubeconfig, operation.signal), progress);
    try {
      for (;;) {
        if (await wait.isDone(deadline)) return { template: inputs.template };
        if (deadline.passed) throw new Error(wait.explain(inputs.timeout));
        await pause(POLL_MILLISECONDS, operation.signal, deadline);
      }
    } catch (error) {
      const reason = operation.signal.aborted ? `${idOf(inputs)}: interrupted` : (error as Error).message;
      throw new Incomplete(`${reason}\nRun \`pulumi up\` again; it resumes here.`, idOf(inputs), {});
    } finally {
      progress.stop();
    }
  }
}

/** One wait for one DaemonSet. */
class Wait {
  readonly #patience = new Deadline(limits.settleWorkers);
  #looked = -Infinity;
  #last: Standing | undefined;
  #selector = "";
  readonly #warned = new Set<string>();

  constructor(
    private readonly operation: Operation,
    private readonly inputs: Inputs,
    private readonly cluster: Cluster,
    private readonly progress: Progress,
  ) {}

  async isDone(deadline: Deadline): Promise<boolean> {
    const { namespace, name } = this.inputs;
    const daemonSet = await this.#ask(() => ifFound(this.cluster.apps.readNamespacedDaemonSet({ namespace, name })));
    if (daemonSet === undefined)
      throw new Error(
        `${idOf(this.inputs)}: the DaemonSet is gone. To make it again, run: pulumi refresh && pulumi up`,
      );
    if (isComplete(daemonSet)) return true;
    const { observedGeneration = 0, updatedNumberScheduled = 0, desiredNumberScheduled = 0 } = daemonSet.status ?? {};
    if (observedGeneration < (daemonSet.metadata?.generation ?? 0)) {
      this.progress.phase("waiting for the DaemonSet's controller");
      return false;
    }
    const now = performance.now();
    if (now - this.#looked < Math.min(LOOK_MILLISECONDS * desiredNumberScheduled, deadline.left)) return false;
    this.#looked = now;
    const labelSelector = Object.entries(daemonSet.spec?.selector.matchLabels ?? {})
      .map((label) => label.join("="))
      .join(",");
    this.#selector = labelSelector;
    const [revisions, pods, nodes] = await this.#ask(() =>
      Promise.all([
        this.cluster.apps.listNamespacedControllerRevision({ namespace, labelSelector }),
        this.cluster.core.listNamespacedPod({ namespace, labelSelector }),
        this.cluster.core.listNode(),
      ]),
    );
    const patience = this.#patience.passed ? "over" : "left";
    const found = standing(daemonSet, revisions.items, pods.items, nodes.items, patience);
    this.#last = found;
    this.#warn(found.leftOut);
    if (found.open.size === 0) return true;
    this.progress.phase(
      `waiting for ${found.open.size} of ${desiredNumberScheduled} nodes (${updatedNumberScheduled} have the new pod): ${list(found.open)}`,
    );
    await Promise.all(found.deletable.map((pod) => this.#delete(pod)));
    return false;
  }

  /** What was waited for. */
  explain(seconds: number): string {
    const { namespace } = this.inputs;
    if (this.#last === undefined)
      return `${idOf(this.inputs)}: the DaemonSet's controller has not noticed its change within ${seconds} s. Look at: kubectl -n kube-system get pods -l component=kube-controller-manager`;
    return `${idOf(this.inputs)}: within ${seconds} s, these nodes got no current pod that serves: ${list(this.#last.open)}. Look at: kubectl -n ${namespace} describe pods -l ${this.#selector}`;
  }

  /** As the DaemonSet's controller replaces a pod: it deletes it. */
  async #delete({ metadata }: V1Pod): Promise<void> {
    const { name = "", namespace = "", uid } = metadata ?? {};
    try {
      await this.#ask(() =>
        this.cluster.core.deleteNamespacedPod({ name, namespace, body: { preconditions: { uid } } }),
      );
    } catch (error) {
      // Gone, or another pod by now.
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
    }
  }

  #warn(leftOut: ReadonlyMap<string, string>): void {
    for (const [node, why] of leftOut) {
      if (this.#warned.has(node)) continue;
      this.#warned.add(node);
      this.operation.log.warn(
        `${idOf(this.inputs)}: not waited for on ${node}, where no pod can start (${why}). It follows when the node serves.`,
      );
    }
  }

  #ask<Result>(request: () => Promise<Result>): Promise<Result> {
    return persist(new Deadline(limits.api), this.operation.signal, request).catch((error: unknown) => {
      if (error instanceof ApiUnavailable) throw new Error(`${idOf(this.inputs)}: ${error.message}`);
      throw error;
    });
  }
}

function list(nodes: ReadonlyMap<string, string>): string {
  const named = [...nodes].slice(0, NAMED).map(([node, why]) => `${node} (${why})`);
  return [...named, ...(nodes.size > NAMED ? [`${nodes.size - NAMED} more`] : [])].join(", ");
}

/** `corekube:machine:Join`: a worker's membership in the cluster; its deletion drains the worker. */
import { joinShape } from "../../components/contract/resources.js";
import { rolloutPlan } from "../../components/rollout/provider/rolloutPlan.js";
import { waitForOthers } from "../../components/rollout/provider/drainGate.js";
import { ApiUnavailable, ifFound, InvalidKubeconfig, openCluster, persist } from "../kubernetes/cluster.js";
import { drain } from "../kubernetes/drain.js";
import { isOf, isReady } from "../kubernetes/node.js";
import { limits } from "../operation/limits.js";
import { Patience } from "../operation/patience.js";
import { Progress } from "../operation/progress.js";
import { redact } from "../operation/redact.js";
import { UNKNOWN, type Properties } from "../rpc/properties.js";
import { credentials } from "../operation/settings.js";
import { Deadline } from "../operation/timing.js";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import { change, join, joinInputs, updateNode, type Joined, type JoinInputs } from "./joining.js";
import { Incomplete, type Change, type Operation, type ResourceKind, type State } from "../operation/resourceKind.js";
import { differs, refreshConfiguration } from "./machineState.js";
import { session, type Session } from "./session.js";

/** Another machine, or another Node name: the old Node leaves first. */
const REPLACING = new Set(["machineId", "nodeName"]);
/** Written to the machine; the other inputs say how to reach it and what to do later. */
const DELIVERED = ["server", "caCertificate"] as const;
const ACCESS = ["host", "bastion", "port"] as const;
/** Written to the Node over the API. */
const ON_NODE = ["labels", "taints"] as const;

/** Of a refresh, which reads every worker's Node: one for all of them. */
const patience = new Patience();

export class Join implements ResourceKind {
  readonly secretInputs = new Set<string>();

  check(inputs: Properties) {
    return checkInputs(joinShape, inputs);
  }

  diff(state: State, inputs: Properties) {
    const changes: Change[] = changedInputs(state.inputs, inputs, REPLACING);
    // No Node's name: the join failed, or a refresh has found the Node gone.
    if (changes.length === 0 && state.outputs["nodeName"] === undefined)
      changes.push({ path: "nodeName", kind: "update", input: false });
    if (changes.length === 0 && differs(state, inputs))
      changes.push({ path: "configuration", kind: "update", input: false });
    // The new machine joins under the same Node name: the old one must leave before.
    return { changes, deleteBeforeReplace: true };
  }

  preview(state: State | undefined, inputs: Properties): Properties {
    return {
      hostKey: state?.outputs["hostKey"] ?? UNKNOWN,
      systemId: state?.outputs["systemId"] ?? UNKNOWN,
      nodeName: inputs["nodeName"] ?? UNKNOWN,
      host: inputs["host"] ?? UNKNOWN,
      configuration: inputs["configuration"] ?? state?.outputs["configuration"] ?? UNKNOWN,
    };
  }

  async create(operation: Operation, given: Properties) {
    const inputs = joinInputs(operation, given);
    const outputs = await this.#connect(operation, inputs, undefined, (at) => join(at, operation, inputs, false));
    return { id: inputs.machineId, outputs };
  }

  async update(operation: Operation, state: State, given: Properties): Promise<Properties> {
    const inputs = joinInputs(operation, given);
    const recorded = state.outputs["hostKey"] as string | undefined;
    if (state.outputs["nodeName"] === undefined)
      return this.#connect(operation, inputs, recorded, (at) => join(at, operation, inputs, true));
    if (DELIVERED.some((key) => state.inputs[key] !== inputs[key]) || differs(state, given))
      return staying(this.#connect(operation, inputs, recorded, (at) => change(at, operation, inputs)));
    if (changedInputs(pick(state.inputs, ON_NODE), pick(given, ON_NODE), REPLACING).length > 0)
      await updateNode(operation, inputs);
    if (ACCESS.every((key) => state.inputs[key] === inputs[key])) return state.outputs;
    const { nodeName, systemId, configuration } = state.outputs as unknown as Joined;
    return staying(
      this.#connect(operation, inputs, recorded, () => Promise.resolve({ nodeName, systemId, configuration })),
    );
  }

  async read(operation: Operation, state: State): Promise<Properties> {
    if (state.outputs["nodeName"] === undefined) return state.outputs;
    const [node, machine] = await Promise.all([
      this.#readNode(operation, state),
      refreshConfiguration(operation, joinInputs(operation, state.inputs), state.outputs),
    ]);
    return { ...node, ...("configuration" in machine ? { configuration: machine["configuration"]! } : {}) };
  }

  /** Without the Node's name once the Node is gone, so that the next `up` joins again and still checks the host key. */
  async #readNode(operation: Operation, state: State): Promise<Properties> {
    const { nodeName, systemId } = state.outputs;
    const { kubeconfig } = credentials(operation.settings);
    try {
      const deadline = new Deadline(patience.seconds);
      const inTime = AbortSignal.any([operation.signal, AbortSignal.timeout(Math.ceil(deadline.left))]);
      const cluster = await openCluster(kubeconfig, inTime);
      const node = await persist(deadline, operation.signal, () =>
        ifFound(cluster.core.readNode({ name: String(nodeName) })),
      );
      patience.answered();
      if (node !== undefined && isOf(node, String(systemId))) return state.outputs;
      operation.log.warn(
        `${String(nodeName)}: the Node object is gone${node === undefined ? "" : " (another machine has its name)"}; the next \`pulumi up\` joins the machine again.`,
      );
      const { nodeName: _gone, ...rest } = state.outputs;
      return rest;
    } catch (error) {
      if (!(error instanceof ApiUnavailable)) throw error;
      patience.unanswered();
      operation.log.warn(`${String(nodeName)}: not refreshed, because ${error.message}.`);
      return state.outputs;
    }
  }

  async delete(operation: Operation, state: State): Promise<void> {
    const given = joinInputs(operation, state.inputs);
    const inputs = { ...given, drainTimeout: rolloutPlan.drainTimeout ?? given.drainTimeout };
    const { nodeName } = inputs;
    const { log } = operation;
    const deadline = new Deadline(inputs.drainTimeout);
    const progress = new Progress(log, nodeName, deadline);
    const api = (): Deadline => new Deadline(limits.api);
    // A planned machine stays: this is the first half of its replacement.
    const planned = rolloutPlan.get(inputs.machine);
    try {
      const cluster = await openCluster(inputs.kubeconfig, operation.signal);
      progress.phase("looking for the node");
      const node = await persist(api(), operation.signal, () => ifFound(cluster.core.readNode({ name: nodeName })));
      if (node === undefined) return;
      if (!isOf(node, String(state.outputs["systemId"]))) {
        log.info(`${nodeName}: the Node with this name belongs to another machine now and is left alone.`);
        return;
      }
      if (planned !== undefined) {
        // Counted before the others are checked, so that no two machines pass at the same time.
        rolloutPlan.leaves(inputs.machine);
        // A node that is not ready is missing already; replacing it repairs it.
        if (isReady(node)) await waitForOthers(operation, cluster, planned, progress);
      }
      if (inputs.drainTimeout > 0)
        await drain(cluster, nodeName, {
          signal: operation.signal,
          deadline: new Deadline(inputs.drainTimeout),
          progress,
          log,
        });
      progress.phase("removing the node");
      await persist(api(), operation.signal, () => ifFound(cluster.core.deleteNode({ name: nodeName })));
    } catch (error) {
      rolloutPlan.stays(inputs.machine);
      if (operation.signal.aborted)
        throw new Error(
          `${nodeName}: interrupted after ${deadline.elapsed} s; \`pulumi up\` resumes here. To keep the node instead: kubectl uncordon ${nodeName}`,
        );
      if (!(error instanceof ApiUnavailable || error instanceof InvalidKubeconfig)) throw error;
      if (planned !== undefined)
        throw new Error(
          `${nodeName}: not replaced, because ${error.message}. Run \`pulumi up\` again once the API answers.`,
        );
      log.warn(
        `${nodeName}: removed without being drained, because ${error.message}. If the cluster still exists, remove the Node: kubectl delete node ${nodeName}`,
      );
    } finally {
      progress.stop();
    }
  }

  async #connect(
    operation: Operation,
    inputs: JoinInputs,
    recorded: string | undefined,
    work: (at: Session) => Promise<Joined>,
  ): Promise<Properties> {
    const secrets = [inputs.privateKey, inputs.kubeconfig];
    try {
      const outputs = await session(operation, inputs, recorded, work);
      rolloutPlan.serves(inputs.machine, { host: inputs.host });
      return { ...outputs, host: inputs.host };
    } catch (error) {
      throw error instanceof Incomplete
        ? new Incomplete(redact(error.message, secrets), error.id, error.outputs)
        : error;
    }
  }
}

/** The worker is in the cluster whatever fails, and the recorded state keeps saying so: the next run tries again, in its turn. */
async function staying(work: Promise<Properties>): Promise<Properties> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof Incomplete ? new Error(error.message) : error;
  }
}

function pick(properties: Properties, keys: readonly string[]): Properties {
  return Object.fromEntries(keys.flatMap((key) => (key in properties ? [[key, properties[key]!]] : [])));
}

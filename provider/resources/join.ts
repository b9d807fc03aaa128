/** `corekube:machine:Join`: a worker that has joined the cluster; its deletion drains the worker. */
import { z } from "zod";
import { announcement } from "../../components/rollout/provider/rolloutPlan.js";
import { waitForOthers } from "../../components/rollout/provider/drainGate.js";
import { ApiUnavailable, ifFound, InvalidKubeconfig, openCluster, persist } from "../kubernetes/cluster.js";
import { drain } from "../kubernetes/drain.js";
import { isOf, isReady } from "../kubernetes/node.js";
import { Progress } from "../operation/progress.js";
import { redact } from "../operation/redact.js";
import { UNKNOWN, type Properties } from "../rpc/properties.js";
import { credentials, type Credentials } from "../operation/settings.js";
import { Deadline } from "../operation/timing.js";
import { changedInputs, checkInputs, machineShape, seconds } from "../operation/inputs.js";
import { join, rejoin, type Joined } from "./joining.js";
import { Incomplete, type Change, type Operation, type ResourceKind, type State } from "../operation/resourceKind.js";
import { visit, type Visit } from "./session.js";

const DNS_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;

const shape = {
  ...machineShape,
  nodeName: z
    .string()
    .regex(DNS_NAME, "must be a Node's name: lower-case letters, digits, dash and dot, at most 253 characters"),
  server: z.url({ protocol: /^https$/, error: "must be the API's https:// address as the machine reaches it" }),
  caCertificate: z.string().includes("BEGIN CERTIFICATE", { message: "must be a certificate in PEM" }),
  drainTimeout: seconds(0).default(300),
  podNetwork: z.boolean().default(true),
};
const schema = z.object(shape);
/** With the way in and to the API, from the provider's configuration. */
export type JoinInputs = z.infer<typeof schema> & Credentials;

/** Another machine, or another Node: the old one leaves first. */
const REPLACING = new Set(["machineId", "nodeName"]);
/** What is on the machine; the rest says how to get there and what to do later. */
const DELIVERED = ["server", "caCertificate"] as const;
const ACCESS = ["host", "bastion", "port"] as const;

/** A deletion must end although the control plane is gone. */
const API_SECONDS = 30;
/** A refresh asks every worker's Node; an API that is away must not hold it up. */
const READ_SECONDS = 10;

export class Join implements ResourceKind {
  readonly secretInputs = new Set<string>();

  check(inputs: Properties) {
    return checkInputs(shape, inputs);
  }

  diff(state: State, inputs: Properties) {
    const changes: Change[] = changedInputs(state.inputs, inputs, REPLACING);
    // No Node's name: the join did not end well, or a refresh has found the Node gone.
    if (changes.length === 0 && state.outputs["nodeName"] === undefined)
      changes.push({ path: "nodeName", kind: "update", input: false });
    // The new machine joins under the same Node name: the old one must be out before.
    return { changes, deleteBeforeReplace: true };
  }

  preview(state: State | undefined, inputs: Properties): Properties {
    return {
      hostKey: state?.outputs["hostKey"] ?? UNKNOWN,
      systemId: state?.outputs["systemId"] ?? UNKNOWN,
      nodeName: inputs["nodeName"] ?? UNKNOWN,
    };
  }

  async create(operation: Operation, given: Properties) {
    const inputs = complete(operation, given);
    const outputs = await this.#visit(operation, inputs, undefined, (at) => join(at, operation, inputs, false));
    return { id: inputs.machineId, outputs };
  }

  async update(operation: Operation, state: State, given: Properties): Promise<Properties> {
    const inputs = complete(operation, given);
    const recorded = state.outputs["hostKey"] as string | undefined;
    if (state.outputs["nodeName"] === undefined)
      return this.#visit(operation, inputs, recorded, (at) => join(at, operation, inputs, true));
    if (DELIVERED.some((key) => state.inputs[key] !== inputs[key]))
      return this.#visit(operation, inputs, recorded, (at) => rejoin(at, operation, inputs));
    if (ACCESS.every((key) => state.inputs[key] === inputs[key])) return state.outputs;
    const { nodeName, systemId } = state.outputs as unknown as Joined;
    try {
      return await this.#visit(operation, inputs, recorded, () => Promise.resolve({ nodeName, systemId }));
    } catch (error) {
      // The worker is in the cluster; only the way to it is wrong, and the recorded state must go on saying so.
      throw error instanceof Incomplete ? new Error(error.message) : error;
    }
  }

  /** Without the Node's name once the Node is gone, so that the next `up` joins again, with the host key still checked. */
  async read(operation: Operation, state: State): Promise<Properties> {
    const { nodeName, systemId } = state.outputs;
    if (nodeName === undefined) return state.outputs;
    const { kubeconfig } = credentials(operation.settings);
    try {
      const cluster = await openCluster(kubeconfig, operation.signal);
      const node = await persist(new Deadline(READ_SECONDS), operation.signal, () =>
        ifFound(cluster.core.readNode({ name: String(nodeName) })),
      );
      if (node !== undefined && isOf(node, String(systemId))) return state.outputs;
      operation.log.warn(
        `${String(nodeName)}: the Node object is gone${node === undefined ? "" : " (another machine has its name)"}; the next \`pulumi up\` joins the machine again.`,
      );
      const { nodeName: _gone, ...rest } = state.outputs;
      return rest;
    } catch (error) {
      if (!(error instanceof ApiUnavailable)) throw error;
      operation.log.warn(`${String(nodeName)}: not checked, because ${error.message}.`);
      return state.outputs;
    }
  }

  async delete(operation: Operation, state: State): Promise<void> {
    const inputs = complete(operation, state.inputs);
    const { nodeName, log } = { nodeName: inputs.nodeName, log: operation.log };
    const deadline = new Deadline(inputs.drainTimeout);
    const progress = new Progress(log, nodeName, deadline);
    const api = (): Deadline => new Deadline(API_SECONDS);
    // It stays: this is the first half of its replacement.
    const staying = announcement.get(inputs.machine);
    try {
      const cluster = await openCluster(inputs.kubeconfig, operation.signal);
      progress.phase("looking for the node");
      const node = await persist(api(), operation.signal, () => ifFound(cluster.core.readNode({ name: nodeName })));
      if (node === undefined) return;
      if (!isOf(node, String(state.outputs["systemId"]))) {
        log.info(`${nodeName}: the Node of this name belongs to another machine by now and is left alone.`);
        return;
      }
      if (staying !== undefined) {
        // Counted before the others are looked at, so that no two think that they are the only one.
        announcement.leaves(inputs.machine);
        // One that is not ready is missing already; its replacement is its repair.
        if (isReady(node)) await waitForOthers(operation, cluster, staying, progress);
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
      announcement.stays(inputs.machine);
      if (operation.signal.aborted)
        throw new Error(
          `${nodeName}: interrupted after ${deadline.elapsed} s; \`pulumi up\` goes on from here. To keep the node instead: kubectl uncordon ${nodeName}`,
        );
      if (!(error instanceof ApiUnavailable || error instanceof InvalidKubeconfig)) throw error;
      if (staying !== undefined)
        throw new Error(
          `${nodeName}: left as it is, because ${error.message}. Run \`pulumi up\` again once the API answers.`,
        );
      log.warn(
        `${nodeName}: goes without being drained, because ${error.message}. If the cluster lives on, remove what is left: kubectl delete node ${nodeName}`,
      );
    } finally {
      progress.stop();
    }
  }

  async #visit(
    operation: Operation,
    inputs: JoinInputs,
    recorded: string | undefined,
    work: (at: Visit) => Promise<Joined>,
  ): Promise<Properties> {
    const secrets = [inputs.privateKey, inputs.kubeconfig];
    try {
      const outputs = await visit(operation, inputs, recorded, work);
      announcement.serves(inputs.machine, { host: inputs.host });
      return { ...outputs };
    } catch (error) {
      throw error instanceof Incomplete
        ? new Incomplete(redact(error.message, secrets), error.id, error.outputs)
        : error;
    }
  }
}

function complete(operation: Operation, given: Properties): JoinInputs {
  return { ...schema.parse(given), ...credentials(operation.settings) };
}

/** `corekube:cluster:Rewrite`: every Secret is encrypted with the key of a number. Comes after all API servers write with it. */
import { z } from "zod";
import { keysInUse, noteKeysInUse, rewriteSecrets } from "../kubernetes/secretEncryption.js";
import { describeError, openCluster, persist, type Cluster } from "../kubernetes/cluster.js";
import { Progress } from "../operation/progress.js";
import type { Properties } from "../rpc/properties.js";
import { Deadline } from "../operation/timing.js";
import { changedInputs, checkInputs, seconds, text } from "../operation/inputs.js";
import { Incomplete, type Operation, type ResourceKind, type State } from "../operation/resourceKind.js";

const shape = {
  number: z.number().int().min(1, "must be at least 1"),
  kubeconfig: text,
  timeout: seconds(1).default(3_600),
};
const schema = z.object(shape);

const API_SECONDS = 60;
const ID = "secrets";

export class Rewrite implements ResourceKind {
  readonly secretInputs = new Set(["kubeconfig"]);

  check(inputs: Properties) {
    return checkInputs(shape, inputs);
  }

  diff(state: State, inputs: Properties) {
    const changes = changedInputs(state.inputs, inputs, new Set());
    // The last one did not end well, whatever a refresh has made of that.
    if (changes.length === 0 && state.outputs["number"] !== inputs["number"])
      return { changes: [{ path: "number", kind: "update" as const, input: false }], deleteBeforeReplace: false };
    return { changes, deleteBeforeReplace: false };
  }

  preview(_state: State | undefined, inputs: Properties): Properties {
    return { number: inputs["number"] ?? 1 };
  }

  async create(operation: Operation, given: Properties) {
    return { id: ID, outputs: await this.#rewrite(operation, given) };
  }

  async update(operation: Operation, state: State, given: Properties): Promise<Properties> {
    const sameKey = state.outputs["number"] === given["number"] && state.inputs["number"] === given["number"];
    return sameKey ? state.outputs : this.#rewrite(operation, given);
  }

  read(_operation: Operation, state: State): Promise<Properties> {
    return Promise.resolve(state.outputs);
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }

  async #rewrite(operation: Operation, given: Properties): Promise<Properties> {
    const { number, kubeconfig, timeout } = schema.parse(given);
    const deadline = new Deadline(timeout);
    const progress = new Progress(operation.log, "Secrets", deadline);
    const signal = AbortSignal.any([operation.signal, AbortSignal.timeout(timeout * 1_000)]);
    try {
      const cluster = await openCluster(kubeconfig, signal);
      await this.#once(operation, cluster, number, signal, progress);
      return { number };
    } catch (error) {
      const reason = operation.signal.aborted
        ? "interrupted"
        : signal.aborted
          ? `not done within ${timeout} s`
          : describeError(error);
      throw new Incomplete(
        `Secrets are not all encrypted with key ${number} yet: ${reason}. They can be read; \`pulumi up\` goes on from here.`,
        ID,
        {},
      );
    } finally {
      progress.stop();
    }
  }

  async #once(
    { log }: Operation,
    cluster: Cluster,
    number: number,
    signal: AbortSignal,
    progress: Progress,
  ): Promise<void> {
    const inUse = await persist(new Deadline(API_SECONDS), signal, () => keysInUse(cluster));
    // Nothing noted: a new cluster, where no other key has ever written.
    if (inUse !== undefined && inUse.some((used) => used !== number)) {
      const done = await rewriteSecrets(cluster, signal, (count) =>
        progress.phase(`${count} written again with key ${number}`),
      );
      log.info(`Secrets: ${done} are encrypted with key ${number} now`);
    }
    await persist(new Deadline(API_SECONDS), signal, () => noteKeysInUse(cluster, [number]));
  }
}

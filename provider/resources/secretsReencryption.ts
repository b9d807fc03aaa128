/** `corekube:cluster:SecretsReencryption`: every Secret is encrypted with a key. Comes after all API servers write with it. */
import { z } from "zod";
import { secretsReencryptionShape } from "../../components/contract/resources.js";
import { keysInUse, recordKeysInUse, reencryptSecrets } from "../kubernetes/secretEncryption.js";
import { describeError, openCluster, persist, type Cluster } from "../kubernetes/cluster.js";
import { Progress } from "../operation/progress.js";
import type { Properties } from "../rpc/properties.js";
import { Deadline } from "../operation/timing.js";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import { Incomplete, type Operation, type ResourceKind, type State } from "../operation/resourceKind.js";

const schema = z.object(secretsReencryptionShape);

const API_SECONDS = 60;
const ID = "secrets";

export class SecretsReencryption implements ResourceKind {
  readonly secretInputs = new Set(["kubeconfig"]);

  check(inputs: Properties) {
    return checkInputs(secretsReencryptionShape, inputs);
  }

  diff(state: State, inputs: Properties) {
    const changes = changedInputs(state.inputs, inputs, new Set());
    // The last one failed, whatever a refresh has recorded since.
    if (changes.length === 0 && state.outputs["number"] !== inputs["number"])
      return { changes: [{ path: "number", kind: "update" as const, input: false }], deleteBeforeReplace: false };
    return { changes, deleteBeforeReplace: false };
  }

  preview(_state: State | undefined, inputs: Properties): Properties {
    return { number: inputs["number"] ?? 1 };
  }

  async create(operation: Operation, given: Properties) {
    return { id: ID, outputs: await this.#reencrypt(operation, given) };
  }

  async update(operation: Operation, state: State, given: Properties): Promise<Properties> {
    const sameKey = state.outputs["number"] === given["number"] && state.inputs["number"] === given["number"];
    return sameKey ? state.outputs : this.#reencrypt(operation, given);
  }

  read(_operation: Operation, state: State): Promise<Properties> {
    return Promise.resolve(state.outputs);
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }

  async #reencrypt(operation: Operation, given: Properties): Promise<Properties> {
    const { number, kubeconfig, timeout } = schema.parse(given);
    const deadline = new Deadline(timeout);
    const progress = new Progress(operation.log, "Secrets", deadline);
    const signal = AbortSignal.any([operation.signal, AbortSignal.timeout(timeout * 1_000)]);
    try {
      const cluster = await openCluster(kubeconfig, signal);
      await this.#reencryptOnce(operation, cluster, number, signal, progress);
      return { number };
    } catch (error) {
      const reason = operation.signal.aborted
        ? "interrupted"
        : signal.aborted
          ? `not done within ${timeout} s`
          : describeError(error);
      throw new Incomplete(
        `Secrets are not all encrypted with key ${number} yet: ${reason}. They can be read; \`pulumi up\` resumes here.`,
        ID,
        {},
      );
    } finally {
      progress.stop();
    }
  }

  async #reencryptOnce(
    { log }: Operation,
    cluster: Cluster,
    number: number,
    signal: AbortSignal,
    progress: Progress,
  ): Promise<void> {
    const inUse = await persist(new Deadline(API_SECONDS), signal, () => keysInUse(cluster));
    // Nothing recorded: a new cluster, where no other key has ever written.
    if (inUse !== undefined && inUse.some((used) => used !== number)) {
      const done = await reencryptSecrets(cluster, signal, (count) =>
        progress.phase(`${count} re-encrypted with key ${number}`),
      );
      log.info(`${done} Secrets re-encrypted with key ${number}`);
    }
    await persist(new Deadline(API_SECONDS), signal, () => recordKeysInUse(cluster, [number]));
  }
}

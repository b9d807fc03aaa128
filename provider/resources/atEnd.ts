/** Resources that do nothing while they are there: what they are for is done when they are deleted, by the cluster's API. */
import type { z } from "zod";
import { ApiUnavailable, type Cluster, openCluster } from "../kubernetes/cluster.js";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import type { Operation, ResourceKind, State } from "../operation/resourceKind.js";
import type { Properties } from "../rpc/properties.js";

export abstract class AtEnd<Inputs extends { readonly kubeconfig: string }> implements ResourceKind {
  readonly secretInputs = new Set(["kubeconfig"]);

  /**
   * @param replacing Names of the inputs whose change replaces the resource.
   * @param undone What to say when the cluster is not reached any more, with the reason.
   */
  protected constructor(
    private readonly schema: z.ZodType<Inputs> & { readonly shape: Readonly<Record<string, z.ZodType>> },
    private readonly replacing: readonly string[],
    private readonly undone: (reason: string) => string,
  ) {}

  protected abstract idOf(inputs: Inputs): string;

  /** @throws Error when it is not done in the time that the inputs give. */
  protected abstract end(operation: Operation, inputs: Inputs, cluster: Cluster): Promise<void>;

  check(inputs: Properties) {
    return checkInputs(this.schema.shape, inputs);
  }

  diff(state: State, inputs: Properties) {
    const changes = changedInputs(state.inputs, inputs, new Set(this.replacing));
    return { changes, deleteBeforeReplace: false };
  }

  preview(): Properties {
    return {};
  }

  create(_operation: Operation, given: Properties) {
    return Promise.resolve({ id: this.idOf(this.schema.parse(given)), outputs: {} });
  }

  update(): Promise<Properties> {
    return Promise.resolve({});
  }

  read(_operation: Operation, state: State): Promise<Properties> {
    return Promise.resolve(state.outputs);
  }

  async delete(operation: Operation, state: State): Promise<void> {
    const inputs = this.schema.parse(state.inputs);
    try {
      await this.end(operation, inputs, await openCluster(inputs.kubeconfig, operation.signal));
    } catch (error) {
      if (!(error instanceof ApiUnavailable)) throw error;
      operation.log.warn(`${this.idOf(inputs)}: ${this.undone(error.message)}`);
    }
  }
}

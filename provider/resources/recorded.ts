/** Resources that keep something in the state, to be shown or read by the next run. They reach no machine. */
import type { z } from "zod";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import type { Operation, ResourceKind, State } from "../operation/resourceKind.js";
import type { Properties } from "../rpc/properties.js";

export class Recorded implements ResourceKind {
  readonly secretInputs = new Set<string>();

  /** @param outputs Names of the inputs that are outputs too. */
  constructor(
    private readonly id: string,
    private readonly shape: Readonly<Record<string, z.ZodType>>,
    private readonly outputs: readonly string[],
  ) {}

  check(inputs: Properties) {
    return checkInputs(this.shape, inputs);
  }

  diff(state: State, inputs: Properties) {
    return { changes: changedInputs(state.inputs, inputs, new Set()), deleteBeforeReplace: false };
  }

  preview(_state: State | undefined, inputs: Properties): Properties {
    return Object.fromEntries(this.outputs.flatMap((name) => (name in inputs ? [[name, inputs[name]!]] : [])));
  }

  create(_operation: Operation, inputs: Properties) {
    return Promise.resolve({ id: this.id, outputs: this.preview(undefined, inputs) });
  }

  update(_operation: Operation, _state: State, inputs: Properties): Promise<Properties> {
    return Promise.resolve(this.preview(undefined, inputs));
  }

  read(_operation: Operation, state: State): Promise<Properties> {
    return Promise.resolve(state.outputs);
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }
}

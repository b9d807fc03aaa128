/** `corekube:machine:Configurations`: what machines were made with, for later runs. Reaches no machine. */
import { configurationsShape } from "../../components/contract/configurations.js";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import type { ResourceKind, State } from "../operation/resourceKind.js";
import type { Properties } from "../rpc/properties.js";

export class Configurations implements ResourceKind {
  readonly secretInputs = new Set<string>();

  check(inputs: Properties) {
    return checkInputs(configurationsShape, inputs);
  }

  /** What no machine runs any more goes along with the next change; it is none by itself, so that a run after a rollout changes nothing. */
  diff(state: State, inputs: Properties) {
    const changes = changedInputs(state.inputs, inputs, new Set());
    return { changes: changes.some(({ kind }) => kind !== "delete") ? changes : [], deleteBeforeReplace: false };
  }

  preview(_state: State | undefined, inputs: Properties): Properties {
    return inputs;
  }

  create(_operation: unknown, inputs: Properties) {
    return Promise.resolve({ id: "configurations", outputs: inputs });
  }

  update(_operation: unknown, _state: State, inputs: Properties): Promise<Properties> {
    return Promise.resolve(inputs);
  }

  read(_operation: unknown, state: State): Promise<Properties> {
    return Promise.resolve(state.outputs);
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }
}

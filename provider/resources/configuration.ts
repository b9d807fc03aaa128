/** `corekube:machine:Configuration`: what machines of a role run, to be shown. Reaches no machine: deliveries and joins bring it there. */
import { configurationShape } from "../../components/contract/configurations.js";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import type { Operation, ResourceKind, State } from "../operation/resourceKind.js";
import type { Properties } from "../rpc/properties.js";

export class Configuration implements ResourceKind {
  readonly secretInputs = new Set<string>();

  check(inputs: Properties) {
    return checkInputs(configurationShape, inputs);
  }

  diff(state: State, inputs: Properties) {
    return { changes: changedInputs(state.inputs, inputs, new Set()), deleteBeforeReplace: false };
  }

  preview(_state: State | undefined, inputs: Properties): Properties {
    return { digest: inputs["digest"]! };
  }

  create(_operation: Operation, inputs: Properties) {
    return Promise.resolve({ id: "configuration", outputs: this.preview(undefined, inputs) });
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

/** `corekube:cluster:Releases`: keeps which releases a cluster has in its state, where the next run reads them. Reaches no machine. */
import { releasesShape } from "../../components/contract/resources.js";
import { changedInputs, checkInputs } from "../operation/inputs.js";
import type { Operation, ResourceKind, State } from "../operation/resourceKind.js";
import type { Properties } from "../rpc/properties.js";

export class Releases implements ResourceKind {
  readonly secretInputs = new Set<string>();

  check(inputs: Properties) {
    return checkInputs(releasesShape, inputs);
  }

  diff(state: State, inputs: Properties) {
    return { changes: changedInputs(state.inputs, inputs, new Set()), deleteBeforeReplace: false };
  }

  preview(_state: State | undefined, inputs: Properties): Properties {
    return inputs;
  }

  create(_operation: Operation, inputs: Properties) {
    return Promise.resolve({ id: "releases", outputs: inputs });
  }

  update(_operation: Operation, _state: State, inputs: Properties): Promise<Properties> {
    return Promise.resolve(inputs);
  }

  read(_operation: Operation, state: State): Promise<Properties> {
    return Promise.resolve(state.outputs);
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }
}

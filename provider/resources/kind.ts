/** The resource types' share of the plugin's interface, with this provider's settings. */
import type * as rpc from "../rpc/kind.js";
import type { Properties } from "../rpc/properties.js";
import type { Settings } from "../settings.js";

export { Incomplete } from "../rpc/kind.js";
export type { Change, Failure } from "../rpc/kind.js";

export type Operation = Pick<rpc.Operation<Settings>, "log" | "signal" | "settings">;
export type State = Pick<rpc.State, "inputs" | "outputs">;

/** Nothing here is gone without the engine's knowledge, and a preview asks nobody. */
export interface ResourceKind extends Omit<
  rpc.Kind<Settings>,
  "secretInputs" | "diff" | "preview" | "create" | "update" | "read" | "delete"
> {
  readonly secretInputs: ReadonlySet<string>;
  diff(state: State, inputs: Properties): rpc.Difference;
  preview(state: State | undefined, inputs: Properties): Properties;
  create(operation: Operation, inputs: Properties): Promise<{ readonly id: string; readonly outputs: Properties }>;
  update(operation: Operation, state: State, inputs: Properties): Promise<Properties>;
  read(operation: Operation, state: State): Promise<Properties>;
  delete(operation: Operation, state: State): Promise<void>;
}

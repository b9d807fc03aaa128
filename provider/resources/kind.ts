/** What a type of resource must offer, free of gRPC. */
import type { Log } from "../rpc/log.js";
import type { Properties } from "../rpc/properties.js";
import type { Settings } from "../settings.js";

/** One call of the engine. */
export interface Operation {
  readonly log: Log;
  /** Aborted when the user interrupts the run. */
  readonly signal: AbortSignal;
  /** The provider's own configuration. */
  readonly settings: Settings;
}

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

/** A changed property: a path such as `timeout` or `files["server.crt"]`. */
export interface Change {
  readonly path: string;
  readonly kind: "add" | "update" | "delete";
  /** The machine is another one: the resource is made anew. */
  readonly replace?: boolean;
  /** False: the difference is in what was reached, not in what was asked for. */
  readonly input?: boolean;
}

export interface State {
  readonly inputs: Properties;
  readonly outputs: Properties;
}

export interface ResourceKind {
  /** Inputs that are always kept as secrets, whatever the program said. */
  readonly secretInputs: ReadonlySet<string>;
  /**
   * Sets defaults and finds mistakes; values may be unknown.
   * @param before The inputs in the state; undefined where the resource is new.
   */
  check(
    inputs: Properties,
    before?: Properties,
  ): { readonly inputs: Properties; readonly failures: readonly Failure[] };
  diff(
    state: State,
    inputs: Properties,
  ): { readonly changes: readonly Change[]; readonly deleteBeforeReplace: boolean };
  /** The outputs as far as a preview knows them. */
  preview(state: State | undefined, inputs: Properties): Properties;
  /** @throws {Incomplete} when it failed but must be remembered, so that the next run goes on from there. */
  create(operation: Operation, inputs: Properties): Promise<{ readonly id: string; readonly outputs: Properties }>;
  update(operation: Operation, state: State, inputs: Properties): Promise<Properties>;
  /** The outputs as they are now. */
  read(operation: Operation, state: State): Promise<Properties>;
  delete(operation: Operation, state: State): Promise<void>;
}

/** The operation failed half-way; what it reached is kept in the state and the next `pulumi up` goes on from there. */
export class Incomplete extends Error {
  constructor(
    message: string,
    readonly id: string,
    readonly outputs: Properties,
  ) {
    super(message);
  }
}

/** What a resource plugin and its types offer, free of gRPC. */
import type { Log } from "./log.js";
import type { Properties } from "./properties.js";

/** One call of the engine. */
export interface Operation<Settings> {
  /** The resource's name in the program. */
  readonly name: string;
  /** What `Plugin.configure` returned. */
  readonly settings: Settings;
  readonly log: Log;
  /** Aborted when the user interrupts the run. */
  readonly signal: AbortSignal;
  /** The program's customTimeouts for this operation, in seconds. @default the kind's own */
  readonly timeout?: number | undefined;
}

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

export interface Checked {
  readonly inputs: Properties;
  readonly failures: readonly Failure[];
}

/** A changed property: a path such as `timeout` or `files["server.crt"]`. */
export interface Change {
  readonly path: string;
  readonly kind: "add" | "update" | "delete";
  /** The resource must be replaced. */
  readonly replace?: boolean;
  /** False: the difference is in the outputs, not in the inputs. */
  readonly input?: boolean;
}

export interface Difference {
  readonly changes: readonly Change[];
  readonly deleteBeforeReplace: boolean;
}

export interface State {
  readonly id: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
}

export interface Kind<Settings> {
  /** Always kept as secrets, whatever the program says. */
  readonly secretInputs?: ReadonlySet<string>;
  readonly secretOutputs?: ReadonlySet<string>;
  /**
   * Sets defaults and finds mistakes; values may be unknown.
   * @param before The inputs in the state; undefined for a new resource.
   */
  check(inputs: Properties, before?: Properties): Checked;
  diff(state: State, inputs: Properties): Difference;
  /** The outputs as far as a preview knows them. */
  preview(
    state: State | undefined,
    inputs: Properties,
    operation: Operation<Settings>,
  ): Properties | Promise<Properties>;
  /** @throws {Incomplete} when it failed but exists, so that the state keeps it. */
  create(
    operation: Operation<Settings>,
    inputs: Properties,
  ): Promise<{ readonly id: string; readonly outputs: Properties }>;
  /** Only called for changes that `diff` does not replace on. */
  update(operation: Operation<Settings>, state: State, inputs: Properties): Promise<Properties>;
  /** The outputs as they are now; undefined: the resource is gone. */
  read(operation: Operation<Settings>, state: State): Promise<Properties | undefined>;
  /** The inputs with what is there now, so that a refresh shows drift. @default the inputs as they are */
  drift?(inputs: Properties, outputs: Properties): Properties;
  delete(operation: Operation<Settings>, state: State): Promise<void>;
}

export type PluginFunction<Settings> = (
  args: Properties,
  call: Pick<Operation<Settings>, "settings" | "signal">,
) => Properties | void | Promise<Properties>;

export interface Plugin<Settings> {
  /** Such as `corekube`. */
  readonly name: string;
  readonly version: string;
  /** By type token. */
  readonly kinds: ReadonlyMap<string, Kind<Settings>>;
  /** By token. */
  readonly functions: ReadonlyMap<string, PluginFunction<Settings>>;
  /** Ends errors about types and functions that it does not have. @default nothing */
  readonly advice?: string;
  /** Settings that are always kept as secrets. */
  readonly secretSettings: ReadonlySet<string>;
  checkSettings(given: Properties): Checked;
  /** A change marked `replace` replaces all resources of the provider. */
  diffSettings(before: Properties, after: Properties): readonly Change[];
  /** Not called while a setting is unknown, nor is anything else then. */
  configure(given: Properties): Settings | Promise<Settings>;
}

/** The operation failed half-way; the state keeps what it reached, and the next `pulumi up` resumes there. */
export class Incomplete extends Error {
  constructor(
    message: string,
    readonly id: string,
    readonly outputs: Properties,
  ) {
    super(message);
  }
}

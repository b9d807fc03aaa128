/** What a plugin and its types of resources offer, free of gRPC. */
import { Incomplete } from "../../../provider/operation/resourceKind.js";
import type { Change, Failure } from "../../../provider/operation/resourceKind.js";
import type { Log } from "../../../provider/rpc/log.js";
import { UNKNOWN, isUnknown, type Properties, type Value } from "../../../provider/rpc/properties.js";

export { Incomplete, UNKNOWN, isUnknown };
export type { Change, Failure, Log, Properties, Value };

/** One call of the engine. */
export interface Operation {
  readonly urn: string;
  /** The resource's name in the program. */
  readonly name: string;
  /** Such as `tls:index/privateKey:PrivateKey`. */
  readonly type: string;
  readonly log: Log;
  /** Aborted when the user interrupts the run. */
  readonly signal: AbortSignal;
  /** The program's customTimeouts for this operation, in seconds; undefined: the kind's own. */
  readonly timeout: number | undefined;
}

export interface CheckOperation {
  readonly urn: string;
  readonly name: string;
  readonly type: string;
  /** The inputs that the resource has now; undefined for a new one. */
  readonly old: Properties | undefined;
  /** Same for the same resource in the preview and in the update after it. */
  readonly seed: Uint8Array;
}

export interface State {
  readonly id: string;
  readonly inputs: Properties;
  readonly outputs: Properties;
}

export interface Difference {
  readonly changes: readonly Change[];
  /** Must go before its successor can come. */
  readonly deleteBeforeReplace: boolean;
}

export interface Kind {
  /** Kept as secrets whatever the program says. */
  readonly secretInputs?: ReadonlySet<string>;
  readonly secretOutputs?: ReadonlySet<string>;
  /** Defaults, names, and rules beyond types, which were checked before. Values may be unknown. */
  check?(
    operation: CheckOperation,
    inputs: Properties,
  ): { readonly inputs: Properties; readonly failures: readonly Failure[] };
  diff(state: State, inputs: Properties): Difference | Promise<Difference>;
  /** The outputs as far as a preview knows them. */
  preview(operation: Operation, state: State | undefined, inputs: Properties): Properties | Promise<Properties>;
  /** @throws {Incomplete} when it failed but exists, so that it is not forgotten. */
  create(operation: Operation, inputs: Properties): Promise<{ readonly id: string; readonly outputs: Properties }>;
  /** Only called for changes that `diff` does not replace on. */
  update(operation: Operation, state: State, inputs: Properties): Promise<Properties>;
  /** What is there now; undefined: it is gone. Inputs are empty at an import. */
  read(operation: Operation, state: State): Promise<State | undefined>;
  delete(operation: Operation, state: State): Promise<void>;
}

export interface Plugin {
  /** Such as `tls`. */
  readonly name: string;
  /** Such as `@pulumi/tls`: its declarations say what inputs there are. */
  readonly sdk: string;
  /** Undefined: not among those that the lab stands in for. */
  kind(type: string): Kind | undefined;
  /** For the error about an unknown type. */
  readonly offered: string;
  /** Module of the SDK that declares `<name>Args`, such as `privateKey`; undefined: inputs are not checked. */
  declaration(type: string): { readonly module: string; readonly name: string } | undefined;
  /** The same for functions; undefined: their arguments are not checked. */
  functionDeclaration?(token: string): { readonly module: string; readonly name: string } | undefined;
  /** Settings that are kept as secrets whatever the program says. */
  readonly secretSettings?: ReadonlySet<string>;
  /** Rules of the provider's own settings beyond their types. Values may be unknown. */
  checkConfig?(settings: Properties): readonly Failure[];
  /** Whether a change of this setting means another account or cluster, so that all resources are made anew. */
  replacesOn?(setting: string, olds: Properties, news: Properties): boolean;
  configure?(settings: Properties): void | Promise<void>;
  invoke?(token: string, args: Properties, signal: AbortSignal): Promise<Properties>;
}

/** A stack's state as `pulumi stack export` prints it. Secrets in it stay encrypted. */

export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly custom?: boolean;
  readonly id?: string;
  /** It is the old half of a replacement, still to be deleted. */
  readonly delete?: boolean;
  /** It was deleted and is to be made again. */
  readonly pendingReplacement?: boolean;
  readonly parent?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
  /** It exists, but did not come to serve; why. */
  readonly initErrors?: readonly string[];
  /** When the engine changed it last. */
  readonly modified?: string;
}

/** An operation that had begun and not ended when the state was written. */
export interface PendingOperation {
  /** `creating`, `updating`, `deleting`, `reading`, `importing`. */
  readonly type: string;
  readonly resource: Pick<StateResource, "urn" | "type">;
}

export interface StackState {
  /** When it was written. */
  readonly written: Date | undefined;
  readonly resources: readonly StateResource[];
  readonly pending: readonly PendingOperation[];
}

interface Exported {
  readonly deployment?: {
    readonly manifest?: { readonly time?: string };
    readonly resources?: readonly StateResource[];
    readonly pending_operations?: readonly PendingOperation[];
  };
}

/** What is left of a failed replacement, still to be deleted, is no resource of the stack. */
export function readState(exported: unknown): StackState {
  const { manifest, resources = [], pending_operations: pending = [] } = (exported as Exported).deployment ?? {};
  const written = new Date(manifest?.time ?? "");
  return {
    // An empty state has the zero of Go's time.
    written: Number.isNaN(written.getTime()) || written.getUTCFullYear() < 2000 ? undefined : written,
    resources: resources.filter((resource) => resource.delete !== true),
    pending,
  };
}

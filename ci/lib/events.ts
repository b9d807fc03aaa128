/**
 * Events of the engine, as `pulumi preview --json` and `pulumi refresh --preview-only --json` stream them with
 * PULUMI_ENABLE_STREAMING_JSON_PREVIEW set (github.com/pulumi/pulumi/sdk/v3/go/common/apitype, type EngineEvent).
 *
 * Without that variable both print one document, in which violations of policies are missing.
 */

export interface ResourceState {
  readonly type: string;
  readonly urn: string;
  readonly id?: string;
  readonly parent?: string;
  /** Secrets are `[secret]`, values that are not known yet are the engine's mark for them. */
  readonly inputs?: Readonly<Record<string, unknown>>;
}

export interface StepMetadata {
  /** `same`, `create`, `update`, `delete`, `replace`, `create-replacement`, `delete-replaced`, `read`, `refresh` ... */
  readonly op: string;
  readonly urn: string;
  readonly type: string;
  readonly old?: ResourceState | null;
  readonly new?: ResourceState | null;
  /** Properties that force the replacement. */
  readonly keys?: readonly string[] | null;
  /** Properties that change. */
  readonly diffs?: readonly string[] | null;
  readonly detailedDiff?: Readonly<Record<string, { readonly diffKind: string; readonly inputDiff: boolean }>> | null;
}

export interface EngineEvent {
  readonly resourcePreEvent?: { readonly metadata: StepMetadata };
  readonly resOutputsEvent?: { readonly metadata: StepMetadata };
  readonly diagnosticEvent?: {
    readonly urn?: string;
    readonly prefix?: string;
    readonly message: string;
    readonly severity: string;
    readonly ephemeral?: boolean;
  };
  readonly policyEvent?: {
    readonly resourceUrn?: string;
    readonly message: string;
    readonly policyName: string;
    readonly policyPackName: string;
    readonly enforcementLevel: string;
  };
  readonly summaryEvent?: {
    readonly resourceChanges?: Readonly<Record<string, number>>;
    readonly PolicyPacks?: Readonly<Record<string, string>>;
    readonly result?: string;
  };
}

/**
 * One line of the stream; undefined for what is no event, and for debug messages: those carry outputs of resources as
 * they are, private keys included, and must not leave the process.
 */
export function readEvent(line: string): EngineEvent | undefined {
  if (!line.startsWith("{")) return undefined;
  let event: EngineEvent;
  try {
    event = JSON.parse(line) as EngineEvent;
  } catch {
    return undefined;
  }
  return event.diagnosticEvent?.severity === "debug" ? undefined : event;
}

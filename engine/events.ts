/**
 * Events of the engine as `pulumi ... --json` streams them (github.com/pulumi/pulumi/sdk/v3/go/common/apitype, type
 * EngineEvent); previews do so only with PULUMI_ENABLE_STREAMING_JSON_PREVIEW. Without it they print one document, which
 * lacks policy violations.
 */

interface ResourceState {
  readonly type: string;
  readonly urn: string;
  readonly id?: string;
  readonly parent?: string;
  /** Secrets are `[secret]`; values that are not known yet are the engine's placeholder. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
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
  readonly resOpFailedEvent?: { readonly metadata: StepMetadata };
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
 * One line of the stream; undefined for anything but an event, and for debug messages: they hold outputs of resources
 * unmasked, private keys included, and must not leave the process.
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

/** A message without the colors that policies and providers may put into it. */
export function plainText(text: string): string {
  return text
    .replace(/\u001b\[[0-9;]*m/g, "")
    .replace(/<\{%[^%]*%\}>/g, "")
    .trim();
}

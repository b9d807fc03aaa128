/** What a run would do, from the engine's events. */
import { createHash } from "node:crypto";
import { plainText, type EngineEvent, type StepMetadata } from "../../engine/events.js";
import { withoutSecrets } from "../../engine/secrets.js";

export type Action = "create" | "update" | "replace" | "delete";

export interface Property {
  /** Path such as `inboundRules[7]`. */
  readonly path: string;
  /** Old and new value where both are short, else a summary. */
  readonly text: string;
  /** It is why the resource is replaced. */
  readonly replaces: boolean;
}

export interface Change {
  readonly action: Action;
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  /** Component that it belongs to, such as `etcd` or `workers`; `stack` for what belongs to none. */
  readonly component: string;
  readonly properties: readonly Property[];
  /** SHA-256 over what is asked for: equal in two previews that would do the same. */
  readonly digest: string;
}

export interface Violation {
  readonly policy: string;
  /** Mandatory ones fail the run. */
  readonly mandatory: boolean;
  /** Name of the resource; empty for the stack as a whole. */
  readonly resource: string;
  readonly message: string;
}

export interface Plan {
  readonly changes: readonly Change[];
  readonly violations: readonly Violation[];
  /** Errors of the engine, without secrets. */
  readonly errors: readonly string[];
  /** Resources that stay as they are. */
  readonly unchanged: number;
  /** Whether the engine came to its end. */
  readonly complete: boolean;
  /** SHA-256 over all changes: equal in two previews that would do the same. */
  readonly digest: string;
}

const replacing: readonly string[] = [
  "replace",
  "create-replacement",
  "delete-replaced",
  "import-replacement",
  "read-replacement",
  "discard-replaced",
];
/** Longer values are not shown: user-data, certificates, manifests. */
const longestValue = 60;

/** Reads a preview. */
export function readChanges(events: readonly EngineEvent[]): Plan {
  return collect(
    events,
    events.flatMap((event) => event.resourcePreEvent?.metadata ?? []),
  );
}

/** Reads a preview of a refresh: there, what differs is known only after the resource was read. */
export function readDrift(events: readonly EngineEvent[]): Plan {
  return collect(
    events,
    events.flatMap((event) => event.resOutputsEvent?.metadata ?? []),
  );
}

/** Last part of a URN. */
export const nameOf = (urn: string): string => urn.split("::").at(-1) ?? urn;

/** `digitalocean:Droplet` of `digitalocean:index/droplet:Droplet`. */
export const shortType = (type: string): string => type.replace(/:[^:]*\/[^:]*:/, ":");

/** The component at the top of a URN's chain of types: `workers` of `...::corekube:workers:Workers$corekube:machine:Join::...`. */
export function componentOf(urn: string): string {
  const types = (urn.split("::")[2] ?? "").split("$");
  const component = types.slice(0, -1).find((type) => type.startsWith("corekube:"));
  return component?.split(":")[1] ?? "stack";
}

function collect(events: readonly EngineEvent[], steps: readonly StepMetadata[]): Plan {
  const byUrn = new Map<string, StepMetadata[]>();
  for (const step of steps) {
    if (actionOf([step]) === undefined || step.type === "pulumi:pulumi:Stack") continue;
    byUrn.set(step.urn, [...(byUrn.get(step.urn) ?? []), step]);
  }
  const changes = [...byUrn].map(([urn, own]) => toChange(urn, own)).sort((a, b) => (a.urn < b.urn ? -1 : 1));
  const summary = events.find((event) => event.summaryEvent)?.summaryEvent;
  return {
    changes,
    violations: events.flatMap(({ policyEvent: event }) =>
      event === undefined || event.enforcementLevel === "none" || event.enforcementLevel === "disabled"
        ? []
        : [
            {
              policy: `${event.policyPackName}/${event.policyName}`,
              mandatory: event.enforcementLevel === "mandatory",
              resource: nameOf(event.resourceUrn ?? ""),
              message: withoutSecrets(plainText(event.message)),
            },
          ],
    ),
    errors: events.flatMap(({ diagnosticEvent: event }) =>
      event?.severity === "error" && event.ephemeral !== true
        ? [withoutSecrets(plainText(`${event.urn ? `${nameOf(event.urn)}: ` : ""}${event.message}`))]
        : [],
    ),
    unchanged: summary?.resourceChanges?.["same"] ?? 0,
    complete: summary !== undefined && summary.result !== "failed",
    digest: sha256(changes.map(({ urn, digest }) => [urn, digest])),
  };
}

function actionOf(steps: readonly StepMetadata[]): Action | undefined {
  if (steps.some(({ op }) => replacing.includes(op))) return "replace";
  const [op] = steps.map((step) => step.op);
  if (op === "create" || op === "update" || op === "delete") return op;
  return op === "import" ? "create" : undefined;
}

function toChange(urn: string, steps: readonly StepMetadata[]): Change {
  const action = actionOf(steps)!;
  // Of a replacement's steps, the one with most details: what changed and why it replaces.
  const main =
    steps.find(({ op, detailedDiff }) => op === "replace" && detailedDiff) ??
    steps.find(({ op }) => op === "replace") ??
    steps[0]!;
  const keys = main.keys ?? [];
  const paths = main.detailedDiff ? Object.keys(main.detailedDiff) : [...(main.diffs ?? [])];
  const properties =
    action === "update" || action === "replace"
      ? paths.sort().map((path) => ({
          path,
          text: withoutSecrets(difference(at(main.old?.inputs, path), at(main.new?.inputs, path))),
          replaces: (main.detailedDiff?.[path]?.diffKind ?? "").endsWith("-replace") || keys.includes(path),
        }))
      : [];
  const wanted = [action, urn, main.old?.id, paths, [...keys].sort(), main.new?.inputs];
  return {
    action,
    urn,
    type: main.type,
    name: nameOf(urn),
    component: componentOf(urn),
    properties,
    digest: sha256(wanted),
  };
}

/** A value at a path as the engine writes it: `inboundRules[7].sourceAddresses[0]`, `tags["a.b"]`. */
function at(value: unknown, path: string): unknown {
  const parts = [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? "",
  );
  return parts.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[key] : undefined),
    value,
  );
}

function difference(before: unknown, after: unknown): string {
  const [old, fresh] = [shown(before), shown(after)];
  if (before === undefined && after === undefined) return "changes";
  if (before === undefined) return `${fresh} added`;
  if (after === undefined) return `${old} removed`;
  return old === fresh ? "changes" : `${old} → ${fresh}`;
}

/** The engine's mark for a value that is known only when the run has made what it comes from. */
const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function shown(value: unknown): string {
  if (value === unknown) return "(known after the run)";
  const text = JSON.stringify(value) ?? "";
  return text.length > longestValue ? `(${text.length} characters)` : text;
}

function sha256(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value, sorted)).digest("hex");
}

/** Objects with their keys in order: equal content, equal text. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

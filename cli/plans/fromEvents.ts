/** Where a plan stands by the engine's events: those of a preview, or those of a run as they come. */
import { plainText, type EngineEvent, type StepMetadata } from "../../engine/events.js";
import type { Progress, ResourceProgress } from "./plan.js";
import { type Ref, refOf } from "./topology.js";

const words: Readonly<Record<string, string>> = {
  create: "create",
  update: "change",
  delete: "delete",
  replace: "replace",
  "create-replacement": "replace",
  "delete-replaced": "replace",
  import: "import",
};

/** Halves of a replacement, after which the other half is to come. */
const halves: readonly string[] = ["delete-replaced", "replace"];

const quiet: readonly string[] = ["same", "read", "refresh"];

/** What a run would do to each resource: its URN to a word. What stays is not among them. */
export type Changes = ReadonlyMap<string, string>;

/** Reads the events of a preview. */
export function changesOf(events: readonly EngineEvent[]): Changes {
  const changes = new Map<string, string>();
  for (const { resourcePreEvent } of events) {
    if (resourcePreEvent === undefined) continue;
    const { urn, op } = resourcePreEvent.metadata;
    const word = words[op];
    if (word !== undefined && changes.get(urn) !== "replace") changes.set(urn, word);
  }
  return changes;
}

interface Known {
  readonly progress: Progress;
  readonly detail?: string;
}

/** Follows a run. */
export class RunProgress {
  readonly #known = new Map<string, Known>();

  /**
   * @param urns Resources that the stack had before the run.
   * @param changes What a preview of this run has found; without them, everything may change.
   */
  constructor(urns: readonly string[], changes: Changes = new Map()) {
    for (const urn of urns) this.#known.set(urn, { progress: "unchanged" });
    for (const [urn, detail] of changes) this.#known.set(urn, { progress: "pending", detail });
  }

  event({ resourcePreEvent, resOutputsEvent, resOpFailedEvent, diagnosticEvent }: EngineEvent): void {
    if (resourcePreEvent) this.#begin(resourcePreEvent.metadata);
    if (resOutputsEvent) this.#end(resOutputsEvent.metadata);
    if (resOpFailedEvent) this.#fail(resOpFailedEvent.metadata.urn);
    if (diagnosticEvent?.urn && diagnosticEvent.severity === "error" && !diagnosticEvent.ephemeral)
      this.#fail(diagnosticEvent.urn, plainText(diagnosticEvent.message).split("\n")[0]);
  }

  resources(): readonly ResourceProgress[] {
    return [...this.#known].map(([urn, known]) => ({ ref: refOf(urn), ...known }));
  }

  refs(): readonly Ref[] {
    return [...this.#known.keys()].map(refOf);
  }

  #begin({ urn, op }: StepMetadata): void {
    const word = words[op];
    if (word !== undefined) this.#known.set(urn, { progress: "started", detail: word });
    else if (!this.#known.has(urn)) this.#known.set(urn, { progress: "unchanged" });
  }

  #end({ urn, op }: StepMetadata): void {
    if (halves.includes(op)) return;
    const detail = words[op];
    if (detail !== undefined) this.#known.set(urn, { progress: "done", detail });
    // A preview may have expected a change that did not come.
    else if (quiet.includes(op) && this.#known.get(urn)?.progress === "pending")
      this.#known.set(urn, { progress: "unchanged" });
  }

  #fail(urn: string, reason?: string): void {
    const before = this.#known.get(urn);
    this.#known.set(urn, {
      progress: "failed",
      detail: reason ?? (before?.progress === "failed" ? before.detail : undefined) ?? "failed",
    });
  }
}

/** A preview as the resources of a plan that nobody has started. */
export const previewed = (urns: readonly string[], changes: Changes): readonly ResourceProgress[] =>
  new RunProgress(urns, changes).resources();

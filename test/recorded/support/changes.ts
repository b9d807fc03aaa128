/** What a preview would do to resources that exist, and which of it a checkout may not do to a stack of an earlier release. Pure. */
import type { EngineEvent } from "../../../engine/events.js";

export interface ResourceChange {
  readonly urn: string;
  readonly what: "create" | "update" | "replace" | "delete";
  /** Properties that are the reason; of a creation and a deletion none. */
  readonly because: readonly string[];
}

/** Something that a later checkout does to stacks of a release, and why users have to accept it. */
export interface Expected {
  /** End of the URN. */
  readonly resource: RegExp;
  readonly what: ResourceChange["what"];
  readonly why: string;
}

/** The engine's operations; a replacement has two more, for what goes and what comes. */
const kinds: readonly string[] = ["create", "update", "replace", "delete"] satisfies ResourceChange["what"][];

/** All changes of a preview, in its order. */
export function changesOf(events: readonly EngineEvent[]): readonly ResourceChange[] {
  return events.flatMap(({ resourcePreEvent }) => {
    if (resourcePreEvent === undefined) return [];
    const { op, urn, keys, diffs, detailedDiff } = resourcePreEvent.metadata;
    if (!kinds.includes(op)) return [];
    const what = op as ResourceChange["what"];
    const changed = Object.keys(detailedDiff ?? {});
    return [{ urn, what, because: what === "replace" ? (keys ?? []) : changed.length > 0 ? changed : (diffs ?? []) }];
  });
}

/** Nothing of its own changes: it follows what it depends on. */
const follows = ({ what, because }: ResourceChange): boolean => what === "replace" && because.length === 0;

/** What must not be: everything but changes in place, unless it is expected. Where something is replaced for a reason, what follows it is not repeated. */
export function unwanted(
  changes: readonly ResourceChange[],
  expected: readonly Expected[] = [],
): readonly ResourceChange[] {
  const replaced = changes.some((change) => change.what === "replace" && !follows(change));
  return changes.filter(
    (change) =>
      change.what !== "update" &&
      !(replaced && follows(change)) &&
      !expected.some(({ what, resource }) => what === change.what && resource.test(change.urn)),
  );
}

/** One line for each, with the resource and the reason. */
export const described = (changes: readonly ResourceChange[]): string[] =>
  changes.map((change) => {
    const { urn, what, because } = change;
    const reasons = follows(change) ? "what it depends on is replaced" : because.join(", ");
    return `${what} ${urn}${reasons === "" ? "" : `: ${reasons}`}`;
  });

/** Names of the stack's outputs after a run. */
export function outputNames(events: readonly EngineEvent[]): readonly string[] {
  const stack = events
    .map(({ resOutputsEvent }) => resOutputsEvent?.metadata)
    .findLast((each) => each?.type === "pulumi:pulumi:Stack");
  return Object.keys(stack?.new?.outputs ?? {}).sort();
}

/** Finds what differs between two property bags. Pure. */
import { isList, isObject } from "./inputs.js";
import type { Change, Properties, Value } from "./kind.js";

export interface Rules {
  /** Whether a change at this path (`spec.ports[0].port`) makes a new resource. */
  replaces(path: string): boolean;
  /** Whether two values of a top-level property mean the same. @default only when they are equal */
  same?(property: string, before: Value | undefined, after: Value | undefined): boolean;
}

export function compare(before: Properties, after: Properties, rules: Rules): Change[] {
  const changes: Change[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (key.startsWith("__")) continue;
    if (rules.same?.(key, before[key], after[key]) === true) continue;
    visit(key, before[key], after[key], rules, changes);
  }
  return changes;
}

function visit(
  path: string,
  before: Value | undefined,
  after: Value | undefined,
  rules: Rules,
  changes: Change[],
): void {
  const had = (before ?? null) !== null;
  const has = (after ?? null) !== null;
  if (!had && !has) return;
  if (!had || !has) {
    changes.push({ path, kind: has ? "add" : "delete", replace: rules.replaces(path) });
  } else if (isList(before) && isList(after)) {
    for (let index = 0; index < Math.max(before.length, after.length); index++)
      visit(`${path}[${index}]`, before[index], after[index], rules, changes);
  } else if (isObject(before) && isObject(after)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(after)]))
      visit(child(path, key), before[key], after[key], rules, changes);
  } else if (before !== after) {
    changes.push({ path, kind: "update", replace: rules.replaces(path) });
  }
}

/** Paths in the engine's notation: names with a dot or a bracket are quoted. */
export function child(path: string, key: string): string {
  return /^[A-Za-z_$][\w$-]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

/** First name of a path. */
export function topOf(path: string): string {
  return path.split(/[.[]/, 1)[0] ?? path;
}

export function sameValue(before: Value | undefined, after: Value | undefined): boolean {
  const changes: Change[] = [];
  visit("", before, after, { replaces: () => false }, changes);
  return changes.length === 0;
}

/** Finds what differs between two property bags. Pure. */
import type { Change } from "../../../provider/rpc/kind.js";
import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { isGiven, isList, isObject } from "./values.js";

export interface Rules {
  /** Whether a change at this path (`spec.ports[0].port`) replaces the resource. */
  replaces(path: string): boolean;
  /** Whether two values of a top-level property mean the same. @default only when they are equal */
  same?(property: string, before: Value | undefined, after: Value | undefined): boolean;
}

export function compare(before: Properties, after: Properties, rules: Rules): Change[] {
  const changes: Change[] = [];
  const visit = (path: string, old: Value | undefined, now: Value | undefined): void => {
    if (!isGiven(old) && !isGiven(now)) return;
    if (!isGiven(old) || !isGiven(now)) {
      changes.push({ path, kind: isGiven(now) ? "add" : "delete", replace: rules.replaces(path) });
    } else if (isList(old) && isList(now)) {
      for (let index = 0; index < Math.max(old.length, now.length); index++)
        visit(`${path}[${index}]`, old[index], now[index]);
    } else if (isObject(old) && isObject(now)) {
      for (const key of keys(old, now)) visit(child(path, key), old[key], now[key]);
    } else if (old !== now) {
      changes.push({ path, kind: "update", replace: rules.replaces(path) });
    }
  };
  for (const key of keys(before, after)) {
    if (key.startsWith("__") || rules.same?.(key, before[key], after[key]) === true) continue;
    visit(key, before[key], after[key]);
  }
  return changes;
}

/** First name of a path. */
export function topOf(path: string): string {
  return path.split(/[.[]/, 1)[0] ?? path;
}

function keys(before: Properties, after: Properties): Set<string> {
  return new Set([...Object.keys(before), ...Object.keys(after)]);
}

/** Paths in the engine's notation: names with a dot or a bracket are quoted. */
function child(path: string, key: string): string {
  return /^[A-Za-z_$][\w$-]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

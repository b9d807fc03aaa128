/** Compares values as the clouds' APIs mean them. Pure. */
import { isList, isObject } from "./inputs.js";
import { type Properties, UNKNOWN, type Value } from "./kind.js";

/** Equal when order in lists means nothing, as nearly nowhere in the clouds' APIs, and missing is the same as empty. */
export function sameSets(left: Value | undefined, right: Value | undefined): boolean {
  return canonical(left) === canonical(right);
}

/** Whether what was asked for is there; the API adds defaults of its own. */
export function holds(asked: Value | undefined, actual: Value | undefined): boolean {
  if (isObject(asked) && isObject(actual))
    return Object.entries(asked).every(([key, value]) => holds(value, actual[key]));
  if (isList(asked) && isList(actual)) {
    if (asked.length !== actual.length) return false;
    const left = [...actual];
    return asked.every((item) => {
      const index = left.findIndex((candidate) => holds(item, candidate));
      if (index < 0) return false;
      left.splice(index, 1);
      return true;
    });
  }
  return sameSets(asked, actual);
}

function canonical(value: Value | undefined): string {
  if (value === UNKNOWN) return "unknown";
  if (isEmpty(value)) return "null";
  if (isList(value)) return `[${value.map(canonical).sort().join(",")}]`;
  if (isObject(value)) {
    const entries: [string, string][] = Object.entries(value).map(([key, item]) => [key, canonical(item)]);
    return `{${entries
      .filter(([, item]) => item !== "null")
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${key}:${item}`)
      .join(",")}}`;
  }
  return JSON.stringify(value);
}

function isEmpty(value: Value | undefined): value is undefined | null {
  return value === undefined || value === null || (isList(value) && value.length === 0);
}

/** Only the named properties. */
export function pick(properties: Properties, names: readonly string[]): Properties {
  return Object.fromEntries(
    names.filter((name) => (properties[name] ?? null) !== null).map((name) => [name, properties[name] ?? null]),
  );
}

/** Reads and compares values of property bags. Pure. */
import { type Properties, UNKNOWN, type Value } from "../../../provider/rpc/properties.js";

export function isObject(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

export function isGiven(value: Value | undefined): boolean {
  return (value ?? null) !== null;
}

/** Undefined for an empty text too. */
export function text(value: Value | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function number(value: Value | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

export function flag(value: Value | undefined): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}

export function texts(value: Value | undefined): string[] {
  return isList(value) ? value.map(String) : [];
}

/** Empty when it is not an object. */
export function bag(value: Value | undefined): Properties {
  return isObject(value) ? value : {};
}

/** The objects of a list. */
export function bags(value: Value | undefined): Properties[] {
  return isList(value) ? value.filter(isObject) : [];
}

/** Equal when the order of lists means nothing, as nearly everywhere in the clouds' APIs, and missing is the same as empty. */
export function same(left: Value | undefined, right: Value | undefined): boolean {
  return canonical(left) === canonical(right);
}

/** Whether all given values are present; the API adds defaults. */
export function holds(asked: Value | undefined, actual: Value | undefined): boolean {
  if (isObject(asked) && isObject(actual))
    return Object.entries(asked).every(([key, value]) => holds(value, actual[key]));
  if (!isList(asked) || !isList(actual)) return same(asked, actual);
  const left = [...actual];
  return (
    asked.length === actual.length &&
    asked.every((item) => {
      const index = left.findIndex((candidate) => holds(item, candidate));
      return index >= 0 && left.splice(index, 1).length > 0;
    })
  );
}

function canonical(value: Value | undefined): string {
  if (value === UNKNOWN) return "unknown";
  if (!isGiven(value) || (isList(value) && value.length === 0)) return "null";
  if (isList(value)) return `[${value.map(canonical).sort().join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value)
    .map(([key, item]): [string, string] => [key, canonical(item)])
    .filter(([, item]) => item !== "null")
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${item}`).join(",")}}`;
}

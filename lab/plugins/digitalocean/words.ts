/** Translates between the API's names and the SDK's, and compares values as the API means them. Pure. */
import { isList, isObject } from "../framework/inputs.js";
import { type Properties, UNKNOWN, type Value } from "../framework/kind.js";

export type Renames = Readonly<Record<string, string>>;

/** SDK's form to the API's, without nulls. @param renames SDK's name to the API's where it is not just the case. */
export function toApi(value: Value, renames: Renames = {}): unknown {
  if (isList(value)) return value.map((item) => toApi(item, renames));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([key, item]) => item !== null && !key.startsWith("__"));
  return Object.fromEntries(entries.map(([key, item]) => [renames[key] ?? key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), toApi(item, renames)]));
}

/** The API's form to the SDK's. @param renames As in {@link toApi}. */
export function fromApi(value: unknown, renames: Renames = {}): Value {
  const back = Object.fromEntries(Object.entries(renames).map(([sdk, api]) => [api, sdk]));
  const convert = (item: unknown): Value => {
    if (Array.isArray(item)) return item.map(convert);
    if (typeof item !== "object" || item === null) return (item ?? null) as Value;
    return Object.fromEntries(Object.entries(item).map(([key, inner]) => [back[key] ?? key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()), convert(inner)]));
  };
  return convert(value);
}

/** Equal when order in lists means nothing, as nowhere in this API, and missing is the same as empty. */
export function sameSets(left: Value | undefined, right: Value | undefined): boolean {
  return canonical(left) === canonical(right);
}

/** Whether what was asked for is there; the API adds defaults of its own. */
export function holds(asked: Value | undefined, actual: Value | undefined): boolean {
  if (isObject(asked) && isObject(actual)) return Object.entries(asked).every(([key, value]) => holds(value, actual[key]));
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
    return `{${entries.filter(([, item]) => item !== "null").sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => `${key}:${item}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

function isEmpty(value: Value | undefined): value is undefined | null {
  return value === undefined || value === null || (isList(value) && value.length === 0);
}

/** Only the named properties. */
export function pick(properties: Properties, names: readonly string[]): Properties {
  return Object.fromEntries(names.filter((name) => (properties[name] ?? null) !== null).map((name) => [name, properties[name] ?? null]));
}

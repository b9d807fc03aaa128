/** Properties of resources as plain data, with a mark where a preview cannot know the value yet. */

/** A value that is known only after the change. Rules skip it: the next preview or the update checks it. */
export const unknown: unique symbol = Symbol("known after the change");

export type Value = string | number | boolean | null | undefined | typeof unknown | readonly Value[] | Bag;

export interface Bag {
  readonly [key: string]: Value;
}

/**
 * A copy without surprises: the SDK's own objects throw at every access to an unknown value, which would end the rule there and let
 * everything behind it through.
 */
function plain(value: unknown): Value {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return value;
    case "object":
      break;
    default:
      return undefined;
  }
  if (value === null) return null;
  if (Array.isArray(value)) return Array.from({ length: value.length }, (_, index) => read(value, index));
  return Object.fromEntries(Object.keys(value).map((key) => [key, read(value, key)]));
}

export function plainBag(value: unknown): Bag {
  return bag(plain(value));
}

function read(container: object, key: string | number): Value {
  let found: unknown;
  try {
    found = (container as Record<string | number, unknown>)[key];
  } catch {
    return unknown;
  }
  return plain(found);
}

/** The value as an object; what is none counts as empty. */
export function bag(value: Value): Bag {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Bag) : {};
}

/** The value as a list; a value alone counts as a list of one, nothing and unknown as an empty one. */
export function list(value: Value): readonly Value[] {
  if (Array.isArray(value)) return value as readonly Value[];
  return value === undefined || value === null || value === unknown ? [] : [value];
}

/** The texts in a list; others are left out. */
export function texts(value: Value): string[] {
  return list(value).filter((item): item is string => typeof item === "string");
}

/** True when the value, or a part of it, is unknown. */
export function hasUnknown(value: Value): boolean {
  if (value === unknown) return true;
  if (Array.isArray(value)) return (value as readonly Value[]).some(hasUnknown);
  return typeof value === "object" && value !== null && Object.values(value).some(hasUnknown);
}

/** Clouds' JSON holds booleans as texts here and there. */
export function isTrue(value: Value): boolean {
  return value === true || value === "true";
}

/** An object, or the object that a JSON text holds; undefined: neither. */
export function parsed(value: Value): Value {
  if (typeof value !== "string") return value;
  try {
    return plain(JSON.parse(value));
  } catch {
    return undefined;
  }
}

/** A text, number or boolean as text; empty for everything else. */
export function scalar(value: Value): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** For messages: what was found where something else must be. */
export function shown(value: Value): string {
  if (value === undefined || value === null) return "nothing";
  return typeof value === "object" || typeof value === "symbol" ? "something of another kind" : String(value);
}

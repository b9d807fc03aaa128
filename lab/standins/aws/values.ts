/** Reads values of property bags as what the API takes. Pure. */
import { isList, isObject } from "../framework/inputs.js";
import type { Properties, Value } from "../framework/kind.js";

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

/** Empty when it is no object. */
export function bag(value: Value | undefined): Properties {
  return isObject(value) ? value : {};
}

/** Objects of a list. */
export function bags(value: Value | undefined): Properties[] {
  return isList(value) ? value.filter(isObject) : [];
}

export function isGiven(value: Value | undefined): boolean {
  return (value ?? null) !== null;
}

/** Same members, in any order. */
export function sameMembers(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && [...left].sort().join("\n") === [...right].sort().join("\n");
}

/** Two documents mean the same: white space and the order of keys do not count. */
export function sameJson(left: Value | undefined, right: Value | undefined): boolean {
  if (left === right) return true;
  if (typeof left !== "string" || typeof right !== "string") return false;
  try {
    return canonical(JSON.parse(left)) === canonical(JSON.parse(right));
  } catch {
    return false;
  }
}

/** A list of one string and that string mean the same in policies, and the order of a list means nothing. */
function canonical(value: unknown): string {
  if (Array.isArray(value))
    return value.length === 1 ? canonical(value[0]) : `[${value.map(canonical).sort().join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

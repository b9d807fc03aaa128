/** Checks inputs against what the SDK declares, so that a mistake is found in the preview. Pure. */
import type { Declaration, ObjectType, Type } from "./declarations.js";
import { UNKNOWN, type Failure, type Properties, type Value } from "./kind.js";

/** Names that the engine or the SDK adds. */
const ownNames = new Set(["__defaults", "__meta", "__internal", "version", "pluginDownloadURL"]);

/** @param what Name of the resource type, for the messages. */
export function checkInputs(declaration: Declaration, inputs: Properties, what: string): Failure[] {
  const failures: Failure[] = [];
  const root = declaration.objects[declaration.root];
  if (root !== undefined) checkObject(declaration, root, inputs, "", what, failures);
  return failures;
}

function checkObject(
  declaration: Declaration,
  type: ObjectType,
  value: Properties,
  path: string,
  what: string,
  failures: Failure[],
): void {
  const names = Object.keys(type);
  for (const [name, item] of Object.entries(value)) {
    const property = type[name];
    const place = path === "" ? name : `${path}.${name}`;
    if (property === undefined) {
      if (ownNames.has(name)) continue;
      const near = nearest(name, names);
      const advice = near === undefined ? `it has ${names.sort().join(", ")}` : `did you mean "${near}"?`;
      failures.push({
        property: place,
        reason: `"${name}" is no property of ${path === "" ? what : `${what}'s ${path}`}; ${advice}`,
      });
    } else if (item !== null) checkValue(declaration, property.type, item, place, what, failures);
  }
  for (const name of names) {
    if (type[name]?.required !== true || (value[name] ?? null) !== null) continue;
    const place = path === "" ? name : `${path}.${name}`;
    failures.push({ property: place, reason: `"${place}" is missing; ${what} needs it` });
  }
}

function checkValue(
  declaration: Declaration,
  type: Type,
  value: Value,
  place: string,
  what: string,
  failures: Failure[],
): void {
  if (value === UNKNOWN || value === null) return;
  const refuse = (allowed: string): void =>
    void failures.push({
      property: place,
      reason: `${place} of ${what}: got ${describe(value)}, it must be ${allowed}`,
    });
  switch (type.is) {
    case "any":
      return;
    case "literal":
      if (value !== type.value) refuse(JSON.stringify(type.value));
      return;
    case "string":
    case "number":
    case "boolean":
      if (typeof value !== type.is) refuse(`a ${type.is}`);
      return;
    case "union":
      if (!type.of.some((member) => accepts(declaration, member, value)))
        refuse(`one of: ${type.of.map(nameOf).join(", ")}`);
      return;
    case "list":
      if (!isList(value)) refuse("a list");
      else value.forEach((item, index) => checkValue(declaration, type.of, item, `${place}[${index}]`, what, failures));
      return;
    case "map":
      if (!isObject(value)) refuse("a map");
      else
        for (const [key, item] of Object.entries(value))
          checkValue(declaration, type.of, item, `${place}["${key}"]`, what, failures);
      return;
    case "object": {
      const nested = declaration.objects[type.name];
      if (!isObject(value)) refuse("an object");
      else if (nested !== undefined) checkObject(declaration, nested, value, place, what, failures);
      return;
    }
    default:
      return type satisfies never;
  }
}

function accepts(declaration: Declaration, type: Type, value: Value): boolean {
  const failures: Failure[] = [];
  checkValue(declaration, type, value, "", "", failures);
  return failures.length === 0;
}

export function isObject(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value);
}

/** Kind of a value, without the value: it may be a secret. */
function describe(value: Value): string {
  if (isList(value)) return "a list";
  if (isObject(value)) return "an object";
  return typeof value === "string" ? "a string" : `a ${typeof value}`;
}

function nameOf(type: Type): string {
  if (type.is === "literal") return JSON.stringify(type.value);
  return type.is === "object" ? `an object (${type.name})` : type.is;
}

/** The name that was probably meant: at most a third of its letters away. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((candidate) => ({ candidate, away: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((left, right) => left.away - right.away);
  return best !== undefined && best.away <= Math.max(1, Math.floor(name.length / 3)) ? best.candidate : undefined;
}

/** Letters to add, drop or change (Levenshtein). */
function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1)),
      );
    }
    row = next;
  }
  return row[right.length] ?? 0;
}

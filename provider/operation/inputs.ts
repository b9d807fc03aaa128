/** Checks and compares a resource's inputs, some of which a preview may not know. */
import type { z } from "zod";
import { isUnknown, type Properties, type Value } from "../rpc/properties.js";
import type { Change, Failure } from "../rpc/kind.js";

/** Sets defaults, and names each input that is missing, not an input of the type, or invalid. */
export function checkInputs(
  shape: Readonly<Record<string, z.ZodType>>,
  given: Properties,
): { inputs: Properties; failures: Failure[] } {
  const inputs: Record<string, Value> = {};
  const failures: Failure[] = Object.keys(given)
    .filter((key) => !(key in shape) && !key.startsWith("__"))
    .map((property) => ({ property, reason: `is not an input; the inputs are ${Object.keys(shape).join(", ")}` }));
  for (const [property, schema] of Object.entries(shape)) {
    const value = given[property];
    if (value !== undefined && isUnknown(value)) {
      inputs[property] = value;
      continue;
    }
    const parsed = schema.safeParse(value ?? undefined);
    if (parsed.success) {
      if (parsed.data !== undefined) inputs[property] = parsed.data as Value;
    } else {
      failures.push(
        ...parsed.error.issues.map((issue) => ({
          property,
          reason: [...issue.path.map(String), reasonOf(issue)].join(": "),
        })),
      );
    }
  }
  return { inputs, failures };
}

/** What is wrong; of a map's key, what is wrong with the key. */
function reasonOf(issue: z.core.$ZodIssue): string {
  return issue.code === "invalid_key" ? issue.issues.map((inner) => inner.message).join(", ") : issue.message;
}

/** The inputs that differ, each entry of a map separately, so that a preview names the certificate that changes. */
export function changedInputs(before: Properties, after: Properties, replacing: ReadonlySet<string>): Change[] {
  const changes: Change[] = [];
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const replace = replacing.has(key);
    for (const { path, kind } of differences(key, before[key], after[key])) changes.push({ path, kind, replace });
  }
  return changes;
}

function differences(
  path: string,
  before: Value | undefined,
  after: Value | undefined,
): { path: string; kind: Change["kind"] }[] {
  if (isMap(before) && isMap(after)) {
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      differences(`${path}["${key}"]`, before[key], after[key]),
    );
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const [was, is]: readonly (readonly Value[])[] = [before, after];
    const length = Math.max(was!.length, is!.length);
    return Array.from({ length }, (_, index) => differences(`${path}[${index}]`, was![index], is![index])).flat();
  }
  if (after === undefined) return before === undefined ? [] : [{ path, kind: "delete" }];
  if (before === undefined) return [{ path, kind: "add" }];
  return isUnknown(after) || before !== after ? [{ path, kind: "update" }] : [];
}

function isMap(value: Value | undefined): value is { readonly [key: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

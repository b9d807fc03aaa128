/** Checks a resource's inputs, of which a preview may not know all. */
import { z } from "zod";
import { FILE_NAME, COMPLETE_FILE } from "../machine/deliveryFiles.js";
import { isUnknown, type Properties, type Value } from "../rpc/properties.js";
import type { Change, Failure } from "./resourceKind.js";

const LONGEST_TIMEOUT_SECONDS = 7_200;

/** Any text but none. */
export const text = z.string().min(1, "must not be empty");
/** A time limit. */
export const seconds = (smallest: number) =>
  z
    .number()
    .int("must be a whole number of seconds")
    .min(smallest, `must be at least ${smallest} s`)
    .max(LONGEST_TIMEOUT_SECONDS, `must be at most ${LONGEST_TIMEOUT_SECONDS} s`);

export const privateKey = z.string().includes("PRIVATE KEY", { message: "must be a private key in OpenSSH's format" });

/** Which machine a resource is for, and where it answers. */
export const machineShape = {
  machine: text,
  machineId: text,
  host: text,
  bastion: text.optional(),
  port: z.number().int().min(1).max(65_535).default(22),
  timeout: seconds(1).default(600),
};
/** The same, with the way in. */
export const accessShape = { ...machineShape, user: text.default("core"), privateKey };
export const access = z.object(accessShape);

export const files = z.record(
  z
    .string()
    .regex(FILE_NAME, "a file's name may have letters, digits, dot, dash and underscore only")
    .refine((name) => name !== COMPLETE_FILE, `"${COMPLETE_FILE}" is written by the delivery itself`),
  z.string(),
);

/** Machine's name to an address. */
export const addresses = z.record(
  z.string().regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "a name may have lower-case letters, digits, dot and dash only"),
  z.string().regex(/^[0-9a-fA-F.:]+$/, "must be an IP address"),
);

/** Sets defaults, and names each input that is missing, unknown to the type, or of a wrong form. */
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

/** The inputs that differ, each entry of a map by itself, so that a preview names the certificate that changes. */
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
  if (after === undefined) return before === undefined ? [] : [{ path, kind: "delete" }];
  if (before === undefined) return [{ path, kind: "add" }];
  return isUnknown(after) || before !== after ? [{ path, kind: "update" }] : [];
}

function isMap(value: Value | undefined): value is { readonly [key: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

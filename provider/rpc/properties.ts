/**
 * Property bags as the engine sends them, and as the rest of the provider sees them.
 *
 * On the wire a secret is an object with a signature key, and a value that is not known yet (in a preview) is a fixed
 * string; both are part of the engine's protocol (`SecretSig`, `UnknownStringValue` in its Go SDK).
 */
import { Struct, type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";

/** A value that a preview does not know yet. */
export const UNKNOWN: unique symbol = Symbol("unknown");

export type Value =
  string | number | boolean | null | typeof UNKNOWN | readonly Value[] | { readonly [key: string]: Value };
export type Properties = Readonly<Record<string, Value>>;

const SIGNATURE_KEY = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";
// One for each type; a provider sees the string's nearly always.
const UNKNOWN_STRINGS = new Set([
  "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);
const UNKNOWN_STRING = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Which top-level properties hold a secret, anywhere inside. */
export function secretKeys(struct: Struct | undefined): Set<string> {
  const bag: Record<string, JavaScriptValue> = struct?.toJavaScript() ?? {};
  return new Set(Object.keys(bag).filter((key) => holdsSecret(bag[key])));
}

/** The plain values: secrets opened, unknown values as {@link UNKNOWN}. */
export function decode(struct: Struct | undefined): Properties {
  return open((struct?.toJavaScript() ?? {}) as JavaScriptValue) as Properties;
}

/** The engine's form of a property bag; each key in `secrets` becomes a secret as a whole. */
export function encode(properties: Properties, secrets: ReadonlySet<string> = new Set()): Struct {
  const bag: Record<string, JavaScriptValue> = {};
  for (const [key, value] of Object.entries(properties)) {
    const plain = close(value);
    bag[key] = secrets.has(key) ? { [SIGNATURE_KEY]: SECRET_SIGNATURE, value: plain } : plain;
  }
  return Struct.fromJavaScript(bag);
}

/** Whether a value is unknown, or unknown anywhere inside. */
export function isUnknown(value: Value | undefined): boolean {
  if (value === UNKNOWN) return true;
  if (value === null || typeof value !== "object") return false;
  return Object.values(value).some((item: Value) => isUnknown(item));
}

function isSecret(value: JavaScriptValue | undefined): value is { [key: string]: JavaScriptValue } {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    (value as { [key: string]: JavaScriptValue })[SIGNATURE_KEY] === SECRET_SIGNATURE
  );
}

function holdsSecret(value: JavaScriptValue | undefined): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isSecret(value) || Object.values(value).some((item: JavaScriptValue) => holdsSecret(item));
}

function open(value: JavaScriptValue): Value {
  if (typeof value === "string") return UNKNOWN_STRINGS.has(value) ? UNKNOWN : value;
  if (typeof value !== "object" || value === null) return value;
  if (isSecret(value)) return open(value["value"] ?? null);
  if (Array.isArray(value)) return value.map((item: JavaScriptValue) => open(item));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, open(item as JavaScriptValue)]));
}

function close(value: Value): JavaScriptValue {
  if (value === UNKNOWN) return UNKNOWN_STRING;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item: Value) => close(item));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, close(item)]));
}

/** A provider's own settings: the engine hands those that are no strings as JSON. */
import type { Declaration, Type } from "./declarations.js";
import { checkInputs } from "./inputs.js";
import type { Failure, Plugin, Properties, Value } from "./kind.js";

export function checkSettings(plugin: Plugin, declaration: Declaration | undefined, settings: Properties): Failure[] {
  if (declaration === undefined) return [];
  const types = declaration.objects[declaration.root] ?? {};
  const plain = Object.fromEntries(
    Object.entries(settings).map(([key, value]): [string, Value] => [key, parse(types[key]?.type, value)]),
  );
  const wrong = checkInputs(declaration, plain, `the provider "${plugin.name}"`);
  return wrong.length > 0 ? wrong : [...(plugin.checkConfig?.(plain) ?? [])];
}

function parse(type: Type | undefined, value: Value): Value {
  if (typeof value !== "string" || type === undefined || type.is === "string") return value;
  if (type.is === "union" && type.of.some((member) => member.is === "string")) return value;
  return parseSetting(value) ?? null;
}

/** A setting as the program gave it. */
export function parseSetting(value: Value | undefined): Value | undefined {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value) as Value;
  } catch {
    return value;
  }
}

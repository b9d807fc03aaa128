/** Which inputs a resource type takes: those that the program uses. All others are refused, never ignored. Pure. */
import type { Failure } from "../../../provider/rpc/kind.js";
import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { bag, bags, isGiven, isList } from "./values.js";

/** What a change of an input does to the resource: a new one takes its place, or it is changed where it is. */
type OnChange = "replace" | "update";

/**
 * Input to what its change does; for an object, or a list of objects, followed by the names that are allowed inside.
 * A name that ends with `?` is optional.
 */
export type Inputs = Readonly<Record<string, OnChange | readonly [OnChange, ...string[]]>>;

export function checkInputs(allowed: Inputs, inputs: Properties, title: string): Failure[] {
  const failures: Failure[] = [];
  const refuse = (property: string): void =>
    void failures.push({
      property,
      reason: `${property}: the lab's stand-in does not support this input of a ${title}; remove it, or install the official plugin`,
    });
  const rules = new Map(Object.entries(allowed).map(([name, rule]) => [name.replace(/\?$/, ""), rule]));
  for (const [name, value] of Object.entries(inputs)) {
    if (name.startsWith("__") || !isGiven(value)) continue;
    const rule = rules.get(name);
    if (rule === undefined) refuse(name);
    else if (typeof rule !== "string")
      for (const inside of unknownInside(value, rule.slice(1))) refuse(`${name}.${inside}`);
  }
  for (const name of Object.keys(allowed))
    if (!name.endsWith("?") && !isGiven(inputs[name]))
      failures.push({ property: name, reason: `${name} is missing: the lab's stand-in needs it for a ${title}` });
  return failures;
}

export function changeOf(allowed: Inputs, name: string): OnChange {
  const rule = allowed[name] ?? allowed[`${name}?`] ?? "update";
  return typeof rule === "string" ? rule : rule[0];
}

function unknownInside(value: Value, known: readonly string[]): string[] {
  const objects = isList(value) ? bags(value) : [bag(value)];
  return objects.flatMap((object) =>
    Object.keys(object).filter((key) => !key.startsWith("__") && isGiven(object[key]) && !known.includes(key)),
  );
}

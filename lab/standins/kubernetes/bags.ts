/** What an object's properties say, and how they differ from the live object. Pure. */
import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { isList, isObject } from "../framework/values.js";
import type { JsonObject } from "./api.js";

/** What goes to the API: neither the engine's own names nor properties without a value. */
export function toBody(value: Value): unknown {
  if (isList(value)) return value.map(toBody);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([key, item]) => !key.startsWith("__") && item !== null);
  return Object.fromEntries(entries.map(([key, item]) => [key, toBody(item)]));
}

/** The live object without the book-keeping of who wrote which field. */
export function outputsOf(live: JsonObject): Properties {
  const { managedFields: _fields, ...metadata } = live.metadata ?? {};
  return { ...live, metadata } as unknown as Properties;
}

/** The inputs with the live values, so that changes made outside the program show as drift. */
export function drift(asked: Properties, live: Properties): Properties {
  return Object.fromEntries(
    Object.entries(asked).map(([key, value]): [string, Value] => {
      // `stringData` can only be written; the API keeps it as `data`.
      if (key === "stringData" || key.startsWith("__")) return [key, value];
      return [key, overlay(value, live[key])];
    }),
  );
}

function overlay(asked: Value, live: Value | undefined): Value {
  // The API leaves empty values out.
  if (live === undefined || live === null) return isEmpty(asked) ? asked : null;
  if (isObject(asked) && isObject(live))
    return Object.fromEntries(
      Object.entries(asked).map(([key, value]): [string, Value] => [key, overlay(value, live[key])]),
    );
  if (isList(asked) && isList(live)) return overlayList(asked, live);
  return sameQuantity(asked, live) ? asked : live;
}

/** Items with names are found by them: the API may add others and sort them its own way. */
function overlayList(asked: readonly Value[], live: readonly Value[]): Value {
  const byName = asked.every((item) => isObject(item) && typeof item["name"] === "string");
  if (!byName) return asked.length === live.length ? asked.map((item, index) => overlay(item, live[index])) : live;
  return asked.flatMap((item) => {
    const name = isObject(item) ? item["name"] : undefined;
    const found = live.find((candidate) => isObject(candidate) && candidate["name"] === name);
    return found === undefined ? [] : [overlay(item, found)];
  });
}

function isEmpty(value: Value): boolean {
  if (value === null || value === "" || value === false || value === 0) return true;
  return isList(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

const factors: Readonly<Record<string, number>> = {
  ...{ n: 1e-9, u: 1e-6, m: 1e-3, "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, P: 1e15, E: 1e18 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40, Pi: 2 ** 50, Ei: 2 ** 60 },
};

/** The API writes quantities its own way: `1024Mi` comes back as `1Gi`. */
function sameQuantity(asked: Value, live: Value): boolean {
  if (asked === live) return true;
  const left = quantity(asked);
  return left !== undefined && left === quantity(live);
}

function quantity(value: Value): number | undefined {
  if (typeof value === "number") return value;
  const match = typeof value === "string" ? /^([+-]?[\d.]+)([numkMGTPE]?|[KMGTPE]i)$/.exec(value) : null;
  const factor = factors[match?.[2] ?? "none"];
  return match === null || factor === undefined ? undefined : Number(match[1]) * factor;
}

/** Translates between the API's names and the SDK's. Pure. */
import type { Value } from "../../../provider/rpc/properties.js";
import { isList, isObject } from "../framework/values.js";

type Renames = Readonly<Record<string, string>>;

/** SDK's form to the API's, without nulls. @param renames SDK's name to the API's where it is not just the case. */
export function toApi(value: Value, renames: Renames = {}): unknown {
  if (isList(value)) return value.map((item) => toApi(item, renames));
  if (!isObject(value)) return value;
  const entries = Object.entries(value).filter(([key, item]) => item !== null && !key.startsWith("__"));
  return Object.fromEntries(
    entries.map(([key, item]) => [
      renames[key] ?? key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      toApi(item, renames),
    ]),
  );
}

/** The API's form to the SDK's. @param renames As in {@link toApi}. */
export function fromApi(value: unknown, renames: Renames = {}): Value {
  const back = Object.fromEntries(Object.entries(renames).map(([sdk, api]) => [api, sdk]));
  const convert = (item: unknown): Value => {
    if (Array.isArray(item)) return item.map(convert);
    if (typeof item !== "object" || item === null) return (item ?? null) as Value;
    return Object.fromEntries(
      Object.entries(item).map(([key, inner]) => [
        back[key] ?? key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
        convert(inner),
      ]),
    );
  };
  return convert(value);
}

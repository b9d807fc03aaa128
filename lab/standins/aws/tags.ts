/** Tags as the program gives them, as the API does, and with the provider's defaults. Pure. */
import type { Properties, Value } from "../framework/kind.js";
import { bag } from "./values.js";

export type Tags = Readonly<Record<string, string>>;

interface ApiTag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

/** Those that AWS sets itself are nobody's. */
export function fromApiTags(tags: readonly ApiTag[] | undefined): Tags {
  return Object.fromEntries(
    (tags ?? [])
      .filter(({ Key }) => Key !== undefined && !Key.startsWith("aws:"))
      .map((tag): [string, string] => [tag.Key ?? "", tag.Value ?? ""]),
  );
}

export function toApiTags(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

export function tagsOf(value: Value | undefined): Tags {
  return Object.fromEntries(
    Object.entries(bag(value))
      .filter(([, item]) => item !== null)
      .map(([key, item]) => [key, String(item)]),
  );
}

/** What has to be set and what has to go. */
export function tagChanges(before: Tags, after: Tags): { readonly set: Tags; readonly remove: readonly string[] } {
  return {
    set: Object.fromEntries(Object.entries(after).filter(([key, value]) => before[key] !== value)),
    remove: Object.keys(before).filter((key) => !(key in after)),
  };
}

export function hasChanges({ set, remove }: ReturnType<typeof tagChanges>): boolean {
  return Object.keys(set).length > 0 || remove.length > 0;
}

/** The program's own tags among all that there are: without the provider's defaults that it did not repeat. */
export function ownTags(all: Tags, defaults: Tags, asked: Properties): Tags {
  return Object.fromEntries(Object.entries(all).filter(([key, value]) => key in asked || defaults[key] !== value));
}

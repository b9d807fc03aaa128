/** What a file with options would change in a stack's settings. Pure. */
import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import { secretKind, withoutSecrets } from "../infra/settings/secrets.js";
import { badUsage } from "./problem.js";
import type { ConfigValue } from "./stack.js";

type Config = Readonly<Record<string, ConfigValue>>;

const namespace = "corekube:";

/** A changed value, at its path such as `etcd.data_disk`. */
export interface Difference {
  readonly path: string;
  /** Undefined: it was not set. */
  readonly before: unknown;
  /** Undefined: it is removed. */
  readonly after: unknown;
}

export interface SettingsChange {
  readonly differences: readonly Difference[];
  /** Whole settings by full key, as `pulumi config set-all --json` takes them. */
  readonly set: Readonly<Record<string, { readonly value: string; readonly objectValue?: unknown }>>;
  /** Full keys. */
  readonly remove: readonly string[];
}

/**
 * Options by name, from YAML or JSON.
 * @param file For messages.
 * @throws Problem when it has no options, or a secret.
 */
export function readOptions(text: string, file: string): Readonly<Record<string, unknown>> {
  const wrong = (got: string): Error =>
    badUsage({
      path: "--options",
      got: `${file}: ${got}`,
      allowed: "YAML or JSON with settings by name, such as node_count: 4, as in docs/configuration.md",
      run: "corekube update --help",
    });
  let content: unknown;
  try {
    content = parse(text);
  } catch {
    throw wrong("it cannot be parsed");
  }
  if (!isMap(content)) throw wrong("no settings");
  const kind = secretKind(text);
  // On a command line and in a file of settings it would be for everyone to read.
  if (kind !== undefined) throw wrong(`${kind}; set it with pulumi config set --secret`);
  return Object.fromEntries(
    Object.entries(content).map(([key, value]) => [
      key.startsWith(namespace) ? key.slice(namespace.length) : key,
      value,
    ]),
  );
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Maps are merged, everything else replaces what was there; null removes. */
function merged(before: unknown, after: unknown): unknown {
  if (!isMap(after)) return after;
  const result: Record<string, unknown> = isMap(before) ? { ...before } : {};
  for (const [key, value] of Object.entries(after)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

/**
 * @param config The stack's configuration, the project's defaults included: its keys are those that there are.
 * @throws Problem for an option that there is not, and for one whose current value is secret.
 */
export function changeOf(config: Config, options: Readonly<Record<string, unknown>>): SettingsChange {
  const known = Object.keys(config).filter((key) => key.startsWith(namespace));
  const set: Record<string, { value: string; objectValue?: unknown }> = {};
  const remove: string[] = [];
  const differences: Difference[] = [];
  for (const [name, wanted] of Object.entries(options)) {
    const key = namespace + name;
    const current = config[key];
    if (current === undefined)
      throw badUsage({
        path: name,
        got: "a setting that there is not",
        allowed: known.map((each) => each.slice(namespace.length)).join(", "),
        run: `pulumi config   (docs/configuration.md describes all of them)`,
      });
    if (current.secret)
      throw badUsage({
        path: name,
        got: "a value for a secret setting",
        allowed: "settings that are not secret",
        run: `pulumi config set --secret ${name}`,
      });
    const before = current.objectValue ?? current.value;
    if (wanted === null) {
      differences.push({ path: name, before, after: undefined });
      remove.push(key);
      continue;
    }
    const after = merged(before, wanted);
    const found = leaves(name, before, after);
    if (found.length === 0) continue;
    differences.push(...found);
    set[key] =
      typeof after === "object" ? { value: JSON.stringify(after), objectValue: after } : { value: String(after) };
  }
  return { differences, set, remove };
}

function leaves(path: string, before: unknown, after: unknown): readonly Difference[] {
  if (isMap(before) && isMap(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
      leaves(`${path}.${key}`, before[key], after[key]),
    );
  // The engine keeps numbers and booleans as text.
  const same =
    typeof after === "object" ? isDeepStrictEqual(before, after) : String(before ?? "") === String(after ?? "");
  return same ? [] : [{ path, before, after }];
}

const shown = (value: unknown): string =>
  withoutSecrets(typeof value === "string" ? value || '""' : JSON.stringify(value));

/** One line for each. */
export const differenceLines = (differences: readonly Difference[]): readonly string[] =>
  differences.map(({ path, before, after }) => {
    if (before === undefined) return `+ ${path}: ${shown(after)}`;
    return after === undefined ? `- ${path}: ${shown(before)}` : `~ ${path}: ${shown(before)} -> ${shown(after)}`;
  });

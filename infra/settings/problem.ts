/** What is wrong with settings, told so that the reader can mend it. */

import { withoutSecrets } from "./secrets.js";

export interface Problem {
  /** The setting, with its place inside: `etcd.count`. */
  readonly path: string;
  readonly got: unknown;
  /** What to say in place of the value. */
  readonly shown?: string;
  /** What would be accepted. */
  readonly allowed: string;
  /** What to do, where it is not just another value. @default the command that sets the value */
  readonly mend?: string;
}

/** Namespace of all settings in a stack's configuration. */
export const namespace = "corekube";

/** Settings cannot be used; the message holds all problems. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";

  constructor(
    readonly problems: readonly Problem[],
    secretKeys: readonly string[] = [],
  ) {
    const lines = problems.map((problem) => `  - ${describe(problem, secretKeys)}`);
    super(
      `${problems.length} ${problems.length === 1 ? "problem" : "problems"} in the stack's settings; nothing was created or changed:\n${lines.join("\n")}`,
    );
  }
}

function describe({ path, got, shown, allowed, mend }: Problem, secretKeys: readonly string[]): string {
  const value = shown ?? (secretKeys.includes(path.split(/[.[]/)[0] ?? "") ? "a secret value" : show(got));
  // A provider's setting has its own namespace.
  const key = /^[a-z]+:/.test(path) ? path : `${namespace}:${path}`;
  return withoutSecrets(`${key}: got ${value}; allowed: ${allowed}. ${mend ?? `Set it: ${setCommand(path, got)}`}`);
}

function show(value: unknown): string {
  if (value === undefined || value === "") {
    return "nothing";
  }
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** The command that sets a value; the engine takes keys without our namespace, and places inside with `--path`. */
function setCommand(path: string, got: unknown): string {
  if (Array.isArray(got)) {
    return `pulumi config set --path '${path}[0]' <value>`;
  }
  return /[.[]/.test(path) ? `pulumi config set --path '${path}' <value>` : `pulumi config set ${path} <value>`;
}

/** A place inside a setting; names with other characters stand in brackets, as the engine reads them. */
export function joinPath(...parts: readonly PropertyKey[]): string {
  return parts.reduce<string>((path, part) => {
    if (typeof part === "number") return `${path}[${part}]`;
    const name = String(part);
    if (path === "") return name;
    return /^[A-Za-z0-9_-]+$/.test(name) ? `${path}.${name}` : `${path}["${name}"]`;
  }, "");
}

/** The name that differs least from the given one; undefined when all differ much. */
export function nearest(name: string, names: readonly string[]): string | undefined {
  // A longer or shorter form of a name is the name: memory and mem.
  const form = (candidate: string): boolean =>
    candidate.length > 2 && name.length > 2 && (name.startsWith(candidate) || candidate.startsWith(name));
  const ranked = names
    .map((candidate) => ({ candidate, distance: form(candidate) ? 1 : distance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(2, Math.floor(name.length * 0.4)) ? best.candidate : undefined;
}

/** Characters to insert, remove or exchange (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Rules about settings together, and the problems that they find. */
import type { OptionName, Settings } from "./index.js";

export interface Problem {
  /** The setting, with the place inside it: `etcd.count`. A provider's setting has its own namespace: `aws:region`. */
  readonly path: string;
  readonly got: unknown;
  /** Shown in place of the value. */
  readonly shown?: string;
  /** What would be accepted. */
  readonly allowed: string;
  /** What to do, where setting another value is not enough. @default the command that sets the value */
  readonly fix?: string;
}

/** What settings must satisfy together; checked when each setting that it needs is valid by itself. */
export interface Rule {
  readonly needs: readonly OptionName[];
  readonly check: (settings: Settings) => readonly Problem[];
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

/** The path as an argument of `pulumi config`. */
export function pathArgument(path: string): string {
  return /[.[]/.test(path) ? `--path '${path}'` : path;
}

/** A fix: the command that sets this value. */
export function set(path: string, value: string | number): string {
  return `Set it: pulumi config set ${pathArgument(path)} ${value}`;
}

/** A fix: the command that removes the setting, which leaves it at its default. */
export function unset(path: string): string {
  return `Remove it: pulumi config rm ${pathArgument(path)}`;
}

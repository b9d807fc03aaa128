/** Turns raw values into settings, or into the list of all problems with them. Pure. */
import { z } from "zod";
import type { CloudDefinition } from "../../components/cloud/definition.js";
import { clouds } from "../../components/clouds.js";
import { optionGroups, optionsOf, type Settings } from "../../components/spec/settings/index.js";
import type { Option } from "../../components/spec/settings/option.js";
import { joinPath, type Problem, unset } from "../../components/spec/settings/rule.js";
import { nearest } from "./nearest.js";
import { rulesFor } from "./rules/index.js";
import { secretKind } from "./secrets.js";
import { namespace } from "./settingsError.js";

/** The schema of an option as the reference and the messages see it. */
export interface Described {
  readonly type?: string;
  readonly allowed?: string;
  readonly description?: string;
  readonly effect?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly additionalProperties?: Described | false;
  readonly propertyNames?: Described;
}

export function describeOption(option: Option): Described {
  return z.toJSONSchema(option.schema, { io: "input" }) as Described;
}

/** `pulumi config set --path` keeps whole numbers as such, and decimals as text. */
function withDecimals(value: unknown, described: Described): unknown {
  if (described.type === "number" && typeof value === "string" && /^\d+\.\d+$/.test(value)) return Number(value);
  const { properties } = described;
  if (properties === undefined || typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      const part = Object.hasOwn(properties, key) ? properties[key] : undefined;
      return [key, part === undefined ? item : withDecimals(item, part)];
    }),
  );
}

/** A value as the engine keeps it. */
export function parseOption(option: Option, value: unknown) {
  const result = option.schema.safeParse(value, { reportInput: true });
  // Descriptions take longer than all the rest, so that they are made for what is refused only.
  return result.success
    ? result
    : option.schema.safeParse(withDecimals(value, describeOption(option)), { reportInput: true });
}

/** @returns the settings, or undefined and at least one problem. */
export function validate(
  raw: Readonly<Record<string, unknown>>,
  list: readonly CloudDefinition[] = clouds,
): {
  readonly settings?: Settings;
  readonly problems: readonly Problem[];
} {
  const options = optionsOf(optionGroups(list));
  const secrets = secretProblems(raw);
  const problems = [
    ...secrets,
    ...Object.keys(raw)
      .filter((key) => !Object.hasOwn(options, key))
      .map((key) => unknownKey(key, raw[key], Object.keys(options))),
  ];
  const settings: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const result = parseOption(option, raw[name] ?? option.default);
    if (result.success) {
      settings[name] = result.data;
    } else {
      problems.push(...result.error.issues.flatMap((issue) => problemsOf(name, describeOption(option), issue)));
    }
  }
  for (const { needs, check } of rulesFor(list)) {
    // Values that are invalid by themselves are not checked further.
    if (needs.every((name) => name in settings)) {
      problems.push(...check(settings as unknown as Settings));
    }
  }
  const secretPaths = secrets.map(({ path }) => path);
  // Suppress further problems for a value that looks like a secret.
  const reported = problems.filter((problem) => secrets.includes(problem) || !secretPaths.includes(problem.path));
  return reported.length > 0 ? { problems: reported } : { settings: settings as unknown as Settings, problems: [] };
}

/** Settings can be read in the stack's file, in the state and on machines, so none of them may be a secret. */
function secretProblems(value: unknown, path = ""): Problem[] {
  if (typeof value === "string") {
    const kind = secretKind(value);
    if (kind === undefined) return [];
    const allowed =
      "no secret: settings can be read in the stack's file and on the machines. The program creates the cluster's keys; a cloud's token belongs in the namespace of the cloud's provider, encrypted (pulumi config set --secret digitalocean:token)";
    return [
      {
        path,
        got: undefined,
        shown: `what looks like ${kind}`,
        allowed,
        fix: `${unset(path)}, and revoke the secret: it may be in a repository already`,
      },
    ];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    secretProblems(inner, Array.isArray(value) ? `${path}[${key}]` : joinPath(...(path === "" ? [key] : [path, key]))),
  );
}

function unknownKey(key: string, got: unknown, names: readonly string[]): Problem {
  const suggestion = nearest(key, names);
  return {
    path: key,
    got,
    allowed: suggestion
      ? `there is no such setting; did you mean ${namespace}:${suggestion}`
      : `there is no such setting; there are ${names.join(", ")}`,
    fix: unset(key),
  };
}

function problemsOf(name: string, described: Described, issue: z.core.$ZodIssue): Problem[] {
  const place = at(described, issue.path);
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(place?.properties ?? {});
    const inside = issue.input;
    return issue.keys.map((key) => {
      const path = joinPath(name, ...issue.path, key);
      const suggestion = nearest(key, known);
      return {
        path,
        got: inside?.[key],
        allowed: suggestion
          ? `there is no such setting; did you mean ${joinPath(name, ...issue.path, suggestion)}`
          : `there is no such setting; there are ${known.join(", ")}`,
        fix: `Remove it: pulumi config rm --path '${path}'`,
      };
    });
  }
  const path = joinPath(name, ...issue.path);
  if (issue.code === "invalid_key") {
    const parent = at(described, issue.path.slice(0, -1));
    return [
      {
        path,
        got: issue.path.at(-1),
        allowed: parent?.propertyNames?.allowed ?? "another name",
        fix: `Remove it: pulumi config rm --path '${path}'`,
      },
    ];
  }
  return [{ path, got: issue.input, allowed: place?.allowed ?? place?.type ?? "another value" }];
}

/** The part of a schema that a place inside the value belongs to. */
function at(described: Described, path: readonly PropertyKey[]): Described | undefined {
  return path.reduce<Described | undefined>((schema, part) => {
    if (typeof part === "number") return schema?.items;
    const values = schema?.additionalProperties;
    return schema?.properties?.[String(part)] ?? (values === false ? undefined : values);
  }, described);
}

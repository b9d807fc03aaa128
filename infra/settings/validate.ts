/** From raw values to settings, or to the list of everything that is wrong with them. Pure. */
import { z } from "zod";
import { type Option, optionNames, options, type OptionName, type Settings } from "./options.js";
import { joinPath, namespace, nearest, type Problem } from "./problem.js";
import { rules } from "./rules/index.js";
import { secretKind } from "./secrets.js";

/** The schema of an option as the reference and the messages see it. */
export interface Described {
  readonly type?: string;
  readonly allowed?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
  readonly additionalProperties?: Described | false;
  readonly propertyNames?: Described;
}

export function describeOption(option: Option): Described {
  return z.toJSONSchema(option.schema, { io: "input" }) as Described;
}

/** @throws Error never; what is wrong is in `problems`, and then `settings` is undefined. */
export function validate(raw: Readonly<Record<string, unknown>>): {
  readonly settings?: Settings;
  readonly problems: readonly Problem[];
} {
  const secrets = secretProblems(raw);
  const problems = [
    ...secrets,
    ...Object.keys(raw)
      .filter((key) => !isOption(key))
      .map((key) => unknownKey(key, raw[key])),
  ];
  const settings: Partial<Record<OptionName, unknown>> = {};
  for (const name of optionNames) {
    const option: Option = options[name];
    const result = option.schema.safeParse(raw[name] ?? option.default, { reportInput: true });
    if (result.success) {
      settings[name] = result.data;
    } else {
      problems.push(...result.error.issues.flatMap((issue) => problemsOf(name, describeOption(option), issue)));
    }
  }
  for (const { needs, check } of rules) {
    // Of values that are wrong by themselves nothing more can be said.
    if (needs.every((name) => name in settings)) {
      problems.push(...check(settings as Settings));
    }
  }
  const secretPaths = secrets.map(({ path }) => path);
  // Of a secret nothing else is said.
  const told = problems.filter((problem) => secrets.includes(problem) || !secretPaths.includes(problem.path));
  return told.length > 0 ? { problems: told } : { settings: settings as Settings, problems: [] };
}

export function isOption(key: string): key is OptionName {
  return Object.hasOwn(options, key);
}

/** Settings are readable in the stack's file, in the state and on machines; none of ours is a secret. */
function secretProblems(value: unknown, path = ""): Problem[] {
  if (typeof value === "string") {
    const kind = secretKind(value);
    if (kind === undefined) return [];
    const allowed =
      "no secret: settings can be read in the stack's file and on the machines. Keys of the cluster are made by the program, and a cloud's token goes into the cloud's own namespace, encrypted (pulumi config set --secret digitalocean:token)";
    return [
      {
        path,
        got: undefined,
        shown: `what looks like ${kind}`,
        allowed,
        mend: `Remove it: pulumi config rm ${/[.[]/.test(path) ? `--path '${path}'` : path}, and make the secret invalid where it came from: it may be in a repository by now`,
      },
    ];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    secretProblems(inner, Array.isArray(value) ? `${path}[${key}]` : joinPath(...(path === "" ? [key] : [path, key]))),
  );
}

function unknownKey(key: string, got: unknown): Problem {
  const suggestion = nearest(key, optionNames);
  return {
    path: key,
    got,
    allowed: suggestion
      ? `there is no such setting; did you mean ${namespace}:${suggestion}`
      : `there is no such setting; there are ${optionNames.join(", ")}`,
    mend: `Remove it: pulumi config rm ${key}`,
  };
}

function problemsOf(name: OptionName, described: Described, issue: z.core.$ZodIssue): Problem[] {
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
        mend: `Remove it: pulumi config rm --path '${path}'`,
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
        mend: `Remove it: pulumi config rm --path '${path}'`,
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

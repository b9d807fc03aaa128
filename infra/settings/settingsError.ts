/** Problems with settings as one error message. */
import { type Problem, pathArgument } from "../../components/spec/settings/rule.js";
import { withoutSecrets } from "./secrets.js";

/** Namespace of all settings in a stack's configuration. */
export const namespace = "corekube";

/** The settings are invalid; the message has all problems. */
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

function describe({ path, got, shown, allowed, fix }: Problem, secretKeys: readonly string[]): string {
  const value = shown ?? (secretKeys.includes(path.split(/[.[]/)[0] ?? "") ? "a secret value" : show(got));
  // A provider's setting has its own namespace.
  const key = /^[a-z-]+:/.test(path) ? path : `${namespace}:${path}`;
  return withoutSecrets(`${key}: got ${value}; allowed: ${allowed}. ${fix ?? `Set it: ${setCommand(path, got)}`}`);
}

function show(value: unknown): string {
  if (value === undefined || value === "") {
    return "nothing";
  }
  const text = JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** The command that sets a value; the engine takes keys without our namespace. */
function setCommand(path: string, got: unknown): string {
  return `pulumi config set ${pathArgument(Array.isArray(got) ? `${path}[0]` : path)} <value>`;
}

/** Secrets of the stack's configuration that add-ons need. Pure. */
import { addonsOf } from "../../components/addons/list.js";
import { choiceOf } from "../../components/addons/choice.js";
import type { Settings } from "../../components/spec/settings/index.js";
import type { Problem } from "../../components/spec/settings/rule.js";

/** @param configuration Full keys to values. */
export function addonSecretProblems(
  configuration: Readonly<Record<string, string>>,
  settings: Settings,
): readonly Problem[] {
  return addonsOf(choiceOf(settings)).flatMap(({ secrets = {} }) =>
    Object.entries(secrets)
      .filter(([key]) => !configuration[key])
      .map(([path, allowed]) => ({ path, got: undefined, allowed, fix: `Set it: pulumi config set --secret ${path}` })),
  );
}

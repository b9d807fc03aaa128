/** What every group of rules needs. */
import { cloudProfile } from "../../../components/cloud/profiles.js";
import type { CloudProfile } from "../../../components/cloud/profile.js";
import type { OptionName, Settings } from "../options.js";
import type { Problem } from "../problem.js";

/** What settings must hold together; asked when all settings that it needs are right by themselves. */
export interface Rule {
  readonly needs: readonly OptionName[];
  readonly check: (settings: Settings) => readonly Problem[];
}

export function profileOf(settings: Pick<Settings, "cloud">): CloudProfile {
  return cloudProfile(settings.cloud)!;
}

/** A remedy: the command that sets this value. */
export function set(path: string, value: string | number): string {
  return `Set it: pulumi config set ${/[.[]/.test(path) ? `--path '${path}'` : path} ${value}`;
}

/** A remedy: the command that leaves the setting to its default. */
export function unset(path: string): string {
  return `Remove it: pulumi config rm ${/[.[]/.test(path) ? `--path '${path}'` : path}`;
}

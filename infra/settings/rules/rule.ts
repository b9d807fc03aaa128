/** Rules of the program, which know the clouds. */
import type { CloudDefinition } from "../../../components/cloud/definition.js";
import type { CloudProfile } from "../../../components/cloud/profile.js";
import { cloudNamed } from "../../../components/clouds.js";
import type { Settings } from "../../../components/spec/settings/index.js";
import type { Problem, Rule } from "../../../components/spec/settings/rule.js";

export type Clouds = readonly CloudDefinition[];

/** A rule that needs the clouds' profiles; `cloud` is among `needs` then. */
export interface ProfileRule extends Pick<Rule, "needs"> {
  readonly check: (settings: Settings, clouds: Clouds) => readonly Problem[];
}

export function profileOf({ cloud }: Pick<Settings, "cloud">, clouds: Clouds): CloudProfile {
  return cloudNamed(cloud, clouds).profile;
}

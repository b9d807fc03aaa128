/** All rules, in the order in which their problems are reported. */
import type { Rule } from "../../../components/spec/settings/rule.js";
import { addonRules } from "./addons.js";
import { addressRules } from "./addresses.js";
import { cloudRules, rulesOfClouds } from "./clouds.js";
import { firewallRulesRules } from "./firewall.js";
import { networkRules } from "./networks.js";
import { poolRules } from "./pools.js";
import type { Clouds, ProfileRule } from "./rule.js";
import { sizeRules } from "./sizes.js";

const common: readonly ProfileRule[] = [
  ...cloudRules,
  ...networkRules,
  ...addressRules,
  ...firewallRulesRules,
  ...poolRules,
  ...sizeRules,
  ...addonRules,
];

export const rulesFor = (clouds: Clouds): readonly Rule[] => [
  ...rulesOfClouds(clouds),
  ...common.map(({ needs, check }): Rule => ({ needs, check: (settings) => check(settings, clouds) })),
];

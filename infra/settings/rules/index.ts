/** All rules, in the order in which their problems are told. */
import { addressRules } from "./addresses.js";
import { awsRules } from "./aws.js";
import { cloudRules } from "./clouds.js";
import { networkRules } from "./networks.js";
import { poolRules } from "./pools.js";
import type { Rule } from "./rule.js";
import { sizeRules } from "./sizes.js";

export const rules: readonly Rule[] = [
  ...cloudRules,
  ...awsRules,
  ...networkRules,
  ...addressRules,
  ...poolRules,
  ...sizeRules,
];

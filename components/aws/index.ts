/** Amazon Web Services. */
import { createRequire } from "node:module";
import type { CloudDefinition } from "../cloud/definition.js";
import type * as addonModule from "./addon.js";
import type * as cloudModule from "./cloud.js";
import { awsPolicy } from "./policyTypes.js";
import { awsPrices } from "./prices.js";
import { awsProfile } from "./profile.js";
import { awsProviderProblems, awsRules } from "./rules.js";
import { awsImmutable, awsOption, awsSpecOf } from "./settings.js";

const load = createRequire(__filename);

export const aws: CloudDefinition = {
  name: "aws",
  profile: awsProfile,
  option: awsOption,
  rules: awsRules,
  providerProblems: awsProviderProblems,
  spec: (settings) => ({ cloud: "aws", ...awsSpecOf(settings) }),
  hasPrivateMachines: ({ aws: { machines } }) => machines === "private",
  immutable: awsImmutable,
  preflight: (spec) => (load("./cloud.js") as typeof cloudModule).preflight(spec),
  addon: () => (load("./addon.js") as typeof addonModule).awsAddon,
  prices: awsPrices,
  policy: awsPolicy,
};

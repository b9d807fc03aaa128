/** Amazon Web Services. */
import type { CloudDefinition } from "../cloud/definition.js";
import { awsPolicy } from "./policyTypes.js";
import { awsPrices } from "./prices.js";
import { awsProfile } from "./profile.js";
import { awsProviderProblems, awsRules } from "./rules.js";
import { awsImmutable, awsOption, awsSpecOf } from "./settings.js";

export const aws: CloudDefinition = {
  name: "aws",
  profile: awsProfile,
  option: awsOption,
  rules: awsRules,
  providerProblems: awsProviderProblems,
  spec: (settings) => ({ cloud: "aws", ...awsSpecOf(settings) }),
  hasPrivateMachines: ({ aws: { machines } }) => machines === "private",
  immutable: awsImmutable,
  preflight: async (spec) => (await import("./cloud.js")).preflight(spec),
  addon: async () => (await import("./addon.js")).awsAddon,
  prices: awsPrices,
  policy: awsPolicy,
};

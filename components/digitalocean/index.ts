/** DigitalOcean. */
import type { CloudDefinition } from "../cloud/definition.js";
import { digitaloceanPolicy } from "./policyTypes.js";
import { digitaloceanPrices } from "./prices.js";
import { digitaloceanProfile } from "./profile.js";
import { digitaloceanProviderProblems } from "./rules.js";
import "./settings.js";

export const digitalocean: CloudDefinition = {
  name: "digitalocean",
  profile: digitaloceanProfile,
  rules: [],
  providerProblems: digitaloceanProviderProblems,
  spec: () => ({ cloud: "digitalocean" }),
  hasPrivateMachines: () => false,
  immutable: {},
  preflight: async (spec) => (await import("./cloud.js")).preflight(spec),
  addon: async () => (await import("./addon.js")).digitaloceanAddon,
  prices: digitaloceanPrices,
  policy: digitaloceanPolicy,
};

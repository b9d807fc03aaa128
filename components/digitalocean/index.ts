/** DigitalOcean. */
import { createRequire } from "node:module";
import type { CloudDefinition } from "../cloud/definition.js";
import type * as addonModule from "./addon.js";
import type * as cloudModule from "./cloud.js";
import { digitaloceanPolicy } from "./policyTypes.js";
import { digitaloceanPrices } from "./prices.js";
import { digitaloceanProfile } from "./profile.js";
import { digitaloceanProviderProblems } from "./rules.js";
import "./settings.js";

const load = createRequire(__filename);

export const digitalocean: CloudDefinition = {
  name: "digitalocean",
  profile: digitaloceanProfile,
  rules: [],
  providerProblems: digitaloceanProviderProblems,
  spec: () => ({ cloud: "digitalocean" }),
  hasPrivateMachines: () => false,
  immutable: {},
  preflight: (spec) => (load("./cloud.js") as typeof cloudModule).preflight(spec),
  addon: () => (load("./addon.js") as typeof addonModule).digitaloceanAddon,
  prices: digitaloceanPrices,
  policy: digitaloceanPolicy,
};

/** What the configuration of DigitalOcean's provider must contain. */
import type { CloudDefinition } from "../cloud/definition.js";
import { clusterToken, clusterTokenRemedy } from "./clusterToken.js";

export const digitaloceanProviderProblems: CloudDefinition["providerProblems"] = (configuration, settings) =>
  // The token of the environment is not used here: it must be put into a cluster on purpose.
  settings.cloud_provider !== "none" && !configuration[clusterToken] && !configuration["digitalocean:token"]
    ? [
        {
          path: clusterToken,
          got: undefined,
          allowed: "a token for the cluster's own controllers (corekube:cloud_provider is digitalocean)",
          fix: clusterTokenRemedy,
        },
      ]
    : [];

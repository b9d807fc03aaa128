/** What the configuration of DigitalOcean's provider must contain. */
import type { CloudDefinition } from "../cloud/definition.js";

export const digitaloceanProviderProblems: CloudDefinition["providerProblems"] = (configuration, settings) =>
  // The token of the environment is not used here: it must be put into a cluster on purpose.
  settings.cloud_provider !== "none" && !configuration["digitalocean:token"]
    ? [
        {
          path: "digitalocean:token",
          got: undefined,
          allowed:
            "a token for the cluster's own controllers (corekube:cloud_provider is digitalocean), with access to droplets (read), load balancers, volumes, snapshots, tags and regions (read)",
          fix: "Set it: pulumi config set --secret digitalocean:token",
        },
      ]
    : [];

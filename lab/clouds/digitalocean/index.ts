/** DigitalOcean in the lab. */
import { join } from "node:path";
import { addressMode } from "../../addressMode.js";
import { scarcity } from "../../scarcity.js";
import { closed } from "../../region/metadataServer.js";
import type { LabCloud } from "../cloud.js";
import { createApi } from "./api.js";
import { DigitalOceanClient } from "./client.js";
import { dropletByAddress, startMetadata } from "./metadata.js";

export const digitalocean: LabCloud = {
  name: "digitalocean",
  packages: [],
  prepare: () => Promise.resolve(),
  probe: "/v2/account",
  client: (config) => new DigitalOceanClient(config),
  environment: (config) => ({ DIGITALOCEAN_TOKEN: config.token }),
  conflictingVariables: [],
  resourceTypes: {
    "digitalocean:index/droplet:Droplet": "machines",
    "digitalocean:index/vpc:Vpc": "vpcs",
    "digitalocean:index/firewall:Firewall": "firewalls",
    "digitalocean:index/volume:Volume": "volumes",
    "digitalocean:index/loadBalancer:LoadBalancer": "load_balancers",
    "digitalocean:index/sshKey:SshKey": "ssh_keys",
    "digitalocean:index/customImage:CustomImage": "images",
  },
  addressOutputs: { public: "ipv4Address", private: "ipv4AddressPrivate" },
  lost: () => undefined,

  async serve(config, driver, logger) {
    const api = await createApi({
      driver,
      stateFile: join(config.directory, "api.json"),
      config,
      logger,
      addresses: () => addressMode(config),
      scarcity: () => scarcity(config),
    });
    const metadata = await startMetadata(config, (address) => dropletByAddress(api.store.state, address));
    const { hostname, port } = new URL(config.apiUrl);
    await api.app.listen({ host: hostname, port: Number(port) });
    return [
      { name: "API", close: () => api.app.close() },
      { name: "metadata", close: () => closed(metadata) },
    ];
  },
};

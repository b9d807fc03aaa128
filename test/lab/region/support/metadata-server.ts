/** The metadata service alone, for tests without a daemon: `metadata-server.ts <file with droplets>`. */
import { readFileSync } from "node:fs";
import type { DropletSpec } from "../../../../lab/clouds/digitalocean/driver.js";
import { labConfig } from "../../../../lab/config.js";
import { startMetadata } from "../../../../lab/clouds/digitalocean/metadata.js";

const droplets = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as DropletSpec[];
void startMetadata(labConfig(), (address) =>
  droplets.find((droplet) => droplet.publicIpv4 === address || droplet.privateIpv4 === address),
).then(() => process.stdout.write("up\n"));

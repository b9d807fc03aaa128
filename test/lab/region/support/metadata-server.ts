/** The metadata service alone, for tests without a daemon: `metadata-server.ts <file with machines>`. */
import { readFileSync } from "node:fs";
import { labConfig } from "../../../../lab/config.js";
import { type DropletMetadata, startMetadata } from "../../../../lab/clouds/digitalocean/metadata.js";

const machines = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as DropletMetadata[];
void startMetadata(labConfig(), (address) =>
  machines.find((machine) => machine.publicIpv4 === address || machine.privateIpv4 === address),
).then(() => process.stdout.write("up\n"));

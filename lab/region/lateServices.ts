/** Services that answer a machine some time after its boot only: until then the region drops its packets to them. */
import type { LabConfig } from "../config.js";
import type { Lateness } from "../lateness.js";
import { run } from "../process/run.js";
import { metadataAddress } from "./names.js";
import { inNamespace } from "./run.js";
import type { MachineSpec } from "./spec.js";

const table = "inet corekube_late";

/** Text for one `nft -f`. Elements of the sets leave by themselves. */
function lateText(
  config: Pick<LabConfig, "mirrorUrl" | "registryUrl">,
  { publicIpv4, privateIpv4 }: Pick<MachineSpec, "publicIpv4" | "privateIpv4">,
  late: Lateness,
): string {
  const addresses = [publicIpv4, privateIpv4].filter((address) => address !== "");
  const ports = [config.mirrorUrl, config.registryUrl].map((url) => new URL(url).port);
  const services = ["metadata", "mirror"] as const;
  return [
    `add table ${table}`,
    ...services.map((service) => `add set ${table} ${service} { type ipv4_addr; flags timeout; }`),
    `add chain ${table} input { type filter hook input priority filter - 10; policy accept; }`,
    `flush chain ${table} input`,
    `add rule ${table} input ip saddr @metadata ip daddr ${metadataAddress} drop`,
    `add rule ${table} input ip saddr @mirror tcp dport { ${ports.join(", ")} } drop`,
    ...services.flatMap((service) =>
      addresses.flatMap((address) => [
        // Of an earlier boot; it need not be there.
        `add element ${table} ${service} { ${address} timeout 1s }`,
        `delete element ${table} ${service} { ${address} }`,
        ...(late[service] ? [`add element ${table} ${service} { ${address} timeout ${late[service]}s }`] : []),
      ]),
    ),
    "",
  ].join("\n");
}

/** Before a machine starts. */
export async function delayServices(config: LabConfig, machine: MachineSpec, late: Lateness): Promise<void> {
  if (late.metadata === undefined && late.mirror === undefined) return;
  await run(inNamespace(config.namespace, ["nft", "-f", "-"]), { input: lateText(config, machine, late) });
}

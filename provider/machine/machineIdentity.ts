import type { Identity } from "../kubernetes/node.js";
import type { Machine } from "../ssh/machine.js";

const SCRIPT = "cat /etc/machine-id; [ ! -r /run/corekube/metadata.env ] || cat /run/corekube/metadata.env";
const MACHINE_ID = /^[0-9a-f]{32}$/;

/** Asks a machine who it is, to recognise its Node object. */
export async function readIdentity(machine: Machine): Promise<Identity> {
  const { stdout, stderr } = await machine.root({ script: SCRIPT });
  const [systemId = "", ...lines] = stdout.split("\n").map((line) => line.trim());
  if (!MACHINE_ID.test(systemId)) {
    throw new Error(
      `${machine.name} (${machine.address}): /etc/machine-id is not 32 hexadecimal digits (got "${systemId || stderr.trim()}"). systemd writes it at the first boot; look at the machine with \`${machine.login}\`.`,
    );
  }
  const address = lines
    .find((line) => line.startsWith("PRIVATE_IPV4="))
    ?.slice("PRIVATE_IPV4=".length)
    .replace(/^"|"$/g, "");
  return address === undefined || address === "" ? { systemId } : { systemId, address };
}

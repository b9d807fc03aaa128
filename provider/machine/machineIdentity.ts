/** Which machine this is, as the machine itself reports it. */
import { metadataFile } from "../../components/contract/paths.js";
import type { Machine } from "../ssh/machine.js";

export interface MachineIdentity {
  /** `/etc/machine-id`, which the kubelet reports. */
  readonly systemId: string;
  /** The private address; undefined if the machine's metadata does not have it. */
  readonly address?: string | undefined;
}

const SCRIPT = `cat /etc/machine-id; [ ! -r ${metadataFile} ] || cat ${metadataFile}`;
const MACHINE_ID = /^[0-9a-f]{32}$/;

/** Reads the identity of a machine, to recognize its Node object. */
export async function readIdentity(machine: Machine): Promise<MachineIdentity> {
  const { stdout, stderr } = await machine.root({ script: SCRIPT });
  const [systemId = "", ...lines] = stdout.split("\n").map((line) => line.trim());
  if (!MACHINE_ID.test(systemId)) {
    throw new Error(
      `${machine.name} (${machine.address}): /etc/machine-id is not 32 hexadecimal digits (got "${systemId || stderr.trim()}"). systemd writes it at the first boot; inspect the machine with \`${machine.login}\`.`,
    );
  }
  const valueOf = (name: string): string | undefined => {
    const line = lines.find((each) => each.startsWith(`${name}=`));
    return line?.slice(name.length + 1).replace(/^"|"$/g, "") || undefined;
  };
  return { systemId, address: valueOf("PRIVATE_IPV4") };
}

/** Addresses of etcd members by name, on controllers: a member that moves is followed without a restart of any API server. */
import { Readable } from "node:stream";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import type { Machine } from "../../../provider/ssh/machine.js";
import { announcement } from "./rolloutPlan.js";
import { onPeer, type Credentials } from "./controlPlanePeers.js";

/** The API servers see it as /etc/hosts. Always the same file: a mount of it would not follow another one of its name. */
const FILE = "/etc/corekube/hosts";
const LOCAL = "127.0.0.1 localhost\n";

/** Name to address. */
export type Hosts = Readonly<Record<string, string>>;

/** All lines of the file. */
export async function writeHosts(machine: Machine, hosts: Hosts): Promise<void> {
  const lines = Object.keys(hosts)
    .sort()
    .map((name) => `${hosts[name]} ${name}\n`);
  const { code, stderr } = await machine.root({
    script: `cat >${FILE}`,
    stdin: () => Readable.from([LOCAL + lines.join("")]),
  });
  if (code !== 0)
    throw new Error(`${machine.name} (${machine.address}): ${FILE} could not be written: ${stderr.trim()}`);
}

/** One member's line, on every controller that serves. */
export async function tellControllers(
  operation: Operation,
  member: string,
  address: string,
  credentials: Credentials,
): Promise<void> {
  const script = `set -euo pipefail
text=$(grep -v ' ${member}$' ${FILE} || true)
printf '%s\\n%s %s\\n' "$text" ${address} ${member} >${FILE}`;
  await Promise.all(
    announcement.pool("controller").map(async (peer) => {
      if (peer.host === undefined) return;
      const { code, stderr } = await onPeer(operation, { ...peer, host: peer.host }, credentials, (machine) =>
        machine.root({ script }),
      );
      if (code !== 0) throw new Error(`${peer.machine}: did not take the new address of ${member}: ${stderr.trim()}`);
    }),
  );
}

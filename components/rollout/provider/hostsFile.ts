/** Addresses of etcd members by name, on controllers: API servers reach a member that moves without a restart. */
import { hostsFile } from "../../contract/paths.js";
import { Readable } from "node:stream";
import { describeError } from "../../../provider/kubernetes/cluster.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import type { Machine } from "../../../provider/ssh/machine.js";
import { rolloutPlan } from "./rolloutPlan.js";
import { onPeer, type Credentials } from "./controlPlanePeers.js";

const LOCAL = "127.0.0.1 localhost\n";

/** Name to address. */
export type Hosts = Readonly<Record<string, string>>;

/** Writes the whole file, in place: the API servers' mount of it would not follow a renamed one. */
export async function writeHosts(machine: Machine, hosts: Hosts): Promise<void> {
  const lines = Object.keys(hosts)
    .sort()
    .map((name) => `${hosts[name]} ${name}\n`);
  const { code, stderr } = await machine.root({
    script: `cat >${hostsFile}`,
    stdin: () => Readable.from([LOCAL + lines.join("")]),
  });
  if (code !== 0)
    throw new Error(`${machine.name} (${machine.address}): ${hostsFile} could not be written: ${stderr.trim()}`);
}

/** Writes one member's line on every controller that serves. One that cannot be reached gets it with its own delivery, after etcd. */
export async function writeMemberOnControllers(
  operation: Operation,
  member: string,
  address: string,
  credentials: Credentials,
): Promise<void> {
  const script = `set -euo pipefail
text=$(grep -v ' ${member}$' ${hostsFile} || true)
printf '%s\\n%s %s\\n' "$text" ${address} ${member} >${hostsFile}`;
  await Promise.all(
    rolloutPlan.pool("controller").map(async (peer) => {
      if (peer.host === undefined) return;
      try {
        const { code, stderr } = await onPeer(operation, { ...peer, host: peer.host }, credentials, (machine) =>
          machine.root({ script }),
        );
        if (code !== 0) throw new Error(stderr.trim());
      } catch (error) {
        operation.signal.throwIfAborted();
        operation.log.warn(
          `${peer.machine}: the address of ${member} could not be written to ${hostsFile}: ${describeError(error)}`,
        );
      }
    }),
  );
}

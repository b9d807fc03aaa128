/** Prepares the start of an etcd member on a machine that may be new. */
import { etcdDirectory } from "../../contract/paths.js";
import { units } from "../../contract/units.js";
import type { PlannedMachine } from "../plan.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { quote, type Machine } from "../../../provider/ssh/machine.js";
import { rolloutPlan } from "./rolloutPlan.js";
import { addMember, updatePeerAddress, members, removeMember } from "./etcdctl.js";
import { onPeer, type Credentials } from "./controlPlanePeers.js";

/** Member's name to its machine's private address. */
export type Members = Readonly<Record<string, string>>;

/** A volume's data is there once it is mounted. */
const DATA_SCRIPT = `
if systemctl cat ${units.volume} >/dev/null 2>&1; then
  systemctl start ${units.volume} || { systemctl status --no-pager --lines 5 ${units.volume}; exit 1; }
fi
if [ -d ${etcdDirectory}/member ]; then echo data; else echo empty; fi
`;
const MOUNT_MILLISECONDS = 420_000;

const peerUrl = (address: string): string => `https://${address}:2380`;

/**
 * The variables with which a member starts, after its membership has been updated.
 *
 * A member that has its data keeps its membership under its new address. One that has lost it is removed and added again, and copies
 * everything from the others; only if others serve, because that needs their majority. In a new cluster all members start alike.
 */
export async function prepareMember(
  operation: Operation,
  machine: Machine,
  all: Members,
  credentials: Credentials,
): Promise<string> {
  const address = all[machine.name] ?? "";
  const first = environment(
    Object.entries(all).map(([name, at]) => `${name}=${peerUrl(at)}`),
    "new",
  );
  const peer = rolloutPlan
    .pool("etcd")
    .find(
      (planned): planned is PlannedMachine & { host: string } =>
        planned.machine !== machine.name && planned.host !== undefined,
    );
  if (peer === undefined) return first;
  const hasData = await hasEtcdData(machine);
  return onPeer(operation, peer, credentials, async (at) => {
    const known = await members(at);
    const self = known.find(({ name, peerUrls }) => name === machine.name || peerUrls.includes(peerUrl(address)));
    if (hasData) {
      if (self !== undefined) await updatePeerAddress(at, machine.name, address);
      return first;
    }
    // A first member that has not started yet.
    if (self !== undefined && self.name !== "" && self.peerUrls.includes(peerUrl(address))) return first;
    if (self === undefined || self.name !== "") {
      operation.log.warn(`${machine.name}: has no etcd data and copies all of it from the other members.`);
      if (self !== undefined) await removeMember(at, self.id);
      await addMember(at, machine.name, peerUrl(address));
    }
    const others = known
      .filter(({ id }) => id !== self?.id)
      .flatMap(({ name, peerUrls }) => peerUrls.map((url) => `${name}=${url}`));
    return environment([...others, `${machine.name}=${peerUrl(address)}`], "existing");
  });
}

async function hasEtcdData(machine: Machine): Promise<boolean> {
  const { code, stdout, stderr } = await machine.root({ script: DATA_SCRIPT, limitMilliseconds: MOUNT_MILLISECONDS });
  const answer = stdout.trim();
  if (code !== 0 || (answer !== "data" && answer !== "empty")) {
    throw new Error(
      `${machine.name} (${machine.address}): cannot find out whether etcd's data is there: ${(stderr || stdout).trim()}. Check with \`${machine.login} ${quote(`findmnt ${etcdDirectory}`)}\`, then run \`pulumi up\` again.`,
    );
  }
  return answer === "data";
}

function environment(initial: readonly string[], state: "new" | "existing"): string {
  return `ETCD_INITIAL_CLUSTER=${initial.join(",")}\nETCD_INITIAL_CLUSTER_STATE=${state}\n`;
}

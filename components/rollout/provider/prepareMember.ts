/** Prepares the start of an etcd member on a machine that may be new. */
import { etcdDirectory, etcdWalDirectory } from "../../contract/paths.js";
import { units } from "../../contract/units.js";
import type { PlannedMachine } from "../plan.js";
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { quote, type Machine } from "../../../provider/ssh/machine.js";
import { rolloutPlan } from "./rolloutPlan.js";
import { addMember, updatePeerAddress, members, removeMember } from "./etcdctl.js";
import { onPeer, type Credentials } from "./controlPlanePeers.js";

/** Member's name to its machine's private address. */
export type Members = Readonly<Record<string, string>>;

/**
 * A volume's data is there once it is mounted. etcd looks for the log, and starts as a new member without one, whatever else is there
 * (`haveWAL` in its source): data without a log, or a log without data, is of no use to it.
 */
const DATA_SCRIPT = `
if systemctl cat ${units.volume} >/dev/null 2>&1; then
  systemctl start ${units.volume} || { systemctl status --no-pager --lines 5 ${units.volume}; exit 1; }
fi
wal=${etcdDirectory}/member/wal
[ ! -d ${etcdWalDirectory} ] || wal=${etcdWalDirectory}/wal
has() { compgen -G "$1" >/dev/null && echo 1 || echo 0; }
echo "$(has "${etcdDirectory}/member/snap/db")$(has "$wal/*.wal")"
`;
/** What is left of a member that was removed must not be taken for the new one's. It stays beside, until the next time. */
const SET_ASIDE_SCRIPT = `
set -e
systemctl stop ${units.etcd} || true
for found in ${etcdDirectory}/member ${etcdWalDirectory}/wal; do
  if [ -e "$found" ]; then rm -rf "$found.incomplete"; mv "$found" "$found.incomplete"; fi
done
`;
type Data = "whole" | "incomplete" | "none";
const dataOf: Readonly<Record<string, Data>> = { "11": "whole", "00": "none", "10": "incomplete", "01": "incomplete" };
const MOUNT_MILLISECONDS = 420_000;

const peerUrl = (address: string): string => `https://${address}:2380`;

/**
 * The variables with which a member starts, after its membership has been updated.
 *
 * A member that has its data keeps its membership under its new address. One that has lost it is removed and added again, and copies
 * everything from the others; only if others serve, because that needs their majority. In a new cluster all members start alike.
 * @param recordedAddress Where the member served before; none for one that did not.
 */
export async function prepareMember(
  operation: Operation,
  machine: Machine,
  all: Members,
  credentials: Credentials,
  recordedAddress: string | undefined,
): Promise<string> {
  const address = all[machine.name] ?? "";
  const first = environment(
    Object.entries(all).map(([name, at]) => `${name}=${peerUrl(at)}`),
    "new",
  );
  const peers = rolloutPlan
    .pool("etcd")
    .filter(
      (planned): planned is PlannedMachine & { host: string } =>
        planned.machine !== machine.name && planned.host !== undefined && !rolloutPlan.isAway(planned.machine),
    );
  const data = await findData(machine);
  // It starts as it ran before, whether the others answer or not: a delivery may be what brings them back.
  if (data === "whole" && recordedAddress === address) return first;
  if (peers.length === 0) {
    if (data === "incomplete")
      throw new Error(
        `${machine.name} (${machine.address}): only a part of etcd's data is there (data or log), and no other member to copy it from. Attach the missing volume and run \`pulumi up\` again.`,
      );
    return first;
  }
  return onAny(operation, peers, credentials, async (at) => {
    const known = await members(at);
    const self = known.find(({ name, peerUrls }) => name === machine.name || peerUrls.includes(peerUrl(address)));
    if (data === "whole") {
      if (self !== undefined) await updatePeerAddress(at, machine.name, address);
      return first;
    }
    // A first member that has not started yet.
    if (self !== undefined && !self.started && self.name !== "" && self.peerUrls.includes(peerUrl(address)))
      return first;
    const added = self !== undefined && !self.started && self.peerUrls.includes(peerUrl(address));
    if (!added) {
      operation.log.warn(
        `${machine.name}: has ${data === "none" ? "no etcd data" : "only a part of etcd's data"} and copies all of it from the other members.`,
      );
      if (self !== undefined) await removeMember(at, self.id);
      await addMember(at, machine.name, peerUrl(address));
    }
    if (data === "incomplete") await setAside(machine);
    const others = known
      .filter(({ id }) => id !== self?.id)
      .flatMap(({ name, peerUrls }) => peerUrls.map((url) => `${name}=${url}`));
    return environment([...others, `${machine.name}=${peerUrl(address)}`], "existing");
  });
}

/** Asks the first member that answers. @throws what the last one answered. */
async function onAny(
  operation: Operation,
  peers: readonly (PlannedMachine & { readonly host: string })[],
  credentials: Credentials,
  work: (at: Machine) => Promise<string>,
): Promise<string> {
  let last: unknown;
  for (const peer of peers) {
    try {
      return await onPeer(operation, peer, credentials, work);
    } catch (error) {
      operation.signal.throwIfAborted();
      last = error;
    }
  }
  throw last;
}

async function setAside(machine: Machine): Promise<void> {
  const { code, stdout, stderr } = await machine.root({ script: SET_ASIDE_SCRIPT });
  if (code !== 0)
    throw new Error(
      `${machine.name} (${machine.address}): what is left of etcd's data could not be set aside: ${(stderr || stdout).trim()}`,
    );
}

async function findData(machine: Machine): Promise<Data> {
  const { code, stdout, stderr } = await machine.root({ script: DATA_SCRIPT, limitMilliseconds: MOUNT_MILLISECONDS });
  const answer = dataOf[stdout.trim()];
  if (code !== 0 || answer === undefined) {
    throw new Error(
      `${machine.name} (${machine.address}): cannot find out whether etcd's data is there: ${(stderr || stdout).trim()}. Check with \`${machine.login} ${quote(`findmnt ${etcdDirectory}`)}\`, then run \`pulumi up\` again.`,
    );
  }
  return answer;
}

function environment(initial: readonly string[], state: "new" | "existing"): string {
  return `ETCD_INITIAL_CLUSTER=${initial.join(",")}\nETCD_INITIAL_CLUSTER_STATE=${state}\n`;
}

/** Prepares the start of an etcd member on a machine that may be new. */
import { etcdDirectory, etcdServedMark, etcdWalDirectory } from "../../contract/paths.js";
import { findEtcdData } from "../../contract/etcdData.js";
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
${findEtcdData}
echo "$data"
`;
/**
 * What is left of a member that was removed must not be taken for the new one's. It stays beside, until the next time. The machine may
 * start without data once.
 */
const BEGIN_AGAIN_SCRIPT = `
set -e
rm -f ${etcdServedMark}
systemctl stop ${units.etcd} || true
for found in ${etcdDirectory}/member ${etcdWalDirectory}/wal; do
  if [ -e "$found" ]; then rm -rf "$found.incomplete"; mv "$found" "$found.incomplete"; fi
done
`;
type Data = "whole" | "incomplete" | "none";
const dataOf: Readonly<Record<string, Data>> = { "11": "whole", "00": "none", "10": "incomplete", "01": "incomplete" };
const MOUNT_MILLISECONDS = 420_000;

const peerUrl = (address: string): string => `https://${address}:2380`;

/** What an earlier run, or an earlier half of this one, knows of a member. */
export interface MemberRecord {
  /** Where the member served before; none for one that did not. */
  readonly address: string | undefined;
  /** etcd has served: without data, a member joins the others or does not start. */
  readonly etcdHasServed: boolean;
  /** It was asked for by name that this member begins again, also without anything. */
  readonly mayBeEmpty: boolean;
}

/** The variables of a member's start. */
export interface MemberEnvironment {
  /** For the start that comes now. */
  readonly start: string;
  /** Once it serves: a member that has data reads none of them, and one that has lost it must not join by itself. */
  readonly afterwards: string;
}

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
  record: MemberRecord,
): Promise<MemberEnvironment> {
  const address = all[machine.name] ?? "";
  const afterwards = environment(
    Object.entries(all).map(([name, at]) => `${name}=${peerUrl(at)}`),
    "new",
  );
  const first = { start: afterwards, afterwards };
  const peers = rolloutPlan
    .pool("etcd")
    .filter(
      (planned): planned is PlannedMachine & { host: string } =>
        planned.machine !== machine.name && planned.host !== undefined && !rolloutPlan.isAway(planned.machine),
    );
  const data = await findData(machine);
  // It starts as it ran before, whether the others answer or not: a delivery may be what brings them back.
  if (data === "whole" && record.address === address) return first;
  if (peers.length === 0) {
    if (data === "whole" || (data === "none" && !record.etcdHasServed)) return first;
    if (!record.mayBeEmpty)
      throw new Error(
        `${machine.name} (${machine.address}): ${data === "none" ? "etcd has served, and its data is gone" : "only a part of etcd's data is there (data or log)"}, and there is no other member to copy it from. ` +
          `Attach the missing volume and run \`pulumi up\` again. To give up what the cluster had and start a new, empty one: pulumi up --replace '**:Delivery::${machine.name}'`,
      );
    operation.log.warn(`${machine.name}: starts a new, empty etcd cluster, as asked for.`);
    await beginAgain(machine);
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
    await beginAgain(machine);
    const others = known
      .filter(({ id }) => id !== self?.id)
      .flatMap(({ name, peerUrls }) => peerUrls.map((url) => `${name}=${url}`));
    return { start: environment([...others, `${machine.name}=${peerUrl(address)}`], "existing"), afterwards };
  });
}

/** Asks the first member that answers. @throws what the last one answered. */
async function onAny(
  operation: Operation,
  peers: readonly (PlannedMachine & { readonly host: string })[],
  credentials: Credentials,
  work: (at: Machine) => Promise<MemberEnvironment>,
): Promise<MemberEnvironment> {
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

async function beginAgain(machine: Machine): Promise<void> {
  const { code, stdout, stderr } = await machine.root({ script: BEGIN_AGAIN_SCRIPT });
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

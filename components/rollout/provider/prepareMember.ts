/** A member of etcd on a machine that may be another one than before. */
import type { Operation } from "../../../provider/operation/resourceKind.js";
import { quote, type Machine } from "../../../provider/ssh/machine.js";
import { announcement, type Announced } from "./rolloutPlan.js";
import { addMember, announceAddress, members, removeMember } from "./etcdctl.js";
import { onPeer, type Credentials } from "./controlPlanePeers.js";

/** Member's name to its machine's private address. */
export type Members = Readonly<Record<string, string>>;

/** With a volume, the data is there once it is mounted. */
const DATA_SCRIPT = `
if systemctl cat corekube-volume.service >/dev/null 2>&1; then
  systemctl start corekube-volume.service || { systemctl status --no-pager --lines 5 corekube-volume.service; exit 1; }
fi
if [ -d /var/lib/etcd/member ]; then echo data; else echo empty; fi
`;
const MOUNT_MILLISECONDS = 420_000;

const peerUrl = (address: string): string => `https://${address}:2380`;

/**
 * The variables with which a member starts, after the cluster has been told what is new about it.
 *
 * A member that has its data keeps its place under its new address. One that has lost it is taken out and added anew, and copies
 * everything from the others: only where others serve, who then decide by their majority. In a cluster that is just made all
 * start alike.
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
  const peer = announcement
    .pool("etcd")
    .find((one): one is Announced & { host: string } => one.machine !== machine.name && one.host !== undefined);
  if (peer === undefined) return first;
  const hasData = await looksForData(machine);
  return onPeer(operation, peer, credentials, async (at) => {
    const known = await members(at);
    const self = known.find(({ name, peerUrls }) => name === machine.name || peerUrls.includes(peerUrl(address)));
    if (hasData) {
      if (self !== undefined) await announceAddress(at, machine.name, address);
      return first;
    }
    // One of the first, which has not started yet.
    if (self !== undefined && self.name !== "" && self.peerUrls.includes(peerUrl(address))) return first;
    if (self === undefined || self.name !== "") {
      operation.log.warn(`${machine.name}: has no data of etcd, and gets all of it from the other members.`);
      if (self !== undefined) await removeMember(at, self.id);
      await addMember(at, machine.name, peerUrl(address));
    }
    const others = known
      .filter(({ id }) => id !== self?.id)
      .flatMap(({ name, peerUrls }) => peerUrls.map((url) => `${name}=${url}`));
    return environment([...others, `${machine.name}=${peerUrl(address)}`], "existing");
  });
}

async function looksForData(machine: Machine): Promise<boolean> {
  const { code, stdout, stderr } = await machine.root({ script: DATA_SCRIPT, limitMilliseconds: MOUNT_MILLISECONDS });
  const answer = stdout.trim();
  if (code !== 0 || (answer !== "data" && answer !== "empty")) {
    throw new Error(
      `${machine.name} (${machine.address}): cannot tell whether etcd's data is there: ${(stderr || stdout).trim()}. Look with \`${machine.login} ${quote("findmnt /var/lib/etcd")}\`, then run \`pulumi up\` again.`,
    );
  }
  return answer === "data";
}

function environment(initial: readonly string[], state: "new" | "existing"): string {
  return `ETCD_INITIAL_CLUSTER=${initial.join(",")}\nETCD_INITIAL_CLUSTER_STATE=${state}\n`;
}

/** What a member of etcd is asked and told over SSH, by the client beside it. */
import { quote, type Machine } from "../../../provider/ssh/machine.js";

const CERTIFICATES = "/run/corekube/etcd";
const CLIENT =
  `etcdctl() { /opt/bin/etcdctl --endpoints https://127.0.0.1:2379 --cacert ${CERTIFICATES}/etcd-ca.crt --cert ${CERTIFICATES}/server.crt --key ${CERTIFICATES}/server.key ` +
  `--dial-timeout 5s --command-timeout 20s "$@"; }\nset -euo pipefail\n`;

export interface Member {
  /** Hexadecimal, as etcdctl takes it. */
  readonly id: string;
  /** Empty until it has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
}

/** etcdctl could not do it. */
export class EtcdRefused extends Error {}

async function ask(machine: Machine, command: string): Promise<string> {
  const { code, stdout, stderr } = await machine.root({ script: `${CLIENT}etcdctl ${command}` });
  if (code !== 0)
    throw new EtcdRefused(
      `${machine.name}: etcdctl ${command.split(" ").slice(0, 2).join(" ")} failed (exit code ${code}): ${(stderr || stdout).trim().split("\n").at(-1) ?? ""}`,
    );
  return stdout;
}

/** Reads `etcdctl member list` in its simple form: ID, status, name, peer URLs, client URLs, learner. */
export function parseMembers(text: string): readonly Member[] {
  return text
    .split("\n")
    .map((line) => line.split(",").map((field) => field.trim()))
    .filter((fields) => fields.length >= 5)
    .map(([id = "", , name = "", ...rest]) => ({
      id,
      name,
      peerUrls: rest.filter((field) => field.endsWith(":2380")),
    }));
}

export async function members(machine: Machine): Promise<readonly Member[]> {
  return parseMembers(await ask(machine, "member list"));
}

/** Alarms that are raised (no space, corruption); undefined: none. */
export async function alarms(machine: Machine): Promise<string | undefined> {
  const text = (await ask(machine, "alarm list")).trim();
  return text === "" ? undefined : `etcd has raised an alarm: ${text.replaceAll("\n", ", ")}`;
}

/**
 * Tells the cluster a member's new address, after its machine has been replaced under it. The member itself may ask: it reaches
 * the others, although they do not reach it yet.
 * @returns whether there was anything to tell.
 */
export async function announceAddress(machine: Machine, name: string, address: string): Promise<boolean> {
  const url = `https://${address}:2380`;
  const self = (await members(machine)).find((member) => member.name === name);
  if (self === undefined)
    throw new EtcdRefused(
      `${machine.name}: etcd has no member of this name; look with \`${machine.login} sudo /opt/bin/etcdctl member list\`.`,
    );
  if (self.peerUrls.length === 1 && self.peerUrls[0] === url) return false;
  await ask(machine, `member update ${quote(self.id)} --peer-urls=${quote(url)}`);
  return true;
}

export async function removeMember(machine: Machine, id: string): Promise<void> {
  await ask(machine, `member remove ${quote(id)}`);
}

export async function addMember(machine: Machine, name: string, url: string): Promise<void> {
  await ask(machine, `member add ${quote(name)} --peer-urls=${quote(url)}`);
}

/** etcdctl on a member of etcd, over SSH. */
import { etcdCertificates, programDirectory } from "../../contract/paths.js";
import { quote, type Machine } from "../../../provider/ssh/machine.js";

const CLIENT =
  `etcdctl() { ${programDirectory}/etcdctl --endpoints https://127.0.0.1:2379 --cacert ${etcdCertificates}/etcd-ca.crt --cert ${etcdCertificates}/server.crt --key ${etcdCertificates}/server.key ` +
  `--dial-timeout 5s --command-timeout 20s "$@"; }\nset -euo pipefail\n`;

export interface Member {
  /** Hexadecimal, as etcdctl takes it. */
  readonly id: string;
  /** Empty until it has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
}

/** etcdctl failed. */
class EtcdRefused extends Error {}

async function ask(machine: Machine, command: string): Promise<string> {
  const { code, stdout, stderr } = await machine.root({ script: `${CLIENT}etcdctl ${command}` });
  if (code !== 0)
    throw new EtcdRefused(
      `${machine.name}: etcdctl ${command.split(" ").slice(0, 2).join(" ")} failed (exit code ${code}): ${(stderr || stdout).trim().split("\n").at(-1) ?? ""}`,
    );
  return stdout;
}

/** Reads `etcdctl member list` in its simple form: ID, status, name, peer URLs, client URLs, learner. */
function parseMembers(text: string): readonly Member[] {
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

/** Active alarms (no space, corruption); undefined: none. */
export async function alarms(machine: Machine): Promise<string | undefined> {
  const text = (await ask(machine, "alarm list")).trim();
  return text === "" ? undefined : `etcd has raised an alarm: ${text.replaceAll("\n", ", ")}`;
}

/**
 * Updates a member's peer address after its machine has been replaced. The member itself may do so: it reaches the others, although
 * they do not reach it yet.
 * @returns whether the address was another one.
 */
export async function updatePeerAddress(machine: Machine, name: string, address: string): Promise<boolean> {
  const url = `https://${address}:2380`;
  const self = (await members(machine)).find((member) => member.name === name);
  if (self === undefined)
    throw new EtcdRefused(
      `${machine.name}: etcd has no member with this name; check with \`${machine.login} sudo ${programDirectory}/etcdctl member list\`.`,
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

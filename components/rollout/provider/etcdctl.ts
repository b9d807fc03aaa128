/** etcdctl on a member of etcd, over SSH: its JSON, whose numbers it writes in hexadecimal on request. */
import { z } from "zod";
import { etcdCertificates, programDirectory } from "../../contract/paths.js";
import { lastLine } from "../../../provider/operation/lastLine.js";
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
  /** It has started once: etcd lets it start again only with its data (`isMemberBootstrapped` in etcd's source). */
  readonly started: boolean;
}

const list = z
  .array(z.string())
  .nullish()
  .transform((items) => items ?? []);
const membersShape = z.object({
  members: z.array(
    z.object({
      ID: z.string(),
      name: z.string().default(""),
      // Nothing, or null before etcd 3.7.
      peerURLs: list,
      clientURLs: list,
    }),
  ),
});
/** `AlarmType` in etcd's API. */
const alarmNames: Readonly<Record<number, string>> = { 1: "NOSPACE", 2: "CORRUPT" };
const alarmsShape = z.object({ alarms: z.array(z.object({ alarm: z.number() })).default([]) });

/** etcdctl failed. */
class EtcdRefused extends Error {}

async function ask(machine: Machine, command: string): Promise<string> {
  const { code, stdout, stderr } = await machine.root({ script: `${CLIENT}etcdctl ${command}` });
  if (code !== 0)
    throw new EtcdRefused(
      `${machine.name}: etcdctl ${command
        .split(" ")
        .filter((word) => !word.startsWith("-"))
        .slice(0, 2)
        .join(" ")} failed (exit code ${code}): ${lastLine(stderr || stdout)}`,
    );
  return stdout;
}

async function askJson<Answer>(machine: Machine, command: string, shape: z.ZodType<Answer>): Promise<Answer> {
  const text = await ask(machine, `--write-out=json --hex ${command}`);
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    throw new EtcdRefused(`${machine.name}: etcdctl ${command} answered what is not understood: ${text.slice(0, 300)}`);
  }
}

export async function members(machine: Machine): Promise<readonly Member[]> {
  const found = await askJson(machine, "member list", membersShape);
  return found.members.map(({ ID: id, name, peerURLs: peerUrls, clientURLs }) => ({
    id,
    name,
    peerUrls,
    started: clientURLs.length > 0,
  }));
}

/** Active alarms (no space, corruption); undefined: none. */
export async function alarms(machine: Machine): Promise<string | undefined> {
  const { alarms: active } = await askJson(machine, "alarm list", alarmsShape);
  if (active.length === 0) return undefined;
  const names = new Set(active.map(({ alarm }) => alarmNames[alarm] ?? `number ${alarm}`));
  return `etcd has raised an alarm: ${[...names].join(", ")}`;
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

/** A connection that broke may have been too late to stop the change: what etcd has in the end counts. */
async function change(machine: Machine, command: string, isDone: (known: readonly Member[]) => boolean): Promise<void> {
  try {
    await ask(machine, command);
  } catch (error) {
    if (!(error instanceof EtcdRefused) || !isDone(await members(machine))) throw error;
  }
}

export async function removeMember(machine: Machine, id: string): Promise<void> {
  await change(machine, `member remove ${quote(id)}`, (known) => known.every((member) => member.id !== id));
}

export async function addMember(machine: Machine, name: string, url: string): Promise<void> {
  await change(machine, `member add ${quote(name)} --peer-urls=${quote(url)}`, (known) =>
    known.some((member) => !member.started && member.peerUrls.includes(url)),
  );
}

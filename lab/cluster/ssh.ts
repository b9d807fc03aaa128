/** SSH into machines. The key is in a private folder for as long as the call lasts. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { isBastion, type Access, type Machine } from "../engine/outputs.js";
import { quote } from "../process/quote.js";
import { tryRun, type RunResult } from "../process/run.js";
import { labCloud } from "./cloud.js";

interface Session {
  readonly args: readonly string[];
  close(): void;
}

/**
 * Arguments of ssh up to the command. The host key must be the one that the stack recorded; for a machine that was never
 * reached there is none, and any key is accepted.
 */
export async function openSession(config: LabConfig, outputs: Access, machine: Machine): Promise<Session> {
  const host = machine.public_ipv4 || machine.private_ipv4;
  const bastion = machine.public_ipv4 === "" ? await bastionAddress(config) : undefined;
  mkdirSync(config.directory, { recursive: true });
  const folder = mkdtempSync(join(config.directory, "ssh-"));
  writeFileSync(
    join(folder, "key"),
    outputs.ssh_private_key.endsWith("\n") ? outputs.ssh_private_key : `${outputs.ssh_private_key}\n`,
    { mode: 0o600 },
  );
  const known = machine.host_key !== "";
  writeFileSync(join(folder, "known_hosts"), known ? `${host} ${machine.host_key}\n` : "", { mode: 0o600 });
  const options = {
    UserKnownHostsFile: join(folder, "known_hosts"),
    GlobalKnownHostsFile: "/dev/null",
    ...(known
      ? { StrictHostKeyChecking: "yes", HostKeyAlgorithms: machine.host_key.split(" ")[0] ?? "" }
      : { StrictHostKeyChecking: "accept-new" }),
    IdentitiesOnly: "yes",
    ConnectTimeout: "10",
    ServerAliveInterval: "15",
    LogLevel: "ERROR",
    ...(bastion === undefined
      ? {}
      : { ProxyCommand: throughBastion(join(folder, "key"), `${outputs.ssh_user}@${bastion}`) }),
  };
  return {
    args: [
      ...["-F", "/dev/null", "-i", join(folder, "key")],
      ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
      `${outputs.ssh_user}@${host}`,
    ],
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** ProxyCommand through the bastion. The bastion's host key is not recorded; that of the machine behind it is checked. */
function throughBastion(key: string, target: string): string {
  const options = [
    "UserKnownHostsFile=/dev/null",
    "GlobalKnownHostsFile=/dev/null",
    "StrictHostKeyChecking=no",
    "IdentitiesOnly=yes",
    "BatchMode=yes",
    "ConnectTimeout=10",
    "LogLevel=ERROR",
  ];
  return `ssh -F /dev/null -i ${quote(key)} ${options.map((option) => `-o ${option}`).join(" ")} -W %h:%p ${target}`;
}

/** @throws Error when the region has no bastion. */
async function bastionAddress(config: LabConfig): Promise<string> {
  const found = (await labCloud(config).machines()).find(({ name }) => isBastion(name))?.publicAddress;
  if (!found) throw new Error('the machine has no public address and the region has no bastion; see "make status"');
  return found;
}

/** Runs a shell command on a machine as its user, without a terminal. @param timeout Milliseconds. */
export async function onMachine(
  config: LabConfig,
  outputs: Access,
  machine: Machine,
  command: string,
  timeout: number,
  input?: string,
): Promise<RunResult> {
  const session = await openSession(config, outputs, machine);
  try {
    return await tryRun(["ssh", "-o", "BatchMode=yes", ...session.args, command], { timeout, input });
  } finally {
    session.close();
  }
}

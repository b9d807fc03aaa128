/** `make ssh`: a shell, or one command, in a machine. The key stays in a private folder for as long as the call lasts. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { labCloud } from "./cloud.js";
import { isBastion, readAccess, type Access, type Machine } from "./outputs.js";
import { tryRun, type RunResult } from "./process.js";

interface Session {
  readonly args: readonly string[];
  close(): void;
}

/**
 * Arguments of ssh up to the command. The host key must be the one that was recorded when the machine was made; a machine
 * that was never reached has none, and the one that it shows is taken.
 */
async function openSession(config: LabConfig, outputs: Access, machine: Machine): Promise<Session> {
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

/** What connects to a machine's port from the bastion. Its own host key is not recorded; the machine's behind it is checked. */
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
  if (!found)
    throw new Error(
      'the machine has no public address, and the region has no bastion; "make status" shows its machines',
    );
  return found;
}

/** A word for a shell. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Runs a shell command as the machines' user in a machine, without a terminal. */
export async function onMachine(
  config: LabConfig,
  outputs: Access,
  machine: Machine,
  command: string,
  timeout: number,
): Promise<RunResult> {
  const session = await openSession(config, outputs, machine);
  try {
    return await tryRun("ssh", ["-o", "BatchMode=yes", ...session.args, command], { timeout });
  } finally {
    session.close();
  }
}

/**
 * Connects this terminal to a machine.
 * @returns the exit code of the shell or the command.
 * @throws Error when there is no such machine.
 */
export async function ssh(config: LabConfig, stack: string, name: string, command: readonly string[]): Promise<number> {
  const outputs = await readAccess(config, stack);
  const machine = outputs.machines.find((item) => item.name === name);
  if (!machine) {
    const names = outputs.machines.map((item) => item.name).join(", ");
    throw new Error(
      `MACHINE: got "${name}", allowed are ${names}; for example: make ssh MACHINE=${outputs.machines.at(-1)?.name ?? "kubernetes-worker-0"}`,
    );
  }
  const session = await openSession(config, outputs, machine);
  try {
    return await new Promise((resolve, reject) => {
      const child = spawn("ssh", [...session.args, ...command], { stdio: "inherit" });
      // Ctrl-C belongs to the remote shell while it runs.
      const ignore = (): void => undefined;
      process.on("SIGINT", ignore);
      child.on("error", (error) =>
        reject(new Error(`ssh could not be started: ${error.message}; install openssh-client`)),
      );
      child.on("close", (code) => {
        process.off("SIGINT", ignore);
        resolve(code ?? 1);
      });
    });
  } finally {
    session.close();
  }
}

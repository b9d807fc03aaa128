/**
 * A machine's processes: a small supervisor, detached from the daemon, that runs systemd-nspawn and starts it again
 * when the machine asks for a reboot.
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import { createGroup, hostGroup, removeGroup } from "./cgroups.js";
import { hardwareMount } from "./hardware.js";
import { consoleLog, machineDirectory, machineName } from "./names.js";
import { Daemon } from "../process/daemon.js";
import { type ProcessMark, childrenOf, isAlive, markOf, readMark, signalMark, waitForEnd } from "../process/marks.js";
import { quote } from "../process/quote.js";
import { commandName, isNamespaceInit } from "./processes.js";

/** Bytes of a console's log that are kept of one start. */
const consoleLimit = 1024 * 1024;

/** Exit code by which systemd-nspawn says that the machine wants to be started again. */
const rebootCode = 133;

/** SIGRTMIN+3: systemd as a container's first process powers off. */
const powerOffSignal = 34 + 3;

export interface MachineStart {
  readonly id: number;
  readonly name: string;
  /** @default name */
  readonly hostname?: string;
  readonly usr: string;
}

const markFile = (config: LabConfig, id: number): string => join(machineDirectory(config, id), "process.json");

/** Whether the machine's supervisor runs. */
export const isRunning = (config: LabConfig, id: number): boolean => isAlive(readMark(markFile(config, id)));

/** Starts the machine; resolves once its first process is there. One that runs already is kept. @throws Error with the console's tail. */
export async function startMachine(config: LabConfig, machine: MachineStart): Promise<void> {
  const { id, name } = machine;
  if (isRunning(config, id)) return;
  // What an earlier start left behind, say after a crash of its supervisor, would hold the root folder.
  await removeGroup(config, String(id));
  const script = join(machineDirectory(config, id), "supervise");
  writeFileSync(script, supervisorScript(config, machine), { mode: 0o700 });
  await new Daemon(`machine ${name}`, markFile(config, id), consoleLog(config, name)).start({
    command: ["bash", script],
    ready: () => initOf(config, id) !== undefined,
    pause: 20,
  });
}

/** Mark of the machine's first process, as the host sees it; undefined while there is none (stopped, or between two boots). */
export function initOf(config: LabConfig, id: number): ProcessMark | undefined {
  const supervisor = readMark(markFile(config, id));
  if (!isAlive(supervisor)) return undefined;
  for (const child of childrenOf(supervisor.pid)) {
    const nspawn =
      commandName(child) === "systemd-nspawn"
        ? [child]
        : childrenOf(child).filter((pid) => commandName(pid) === "systemd-nspawn");
    for (const pid of nspawn) {
      const init = childrenOf(pid).find(isNamespaceInit);
      if (init !== undefined) return markOf(init);
    }
  }
  return undefined;
}

/** Cuts the power: nothing more is written, and the machine does not restart. */
export async function killMachine(config: LabConfig, id: number): Promise<void> {
  const supervisor = readMark(markFile(config, id));
  const init = initOf(config, id);
  // The supervisor first, or it might take the death for a reboot.
  signalMark(supervisor, "SIGKILL");
  signalMark(init, "SIGKILL");
  await removeGroup(config, String(id));
  await waitForEnd(supervisor, 2_000);
  rmSync(markFile(config, id), { force: true });
}

/** Asks the machine to power off and pulls the plug after `timeout` milliseconds. */
export async function stopMachine(config: LabConfig, id: number, timeout: number): Promise<void> {
  const supervisor = readMark(markFile(config, id));
  const init = initOf(config, id);
  if (init && signalMark(init, powerOffSignal)) await waitForEnd(supervisor, timeout);
  await killMachine(config, id);
}

function supervisorScript(config: LabConfig, machine: MachineStart): string {
  const directory = machineDirectory(config, machine.id);
  const name = machineName(config, machine.id);
  const enter = (folders: readonly string[]): string =>
    folders.map((folder) => `echo $$ > ${quote(`${folder}/cgroup.procs`)}`).join("\n");
  const nspawn = [
    "systemd-nspawn",
    "--quiet",
    "--keep-unit",
    "--register=no",
    "--link-journal=no",
    "--resolv-conf=off",
    "--timezone=off",
    "--console=read-only",
    `--directory=${directory}/root`,
    `--machine=${name}`,
    `--hostname=${machine.hostname ?? machine.name}`,
    "--capability=all",
    // The user who starts the lab may have lower limits; these are systemd's own.
    "--rlimit=NOFILE=1024:524288",
    `--network-namespace-path=/run/netns/${name}`,
    "--system-call-filter=@keyring bpf perf_event_open @raw-io @mount",
    ...(existsSync("/dev/fuse") ? ["--bind=/dev/fuse"] : []),
    ...(existsSync("/dev/kmsg") ? ["--bind-ro=/dev/kmsg"] : []),
    `--bind-ro=${machine.usr}:/usr`,
    `--bind-ro=${directory}/hardware:${hardwareMount}`,
    "--setenv=SYSTEMD_COLORS=0",
    "--boot",
    "systemd.show_status=true",
  ];
  return `#!/bin/bash
# Runs the machine ${machine.name} until it powers off; a reboot starts it again.
${enter(createGroup(config, hostGroup))}
# systemd-nspawn makes /proc/sys/net writable, as it does for a private network.
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
machine() {
  mkdir -p ${createGroup(config, String(machine.id)).map(quote).join(" ")}
  exec bash -c ${quote(`${enter(createGroup(config, String(machine.id)))}\nexec ${nspawn.map(quote).join(" ")}`)}
}
while :; do
  # Without what a terminal alone can show: the moving line about jobs that take long, cursor movements, colours. The log
  # keeps the beginning of a start; the rest is read on, lest the machine's console blocks.
  (machine) < /dev/null 2>&1 | sed -u -e '/ Job .* running (/d' -e 's/\\x1b[^a-zA-Z]*[a-zA-Z]//g' -e 's/\\r//g' | { stdbuf -oL head -c ${consoleLimit}; exec cat > /dev/null; }
  [ "\${PIPESTATUS[0]}" = ${rebootCode} ] || break
done
`;
}

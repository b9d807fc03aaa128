/** `make ssh`: a shell, or one command, in a machine. */
import { execa } from "execa";
import { openSession } from "../cluster/ssh.js";
import type { LabConfig } from "../config.js";
import { readAccess } from "../engine/outputs.js";

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
  const ignore = (): void => undefined;
  try {
    // Ctrl-C is for the remote shell while it runs.
    process.on("SIGINT", ignore);
    const ended = await execa("ssh", [...session.args, ...command], { stdio: "inherit", reject: false });
    if (ended.code === "ENOENT") throw new Error("ssh is not on PATH; install openssh-client");
    return ended.exitCode ?? 1;
  } finally {
    process.off("SIGINT", ignore);
    session.close();
  }
}

/** The lab's commands; the Makefile is their front. */
import { Command } from "commander";
import { check } from "./commands/check.js";
import { cis } from "./commands/cis.js";
import { down } from "./commands/down.js";
import { environmentLines } from "./commands/env.js";
import { Interrupted, watchInterrupts } from "./process/interrupts.js";
import { stackName } from "./engine/settings.js";
import { release } from "./commands/release.js";
import { ssh } from "./commands/ssh.js";
import { status } from "./commands/status.js";
import { up } from "./commands/up.js";
import { labConfig, type LabConfig } from "./config.js";

function program(): Command {
  const cli = new Command("lab").description("A cloud region on this machine, and the cluster in it");
  /** A command on the region's stack; a number that it returns is the exit code. */
  const command = (
    name: string,
    description: string,
    action: (config: LabConfig, stack: string) => Promise<number | void>,
  ): void => {
    cli
      .command(name)
      .description(description)
      .action(async () => {
        const config = labConfig();
        process.exitCode = (await action(config, stackName(config))) ?? 0;
      });
  };
  command("up", "create the region and the cluster, or resume an earlier run", (config, stack) => {
    watchInterrupts();
    return up(config, stack);
  });
  cli
    .command("down")
    .description("destroy the cluster and remove the region")
    .option("--cache", "remove the cache as well", false)
    .action(async (options: { cache: boolean }) => {
      watchInterrupts();
      await down(labConfig(), options);
    });
  command("status", "show the region and the cluster, and what is wrong", status);
  command("env", 'print the variables that a shell needs: eval "$(make -s env)"', async (config, stack) => {
    process.stdout.write(`${environmentLines(config, stack).join("\n")}\n`);
  });
  cli
    .command("ssh")
    .description("a shell, or one command, in a machine")
    .argument("<machine>")
    .argument("[command...]")
    .action(async (machine: string, command: string[]) => {
      const config = labConfig();
      process.exitCode = await ssh(config, stackName(config), machine, command);
    });
  cli
    .command("release")
    .description("add a release of Kubernetes to what the region's mirror serves, also while a cluster runs")
    .argument("[version]")
    .action(async (version: string | undefined) => {
      watchInterrupts();
      const config = labConfig();
      await release(config, stackName(config), version);
    });
  command("check", "run every check on the cluster", check);
  command("cis", "check the cluster against the CIS Kubernetes Benchmark", cis);
  return cli;
}

program()
  .parseAsync()
  .then(
    () => process.exit(),
    (error: unknown) => {
      if (error instanceof Interrupted) {
        process.stderr.write(`\n${error.message}; "make up" resumes here, "make down" removes everything\n`);
        process.exit(130);
      }
      process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );

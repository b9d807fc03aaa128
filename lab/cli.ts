/** The lab's commands; the Makefile is their front. */
import { Command } from "commander";
import { check } from "./commands/check.js";
import { cis } from "./commands/cis.js";
import { down } from "./commands/down.js";
import { environmentLines } from "./commands/env.js";
import { Interrupted, watchInterrupts } from "./process/interrupts.js";
import { stackName } from "./commands/settings.js";
import { ssh } from "./commands/ssh.js";
import { status } from "./commands/status.js";
import { up } from "./commands/up.js";
import { labConfig } from "./config.js";

function program(): Command {
  const cli = new Command("lab").description("A cloud region on this machine, and the cluster in it");
  cli
    .command("up")
    .description("make region and cluster, or go on where an earlier run stopped")
    .action(async () => {
      watchInterrupts();
      const config = labConfig();
      await up(config, stackName(config));
    });
  cli
    .command("down")
    .description("destroy the cluster and remove the region")
    .option("--cache", "empty the cache as well", false)
    .action(async (options: { cache: boolean }) => {
      watchInterrupts();
      await down(labConfig(), options);
    });
  cli
    .command("status")
    .description("what there is, and what is wrong")
    .action(async () => {
      const config = labConfig();
      process.exitCode = await status(config, stackName(config));
    });
  cli
    .command("env")
    .description('print what a shell needs: eval "$(make -s env)"')
    .action(() => {
      const config = labConfig();
      process.stdout.write(`${environmentLines(config, stackName(config)).join("\n")}\n`);
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
    .command("check")
    .description("run every check on the cluster")
    .action(async () => {
      watchInterrupts();
      const config = labConfig();
      await check(config, stackName(config));
    });
  cli
    .command("cis")
    .description("walk the CIS Kubernetes Benchmark on the cluster")
    .action(async () => {
      watchInterrupts();
      const config = labConfig();
      process.exitCode = await cis(config, stackName(config));
    });
  return cli;
}

program()
  .parseAsync()
  .then(
    () => process.exit(),
    (error: unknown) => {
      if (error instanceof Interrupted) {
        process.stderr.write(`\n${error.message}; "make up" goes on from here, "make down" removes everything\n`);
        process.exit(130);
      }
      process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );

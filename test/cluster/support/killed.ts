/** A run of the engine that is killed. */
import { pulumiCommand } from "../../../engine/run.js";
import { clearInterrupted } from "../../../lab/commands/recover.js";
import { projectDirectory, type LabConfig } from "../../../lab/config.js";
import { childEnvironment, pulumi } from "../../../lab/engine/stack.js";
import { sendSignal, tryRun } from "../../../lab/process/run.js";
import type { Progress } from "../../../lab/progress.js";

/**
 * Runs `pulumi` and kills it, with everything that it has started, at a line of its output.
 * @throws Error when the run ends before the line comes.
 */
export async function runKilledAt(
  at: RegExp,
  config: LabConfig,
  stack: string,
  args: readonly string[],
  progress: Progress,
): Promise<void> {
  let pid = 0;
  let done = false;
  const { stdout, stderr } = await tryRun(pulumiCommand([...args, "--stack", stack]), {
    cwd: projectDirectory,
    env: childEnvironment(config, stack),
    timeout: 1_800_000,
    onStart: (started) => (pid = started),
    onLine: (line) => {
      if (done || !at.test(line)) return;
      done = true;
      sendSignal(pid, "SIGKILL", true);
    },
  });
  if (!done) throw new Error(`the run ended before ${at.source} came:\n${`${stdout}\n${stderr}`.slice(-3000)}`);
  await pulumi(config, ["cancel", "--yes", "--stack", stack], { stack }).catch(() => "");
  await clearInterrupted(config, stack, progress);
}

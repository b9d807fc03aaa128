/** A run of the engine that is killed. */
import { pulumiCommand } from "../../../engine/run.js";
import { clearInterrupted } from "../../../lab/commands/recover.js";
import { projectDirectory, type LabConfig } from "../../../lab/config.js";
import { childEnvironment, pulumi } from "../../../lab/engine/stack.js";
import { sendSignal, tryRun } from "../../../lab/process/run.js";
import type { Progress } from "../../../lab/progress.js";

/**
 * Runs `pulumi` and kills it, with everything that it has started.
 * @param at A line of its output, or seconds after the first step of a machine has begun.
 * @throws Error when the run ends before.
 */
export async function runKilledAt(
  at: RegExp | number,
  config: LabConfig,
  stack: string,
  args: readonly string[],
  progress: Progress,
): Promise<void> {
  let pid = 0;
  let done = false;
  let timer: NodeJS.Timeout | undefined;
  const kill = (): void => {
    done = true;
    sendSignal(pid, "SIGKILL", true);
  };
  const { stdout, stderr } = await tryRun(pulumiCommand([...args, "--stack", stack]), {
    cwd: projectDirectory,
    env: childEnvironment(config, stack),
    timeout: 1_800_000,
    onStart: (started) => (pid = started),
    onLine: (line) => {
      if (done) return;
      if (typeof at !== "number") {
        if (at.test(line)) kill();
      } else if (/corekube:machine:(Delivery|Join) \S+ updating/.test(line)) timer ??= setTimeout(kill, at * 1000);
    },
  });
  clearTimeout(timer);
  if (!done) throw new Error(`the run ended before ${String(at)} came:\n${`${stdout}\n${stderr}`.slice(-3000)}`);
  await pulumi(config, ["cancel", "--yes", "--stack", stack], { stack }).catch(() => "");
  await clearInterrupted(config, stack, progress);
}

/** `make check`: every check on a cluster that runs. */
import { runChecks } from "../checks/index.js";
import type { LabConfig } from "../config.js";
import { plainProgress } from "../progress.js";
import { watchInterrupts } from "../process/interrupts.js";
import { exclusively } from "./run-lock.js";
import { ChecksFailed, writeKubeconfig } from "./up.js";

/** @throws ChecksFailed when one fails. */
export async function check(config: LabConfig, stack: string): Promise<void> {
  await exclusively(config, "check", async () => {
    const outputs = await writeKubeconfig(config, stack);
    const results = await runChecks(config, stack, outputs, "full", plainProgress("", watchInterrupts().signal));
    if (results.some((result) => result.failure !== undefined)) throw new ChecksFailed(results);
    process.stdout.write(`${results.length} checks passed\n`);
  });
}

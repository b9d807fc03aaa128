/** `make cis`: the CIS Kubernetes Benchmark on the running cluster. */
import { CheckContext } from "../cluster/context.js";
import { collect } from "../cis/facts.js";
import { summary, walk } from "../cis/index.js";
import type { LabConfig } from "../config.js";
import { plainProgress } from "../progress.js";
import { watchInterrupts } from "../process/interrupts.js";
import { exclusively } from "./run-lock.js";
import { table } from "../../engine/table.js";
import { writeKubeconfig } from "../engine/outputs.js";

/** Returns the exit code: 1 when a control fails and has no exception. */
export async function cis(config: LabConfig, stack: string): Promise<number> {
  return exclusively(config, "cis", async () => {
    const outputs = await writeKubeconfig(config, stack);
    const findings = walk(
      await collect(new CheckContext(config, stack, outputs, plainProgress("", watchInterrupts().signal))),
    );
    process.stdout.write(
      `${table([["id", "control", "result", "reason"], ...findings.map(({ id, title, result, reason }) => [id, title, result, reason])])}\n\nCIS Kubernetes Benchmark 1.12: ${summary(findings)}\n`,
    );
    return findings.some(({ result }) => result === "FAIL") ? 1 : 0;
  });
}

/** `pulumi up` and `pulumi destroy` of the lab's stack, with progress. */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LabConfig } from "../config.js";
import type { Progress } from "../progress.js";
import { EngineProgress, isNoise } from "./engine-progress.js";
import { tryPulumi } from "./stack.js";

export interface EngineRun {
  readonly code: number;
  /** The engine's output, for error messages. */
  readonly output: string;
  /** Resources created, changed or removed. */
  readonly changes: number;
}

/** Log of every run of the engine on a stack. */
export function engineLog(config: LabConfig, stack: string): string {
  return join(config.directory, "logs", `pulumi-${stack}.log`);
}

/**
 * Runs a changing command of the engine. An interrupt lets it end the creations that are under way, so that the state
 * knows them.
 */
export async function runEngine(
  config: LabConfig,
  stack: string,
  args: readonly string[],
  progress: Progress,
): Promise<EngineRun> {
  mkdirSync(join(config.directory, "logs"), { recursive: true, mode: 0o700 });
  const log = engineLog(config, stack);
  appendFileSync(log, `--- ${new Date().toISOString()} pulumi ${args.join(" ")}\n`, { mode: 0o600 });
  const shown = new EngineProgress((line) => progress.report(line));
  const heartbeat = setInterval(() => {
    const waiting = shown.waiting();
    if (waiting) progress.report(waiting);
  }, 8000);
  try {
    const result = await tryPulumi(config, [...args, "--stack", stack], {
      stack,
      onLine: (line) => {
        appendFileSync(log, `${line}\n`);
        shown.line(line);
      },
    });
    return { code: result.code, output: `${result.stdout}\n${result.stderr}`, changes: shown.changes };
  } finally {
    clearInterval(heartbeat);
  }
}

/** The part of the engine's output that says what went wrong. */
export function diagnostics(output: string): string {
  const start = output.indexOf("Diagnostics:");
  if (start < 0) return output.trim().split("\n").slice(-30).join("\n");
  const end = output.slice(start).search(/\n(Outputs|Resources|Duration):/);
  const lines = output.slice(start, end < 0 ? undefined : start + end).split("\n");
  return lines
    .filter((line) => !isNoise(line))
    .join("\n")
    .trim();
}

/** `pulumi up` and `pulumi destroy` of the lab's stack, with progress. */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { EngineEvent } from "../../engine/events.js";
import { EngineProgress } from "../../engine/progress.js";
import { runWithEvents } from "../../engine/run.js";
import { projectDirectory, type LabConfig } from "../config.js";
import { tryRun } from "../process/run.js";
import type { Progress } from "../progress.js";
import { childEnvironment } from "./stack.js";

export interface EngineRun {
  readonly code: number;
  /** What went wrong, for error messages. */
  readonly failure: string;
  /** Resources created, changed or removed. */
  readonly changes: number;
}

/** Log of every run of the engine on a stack. */
function engineLog(config: LabConfig, stack: string): string {
  return join(config.directory, "logs", `pulumi-${stack}.log`);
}

/**
 * Runs `up`, `destroy` or `refresh`. An interrupt lets the engine complete what is under way and record it in the state.
 * @param onEvent Called with each event as it comes.
 */
export async function runEngine(
  config: LabConfig,
  stack: string,
  args: readonly string[],
  progress: Progress,
  onEvent?: (event: EngineEvent) => void,
): Promise<EngineRun> {
  mkdirSync(join(config.directory, "logs"), { recursive: true, mode: 0o700 });
  const log = (line: string): void => appendFileSync(engineLog(config, stack), `${line}\n`, { mode: 0o600 });
  log(`--- ${new Date().toISOString()} pulumi ${args.join(" ")}`);
  const engine = new EngineProgress((line) => {
    log(line);
    progress.report(line);
  });
  const heartbeat = setInterval(() => {
    const waiting = engine.waiting();
    if (waiting) progress.report(waiting);
  }, 8000);
  try {
    const { code, errors } = await runWithEvents(tryRun, [...args, "--stack", stack], {
      cwd: projectDirectory,
      env: childEnvironment(config, stack),
      onEvent: (event) => {
        engine.event(event);
        onEvent?.(event);
      },
    });
    const failure = code === 0 ? "" : engine.failure(errors);
    if (code !== 0) log(`exit code ${code}\n${failure}`);
    return { code, failure, changes: engine.changes };
  } finally {
    clearInterval(heartbeat);
  }
}

/** As `runEngine`. @throws Error with what went wrong and where the log is, when the run fails. */
export async function mustRun(
  config: LabConfig,
  stack: string,
  args: readonly string[],
  progress: Progress,
): Promise<EngineRun> {
  const run = await runEngine(config, stack, args, progress);
  if (run.code !== 0) throw new Error(`pulumi ${args[0]} failed (log: ${engineLog(config, stack)})\n${run.failure}`);
  return run;
}

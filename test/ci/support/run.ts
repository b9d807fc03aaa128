/** Runs a script of ci/ as a pipeline does: a process of its own, its settings in variables. */
import { tryRun } from "../../../lab/process/run.js";
import { projectDirectory } from "../../../lab/config.js";

export interface ScriptRun {
  readonly code: number;
  /** Both outputs, one after the other. */
  readonly output: string;
}

/** @param env the whole environment but PATH and HOME: what the caller's shell has set must not decide a test. */
export async function script(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
  timeout = 300_000,
): Promise<ScriptRun> {
  const { PATH, HOME } = process.env;
  const result = await tryRun([`ci/${name}`, ...args], { cwd: projectDirectory, env: { PATH, HOME, ...env }, timeout });
  return { code: result.code, output: `${result.stdout}\n${result.stderr}` };
}

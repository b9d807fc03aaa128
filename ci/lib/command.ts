/** Shared by all scripts: options, help, errors with a remedy, output files. */
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs, type ParseArgsConfig } from "node:util";

/** An error that the user can fix; the message says how. */
export class Problem extends Error {
  override readonly name = "Problem";
}

/** Root of the project's checkout, where Pulumi.yaml is. */
export const projectDirectory = resolve(__dirname, "../..");

/** Default folder of the scripts' output; not part of the repository. */
export const outputDirectory = "ci-output";

/** Exit codes; each script's help lists its own. */
export const exitCodes = { done: 0, failed: 1, found: 2, refused: 3 } as const;

type OptionsOf<T extends NonNullable<ParseArgsConfig["options"]>> = ReturnType<
  typeof parseArgs<{ options: T; strict: true }>
>["values"];

/**
 * Options of the command line; `--help` prints the help and ends the process.
 * @throws Problem when an option is not known or has no value.
 */
export function readOptions<T extends NonNullable<ParseArgsConfig["options"]>>(
  help: string,
  options: T,
  args = process.argv.slice(2),
): OptionsOf<T> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(`${help.trim()}\n`);
    process.exit(0);
  }
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new Problem(`${error instanceof Error ? error.message : String(error)}\n"--help" lists what is allowed`);
  }
}

/**
 * The stack to work on: `--stack`, else the variable PULUMI_STACK.
 * @throws Problem when there is neither.
 */
export function stackOf(option: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  const stack = option ?? env["PULUMI_STACK"];
  if (!stack) throw new Problem('no stack: set PULUMI_STACK or give --stack NAME ("pulumi stack ls" lists them)');
  return stack;
}

/** A whole number within limits. @throws Problem that names the option, the value and what is allowed. */
export function wholeNumber(name: string, text: string, lowest: number, highest: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < lowest || value > highest)
    throw new Problem(`${name}: got "${text}", allowed is a whole number from ${lowest} to ${highest}`);
  return value;
}

/** Writes a file and its folders, readable by its owner only. */
export function writeOutput(file: string, content: string): void {
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(file, content, { mode: 0o600 });
}

/** On GitHub, shows Markdown on the page of the run; elsewhere does nothing. */
export function showOnRun(markdown: string, env: NodeJS.ProcessEnv = process.env): void {
  if (env["GITHUB_STEP_SUMMARY"]) appendFileSync(env["GITHUB_STEP_SUMMARY"], `${markdown}\n`);
}

/** Progress and errors go to standard error, results to standard output. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Runs a script and ends the process with its exit code. */
export function start(name: string, run: () => Promise<number>): void {
  run().then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      say(
        `ci/${name}: ${error instanceof Problem ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      process.exitCode = exitCodes.failed;
    },
  );
}

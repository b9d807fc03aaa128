/** Starts `pulumi` in the project for the scripts: with progress, without secrets in what it prints, interrupted once. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EngineEvent } from "../../engine/events.js";
import { execute, ProgramMissing } from "../../engine/execute.js";
import { EngineProgress } from "../../engine/progress.js";
import { pulumiCommand, runWithEvents } from "../../engine/run.js";
import { Problem, projectDirectory, say } from "./command.js";
import { withoutSecrets } from "../../engine/secrets.js";

/** Folder of the policy pack, applied when it exists. */
const policies = "policies";

export interface EngineRun {
  readonly code: number;
  readonly events: readonly EngineEvent[];
  /** Standard error, without secrets. */
  readonly errors: string;
}

/** Variable with the path of the policy pack's configuration: exceptions, and rules beyond the defaults. */
const policyConfigVariable = "COREKUBE_POLICY_CONFIG";

/**
 * `--policy-pack policies` when the project has one, with the configuration file that the environment names.
 * @throws Problem when that file does not exist.
 */
export function policyArguments(directory = projectDirectory, env: NodeJS.ProcessEnv = process.env): string[] {
  if (!existsSync(join(directory, policies, "PulumiPolicy.yaml"))) return [];
  const file = env[policyConfigVariable];
  if (!file) return ["--policy-pack", policies];
  if (!existsSync(file))
    throw new Problem(
      `${policyConfigVariable}: got "${file}", which does not exist; set it to a JSON file with the policy pack's configuration, or unset it`,
    );
  return ["--policy-pack", policies, "--policy-pack-config", file];
}

/** Runs a preview of any kind and returns its events; reports progress at least every 10 seconds. */
export async function runEvents(name: string, args: readonly string[]): Promise<EngineRun> {
  const events: EngineEvent[] = [];
  let seen = 0;
  const began = Date.now();
  const seconds = (): number => Math.round((Date.now() - began) / 1000);
  const heartbeat = setInterval(() => say(`${name}: ${seconds()} s, ${seen} resources`), 8000);
  try {
    const { code, errors } = await runWithEvents(runner, args, {
      env: process.env,
      onEvent: (event) => {
        if (event.resourcePreEvent) seen += 1;
        events.push(event);
      },
    });
    say(`${name}: done in ${seconds()} s, ${seen} resources`);
    return { code, events, errors: withoutSecrets(errors) };
  } finally {
    clearInterval(heartbeat);
  }
}

/**
 * Runs a command that changes things. What is done is printed as it comes, and every 8 seconds what is under way. Its events stay in this
 * process: they hold outputs as they are.
 */
export async function runReported(
  args: readonly string[],
  onEvent: (event: EngineEvent) => void,
): Promise<{ readonly code: number; readonly failure: string }> {
  const progress = new EngineProgress((line) => say(withoutSecrets(line)));
  const heartbeat = setInterval(() => {
    const waiting = progress.waiting();
    if (waiting !== "") say(withoutSecrets(`waiting: ${waiting}`));
  }, 8000);
  try {
    const { code, errors } = await runWithEvents(runner, args, {
      env: process.env,
      onEvent: (event) => {
        progress.event(event);
        onEvent(event);
      },
    });
    return { code, failure: withoutSecrets(progress.failure(errors)) };
  } finally {
    clearInterval(heartbeat);
  }
}

/** The stack's state; secrets in it stay encrypted. @throws Problem when it cannot be read. */
export async function exportState(stack: string): Promise<unknown> {
  const { code, stdout, stderr } = await runner(pulumiCommand(["stack", "export", "--stack", stack]), {});
  if (code !== 0)
    throw new Problem(
      `the state of stack ${stack} could not be read:\n${withoutSecrets(stderr).trim()}${remedy(stderr)}`,
    );
  return JSON.parse(stdout) as unknown;
}

/** What to do about a known error of the engine; empty for others. */
export function remedy(errors: string): string {
  const known: readonly (readonly [RegExp, string])[] = [
    [
      /PULUMI_ACCESS_TOKEN|must be set for login|not logged in/i,
      "log in: set PULUMI_BACKEND_URL (S3-compatible or file), or PULUMI_ACCESS_TOKEN for Pulumi Cloud",
    ],
    [
      /passphrase must be set|incorrect passphrase/i,
      "set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE to a file with it",
    ],
    [
      /no stack named|no previous deployment/i,
      'check PULUMI_STACK and PULUMI_BACKEND_URL: "pulumi stack ls" lists the stacks of this backend',
    ],
    [
      /currently locked by|another update is currently in progress/i,
      'another run is using the stack: wait for it. If it was killed (see the owner of the lock above), "pulumi cancel --stack NAME", then "pulumi refresh"',
    ],
    [/no changes were expected/i, "see the changes above"],
  ];
  const found = known.find(([pattern]) => pattern.test(errors));
  return found ? `\nWhat to do: ${found[1]} (docs/pipelines.md)` : "";
}

/** Runs it in the project. @throws Problem when pulumi is not installed. */
const runner = async (
  command: readonly string[],
  options: Parameters<typeof execute>[1],
): ReturnType<typeof execute> => {
  try {
    return await execute(command, { cwd: projectDirectory, ...options });
  } catch (error) {
    if (!(error instanceof ProgramMissing)) throw error;
    throw new Problem(
      "pulumi is not on PATH: install the Pulumi CLI (https://www.pulumi.com/docs/install/), version 3.238 or newer",
    );
  }
};

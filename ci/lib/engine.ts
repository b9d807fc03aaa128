/** Starts `pulumi`. Its event stream is read here and nowhere else: the raw stream holds secrets and is never written to a file. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Problem, projectDirectory, say } from "./command.js";
import { readEvent, type EngineEvent } from "./events.js";
import { withoutSecrets } from "./secrets.js";

/** Folder of the policy pack; a run takes it as soon as it is there. */
const policies = "policies";

export interface EngineRun {
  readonly code: number;
  readonly events: readonly EngineEvent[];
  /** Standard error, without secrets. */
  readonly errors: string;
}

/** Names the file with the policy pack's configuration: exceptions by name, and what a team demands beyond the defaults. */
export const policyConfigVariable = "COREKUBE_POLICY_CONFIG";

/**
 * `--policy-pack policies` when the project has one, with the configuration that the environment names.
 * @throws Problem when that file is not there.
 */
export function policyArguments(directory = projectDirectory, env: NodeJS.ProcessEnv = process.env): string[] {
  if (!existsSync(join(directory, policies, "PulumiPolicy.yaml"))) return [];
  const file = env[policyConfigVariable];
  if (!file) return ["--policy-pack", policies];
  if (!existsSync(file))
    throw new Problem(
      `${policyConfigVariable}: got "${file}", allowed is the path of a JSON file with the policy pack's configuration; there is none`,
    );
  return ["--policy-pack", policies, "--policy-pack-config", file];
}

/** Arguments that every call carries. */
const common = ["--non-interactive", "--color", "never"];

/** Runs a preview of any kind and returns its events; tells at least every 10 seconds how far it is. */
export async function runEvents(name: string, args: readonly string[]): Promise<EngineRun> {
  const child = open([...args, "--json"], ["ignore", "pipe", "pipe"], { PULUMI_ENABLE_STREAMING_JSON_PREVIEW: "true" });
  const events: EngineEvent[] = [];
  let seen = 0;
  const began = Date.now();
  const seconds = (): number => Math.round((Date.now() - began) / 1000);
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const event = readEvent(line);
    if (event === undefined) return;
    if (event.resourcePreEvent) seen += 1;
    events.push(event);
  });
  let errors = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const heartbeat = setInterval(() => say(`${name}: ${seconds()} s, ${seen} resources`), 8000);
  try {
    const code = await ended(child);
    say(`${name}: done in ${seconds()} s, ${seen} resources`);
    return { code, events, errors: withoutSecrets(errors) };
  } finally {
    clearInterval(heartbeat);
  }
}

/** Runs a command whose output is for the reader; returns its exit code. */
export async function runShown(args: readonly string[]): Promise<number> {
  return ended(open(args, ["ignore", "inherit", "inherit"]));
}

/** The stack's state; secrets in it stay encrypted. @throws Problem when it cannot be had. */
export async function exportState(stack: string): Promise<unknown> {
  const child = open(["stack", "export", "--stack", stack], ["ignore", "pipe", "pipe"]);
  let output = "";
  let errors = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const code = await ended(child);
  if (code !== 0)
    throw new Problem(
      `the state of stack ${stack} could not be read:\n${withoutSecrets(errors).trim()}${remedy(errors)}`,
    );
  return JSON.parse(output) as unknown;
}

/** What to do about an error of the engine that a person can put right; empty when nothing is known. */
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
      'check PULUMI_STACK and PULUMI_BACKEND_URL: "pulumi stack ls" lists what this backend has',
    ],
    [
      /currently locked by|another update is currently in progress/i,
      'another run works on the stack: wait for its end. If it is gone for good (see who holds the lock above), "pulumi cancel --stack NAME", then "pulumi refresh"',
    ],
    [/no changes were expected/i, "see the changes above"],
  ];
  const found = known.find(([pattern]) => pattern.test(errors));
  return found ? `\nWhat to do: ${found[1]} (docs/pipelines.md)` : "";
}

function open(
  args: readonly string[],
  stdio: ("ignore" | "pipe" | "inherit")[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const child = spawn("pulumi", [...args, ...common], {
    cwd: projectDirectory,
    env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true", ...env },
    stdio,
  });
  return child;
}

/** Passes on the first interrupt, so that the engine ends what is under way and writes its state down. */
function ended(child: ChildProcess): Promise<number> {
  const ask = (): void => {
    child.kill("SIGINT");
  };
  process.on("SIGINT", ask);
  process.on("SIGTERM", ask);
  return new Promise<number>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "ENOENT"
          ? new Problem(
              "pulumi is not on PATH: install the Pulumi CLI (https://www.pulumi.com/docs/install/), version 3.238 or newer",
            )
          : error,
      );
    });
    child.once("close", (code) => resolve(code ?? 130));
  }).finally(() => {
    process.off("SIGINT", ask);
    process.off("SIGTERM", ask);
  });
}

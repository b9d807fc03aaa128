/** The stack that a command works on, through `pulumi`: any backend, and nothing that plain `pulumi` could not do. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import type { EngineEvent } from "../engine/events.js";
import { execute, ProgramMissing } from "../engine/execute.js";
import { pulumiCommand, runWithEvents, type Runner } from "../engine/run.js";
import { withoutSecrets } from "../engine/secrets.js";
import { badUsage, Problem, refuse } from "./problem.js";
import { readState, type StackState } from "./state.js";

/** The checkout that this command is part of. */
const projectDirectory = resolve(__dirname, "..");

export interface StackOptions {
  /** @default the selected one */
  readonly stack?: string;
  /** @default this checkout */
  readonly cwd?: string;
}

/** A run of the stack, as the backend has noted it. */
export interface Run {
  /** `update`, `refresh`, `destroy`, `import` ... */
  readonly kind: string;
  /** `succeeded`, `failed`, `in-progress`. */
  readonly result: string;
  readonly began: Date;
  readonly ended: Date | undefined;
}

interface HistoryEntry {
  readonly kind: string;
  readonly result?: string;
  readonly startTime: string;
  readonly endTime?: string;
}

/** A value of the stack's configuration; `value` is missing where it is secret. */
export interface ConfigValue {
  readonly value?: string;
  readonly objectValue?: unknown;
  readonly secret: boolean;
}

const remedies: readonly (readonly [RegExp, string])[] = [
  [/no stack selected|no stack named/i, "Choose a stack with --stack NAME. Run: pulumi stack ls"],
  [/PULUMI_ACCESS_TOKEN|must be set for login|not logged in|please run `?pulumi login/i, "Run: pulumi login"],
  [
    /passphrase must be set|incorrect passphrase/i,
    "Set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE to a file with it, and run the command again.",
  ],
  [
    /currently locked by|another update is currently in progress/i,
    "Another run uses the stack. Run: corekube plan status update",
  ],
  [/no Pulumi.yaml|project file/i, "Give the checkout's folder with --cwd FOLDER."],
];

/** The engine's errors without its warnings about plugins, without secrets, with what to do. */
export function engineProblem(what: string, errors: string): Problem {
  const text = errors
    .split("\n")
    .filter((line) => line.trim() !== "" && !/^warning: using pulumi-\S+ from \$PATH/.test(line))
    .slice(-30)
    .join("\n")
    .replace(/^error: /, "");
  const remedy = remedies.find(([pattern]) => pattern.test(text))?.[1];
  return new Problem(withoutSecrets([`${what}: ${text || "no reason given"}`, remedy].filter(Boolean).join("\n")));
}

export class Stack {
  readonly #cwd: string;
  readonly #stack: string | undefined;
  #name: Promise<string> | undefined;
  #backend: Promise<string> | undefined;
  #outputs: Promise<Record<string, unknown>> | undefined;

  /** @throws Problem when the folder has no project. */
  constructor({ stack, cwd }: StackOptions) {
    this.#cwd = resolve(cwd ?? projectDirectory);
    this.#stack = stack;
    if (!existsSync(join(this.#cwd, "Pulumi.yaml")))
      throw badUsage({
        path: "--cwd",
        got: this.#cwd,
        allowed: "a folder with Pulumi.yaml",
        run: "corekube status --cwd <the checkout>",
      });
  }

  /** Options that repeat the choice of stack, for commands in messages. */
  get flags(): string {
    return this.#stack === undefined ? "" : ` --stack ${this.#stack}`;
  }

  /** Standard output of a command. @throws Problem with the engine's error. */
  read(...args: readonly string[]): Promise<string> {
    return this.#must(pulumiCommand([...args, ...this.#choice()]));
  }

  async state(): Promise<StackState> {
    return readState(JSON.parse(await this.read("stack", "export")));
  }

  /** Its last runs, the newest first. */
  async history(count = 1): Promise<readonly Run[]> {
    const entries = JSON.parse(
      await this.read("stack", "history", "--json", "--page-size", String(count)),
    ) as readonly HistoryEntry[];
    return entries.map(({ kind, result = "", startTime, endTime }) => ({
      kind,
      result,
      began: new Date(startTime),
      ended: endTime === undefined ? undefined : new Date(endTime),
    }));
  }

  /** Its name without organization and project. */
  name(): Promise<string> {
    return (this.#name ??= this.read("stack", "--show-name").then((name) => name.trim().split("/").at(-1)!));
  }

  /** Name of the project. */
  project(): string {
    return this.#description().name;
  }

  /** The file with the stack's settings, there or not. */
  async settingsFile(): Promise<string> {
    const chosen = process.env["PULUMI_OPTION_CONFIG_FILE"];
    if (chosen) return resolve(this.#cwd, chosen);
    return join(this.#cwd, this.#description().stackConfigDir ?? "", `Pulumi.${await this.name()}.yaml`);
  }

  /** Address of the backend, such as `file:///srv/state` or `https://app.pulumi.com/acme`. */
  backend(): Promise<string> {
    return (this.#backend ??= this.#must(pulumiCommand(["whoami", "--json"])).then(
      (text) => (JSON.parse(text) as { readonly url: string }).url,
    ));
  }

  /** An output; undefined: it has none of this name yet. */
  async output(name: string): Promise<unknown> {
    this.#outputs ??= this.read("stack", "output", "--json", "--show-secrets").then(
      (text) => JSON.parse(text) as Record<string, unknown>,
    );
    return (await this.#outputs)[name];
  }

  /** The administrator's. Secret. @throws Problem when the cluster has none yet. */
  async kubeconfig(): Promise<string> {
    const text = await this.output("kubeconfig");
    if (typeof text === "string") return text;
    throw refuse({
      path: "stack",
      got: "no output kubeconfig",
      allowed: "a stack whose cluster has an API",
      run: `pulumi up${this.flags}`,
    });
  }

  /** Its configuration by full key, defaults of the project included. */
  async config(): Promise<Readonly<Record<string, ConfigValue>>> {
    return JSON.parse(await this.read("config", "--json")) as Readonly<Record<string, ConfigValue>>;
  }

  /** Runs `preview`, `up` and the like; resolves whatever the result is. Errors are the engine's standard error. */
  runEvents(
    args: readonly string[],
    onEvent: (event: EngineEvent) => void,
  ): Promise<{ readonly code: number; readonly errors: string }> {
    return runWithEvents((command, options) => this.#run(command, options), [...args, ...this.#choice()], {
      env: process.env,
      onEvent,
    });
  }

  #description(): { readonly name: string; readonly stackConfigDir?: string } {
    return parse(readFileSync(join(this.#cwd, "Pulumi.yaml"), "utf8")) as { readonly name: string };
  }

  #choice(): readonly string[] {
    return this.#stack === undefined ? [] : ["--stack", this.#stack];
  }

  async #must(command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#run(command, {});
    if (code !== 0) throw engineProblem(command.slice(0, 3).join(" "), stderr || stdout);
    return stdout;
  }

  async #run(command: readonly string[], options: Parameters<Runner>[1]): ReturnType<Runner> {
    try {
      return await execute(command, { ...options, env: options.env ?? process.env, cwd: this.#cwd, ownGroup: true });
    } catch (error) {
      if (!(error instanceof ProgramMissing)) throw error;
      throw new Problem(
        "pulumi: got no such program on PATH; allowed: version 3.238 or newer. Install it: https://www.pulumi.com/docs/install/",
      );
    }
  }
}

/** Previews with the policy pack on the real engine, in a home and a state of their own; no cloud and no machine is needed. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parse, stringify } from "yaml";
import { projectDirectory } from "../../../lab/config.js";
import { killAtExit } from "../../provider/support/processes.js";
import { tool } from "../../provider/support/tools.js";

export const pack = path.join(projectDirectory, "policies");

/** A violation as the engine prints it: `- [mandatory]  rule  (type: name)`. */
export interface Violation {
  readonly level: string;
  readonly rule: string;
  readonly resource: string;
}

export interface Preview {
  readonly code: number;
  readonly output: string;
  readonly violations: readonly Violation[];
}

export interface PreviewOptions {
  /** Folder of the program. @default this project's */
  readonly program?: string;
  /** Stack settings by full key. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Configuration of the policy pack. */
  readonly policies?: Readonly<Record<string, unknown>>;
}

export class PolicyEngine {
  readonly #root = mkdtempSync(path.join(tmpdir(), "corekube-policies-"));
  #runs = 0;

  folder(name: string): string {
    const folder = path.join(this.#root, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** Previews a stack that does not exist yet. */
  async preview(stack: string, options: PreviewOptions = {}): Promise<Preview> {
    const run = this.folder(`run${(this.#runs += 1)}`);
    const settings = path.join(run, `Pulumi.${stack}.yaml`);
    writeFileSync(settings, stringify({ config: options.settings ?? {} }));
    const configuration = path.join(run, "policies.json");
    writeFileSync(configuration, JSON.stringify(options.policies ?? {}));
    const state = this.folder(`run${this.#runs}/state`);
    const program = options.program ?? projectDirectory;
    const call = (args: readonly string[], folder: string): Promise<Omit<Preview, "violations">> =>
      this.#pulumi(args, folder, state, settings);
    // Elsewhere than beside the program: the engine writes the salt of a new stack into the settings that it finds there.
    const { name } = parse(readFileSync(path.join(program, "Pulumi.yaml"), "utf8")) as { readonly name: string };
    writeFileSync(path.join(run, "Pulumi.yaml"), stringify({ name, runtime: "nodejs" }));
    const made = await call(["stack", "init", stack], run);
    if (made.code !== 0) throw new Error(`pulumi stack init ${stack}: ${made.output}`);
    const withConfiguration = options.policies === undefined ? [] : ["--policy-pack-config", configuration];
    const { code, output } = await call(
      ["preview", "--stack", stack, "--policy-pack", pack, ...withConfiguration],
      program,
    );
    return { code, output, violations: violationsIn(output) };
  }

  /** The cases have types and inputs that the lab's stand-ins refuse, and values that no cloud would accept. */
  #plugins(program: string): string[] {
    const lab = path.join(projectDirectory, "lab/standins");
    return program === projectDirectory ? [lab] : [path.join(__dirname, "plugins"), lab];
  }

  async #pulumi(
    args: readonly string[],
    cwd: string,
    state: string,
    settings: string,
  ): Promise<Omit<Preview, "violations">> {
    const child = spawn(await tool("pulumi"), [...args, "--non-interactive", "--color", "never"], {
      cwd,
      env: {
        ...process.env,
        PATH: [...this.#plugins(cwd), process.env["PATH"]].join(path.delimiter),
        PULUMI_HOME: this.folder("home"),
        PULUMI_BACKEND_URL: `file://${state}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_OPTION_CONFIG_FILE: settings,
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        DIGITALOCEAN_TOKEN: "test",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    killAtExit(child);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return new Promise((resolve) => child.once("close", (code) => resolve({ code: code ?? 255, output })));
  }
}

export function violationsIn(output: string): Violation[] {
  return [...output.matchAll(/^\s*- \[(\w+)\]\s+(\S+)\s+\((.+)\)$/gm)].map(
    ([, level = "", rule = "", resource = ""]) => ({ level, rule, resource }),
  );
}

/** Settings of a stack that the project ships, with those that a test has other values for. */
export function shippedSettings(
  stack: string,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const { config } = parse(readFileSync(path.join(projectDirectory, `Pulumi.${stack}.yaml`), "utf8")) as {
    config: Record<string, unknown>;
  };
  return { ...config, ...changes };
}

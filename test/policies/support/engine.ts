/** Previews with the policy pack on the real engine, in a home and a state of their own; no cloud and no machine is needed. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parse, stringify } from "yaml";
import { projectDirectory } from "../../../lab/config.js";
import { TestEngine, type EngineRun } from "../../support/engine.js";

export const pack = path.join(projectDirectory, "policies");

/** A violation as the engine prints it: `- [mandatory]  rule  (type: name)`. */
export interface Violation {
  readonly level: string;
  readonly rule: string;
  readonly resource: string;
}

export interface Preview extends EngineRun {
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
  readonly #engine = new TestEngine();
  #runs = 0;

  folder(name: string): string {
    return this.#engine.folder(name);
  }

  remove(): void {
    this.#engine.remove();
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
    const call = (args: readonly string[], cwd: string): Promise<EngineRun> =>
      this.#engine.run(args, {
        cwd,
        // The cases have types of AWS that the lab's stand-in lacks, and values that no cloud would accept.
        plugins: cwd === program && program !== projectDirectory ? [path.join(__dirname, "plugins")] : [],
        env: {
          PULUMI_BACKEND_URL: `file://${state}`,
          PULUMI_OPTION_CONFIG_FILE: settings,
          DIGITALOCEAN_TOKEN: "test",
        },
      });
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
}

export function violationsIn(output: string): Violation[] {
  return [...output.matchAll(/^\s*- \[(\w+)\]\s+(\S+)\s+\((.+)\)$/gm)].map(
    ([, level = "", rule = "", resource = ""]) => ({ level, rule, resource }),
  );
}

/** The real program under the real engine, with settings of a test: a backend, a home and stacks of their own, and a cloud that counts. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fullKey } from "./cases.js";
import { killAtExit } from "../../provider/support/processes.js";
import { tool } from "../../provider/support/tools.js";

const projectDirectory = path.resolve(__dirname, "..", "..", "..");

export interface Run {
  readonly code: number;
  /** What the engine printed, with line breaks and indentation as one space. */
  readonly output: string;
  readonly seconds: number;
}

/** Settings without namespace; texts, or what becomes JSON. */
export type Settings = Readonly<Record<string, unknown>>;

export class Program {
  private readonly root = mkdtempSync(path.join(tmpdir(), "corekube-program-"));
  private readonly environment: NodeJS.ProcessEnv;

  /**
   * @param engine The program `pulumi`.
   * @param cloud Address of what answers for the cloud.
   * @param plugins Folder that is looked in for plugins before the lab's.
   */
  private constructor(
    private readonly engine: string,
    private readonly cloud: string,
    plugins: readonly string[],
  ) {
    for (const name of ["home", "state", "config"]) mkdirSync(path.join(this.root, name));
    const conflicting = new Set(["PULUMI_STACK", "PULUMI_OPTION_CONFIG_FILE", "PULUMI_CONFIG_PASSPHRASE_FILE"]);
    this.environment = {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !conflicting.has(name))),
      PATH: [...plugins, path.join(projectDirectory, "lab", "plugins"), process.env["PATH"] ?? ""].join(path.delimiter),
      PULUMI_HOME: path.join(this.root, "home"),
      PULUMI_BACKEND_URL: `file://${path.join(this.root, "state")}`,
      PULUMI_CONFIG_PASSPHRASE: "test",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      DIGITALOCEAN_TOKEN: "test",
    };
  }

  static async make(cloud: string, plugins: readonly string[] = []): Promise<Program> {
    return new Program(await tool("pulumi"), cloud, plugins);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  async makeStack(stack: string): Promise<void> {
    // Elsewhere than beside the program: it writes a settings file into the project's folder.
    const folder = path.dirname(this.settingsFile(stack));
    writeFileSync(path.join(folder, "Pulumi.yaml"), "name: corekube\nruntime: nodejs\n");
    const { code, output } = await this.run(["stack", "init", stack], folder);
    if (code !== 0) throw new Error(output);
  }

  /** Runs pulumi on a stack with the settings, and with no others. */
  async withSettings(stack: string, settings: Settings, args: readonly string[]): Promise<Run> {
    const config = {
      ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [fullKey(name), value])),
      "digitalocean:apiEndpoint": this.cloud,
    };
    const salt = /^encryptionsalt: .*$/m.exec(readFileSync(this.settingsFile(stack), "utf8"))?.[0] ?? "";
    // JSON is YAML.
    writeFileSync(this.settingsFile(stack), `${salt}\nconfig: ${JSON.stringify(config)}\n`);
    return this.run([...args, "--stack", stack, "--config-file", this.settingsFile(stack)]);
  }

  /** Resources in the stack's state. */
  async resources(stack: string): Promise<readonly string[]> {
    const { output } = await this.run(["stack", "export", "--stack", stack]);
    const state = JSON.parse(output) as {
      readonly deployment: { readonly resources?: readonly { readonly urn: string }[] };
    };
    return (state.deployment.resources ?? []).map(({ urn }) => urn);
  }

  private settingsFile(stack: string): string {
    return path.join(this.root, "config", `Pulumi.${stack}.yaml`);
  }

  private run(args: readonly string[], cwd = projectDirectory): Promise<Run> {
    const began = Date.now();
    const child = spawn(this.engine, [...args, "--non-interactive", "--color", "never"], {
      cwd,
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    killAtExit(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return new Promise((resolve) => {
      child.once("close", (code) =>
        resolve({ code: code ?? 255, output: output.replace(/\s+/g, " "), seconds: (Date.now() - began) / 1000 }),
      );
    });
  }
}

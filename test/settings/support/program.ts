/** The real program under the real engine, with settings of a test: a backend, a home and stacks of their own, and a cloud that counts. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fullKey, type Settings } from "./cases.js";
import { projectDirectory } from "../../../lab/config.js";
import { TestEngine } from "../../support/engine.js";

export interface Run {
  readonly code: number;
  /** What the engine printed, with line breaks and indentation as one space. */
  readonly output: string;
}

/** A resource of an exported state. */
export interface RecordedResource {
  urn: string;
  inputs?: object;
  outputs?: object;
}

export class Program {
  private readonly engine = new TestEngine();

  /**
   * @param cloud Address of what answers for the cloud.
   * @param plugins Folders that are searched for plugins before the lab's.
   */
  constructor(
    private readonly cloud: string,
    private readonly plugins: readonly string[] = [],
  ) {}

  remove(): void {
    this.engine.remove();
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

  /** The stack as another run would have left it: `change` gets its resources. */
  async changeState(stack: string, change: (resources: RecordedResource[]) => void): Promise<void> {
    const file = path.join(this.engine.folder("config"), "state.json");
    await this.run(["stack", "export", "--stack", stack, "--file", file]);
    const state = JSON.parse(readFileSync(file, "utf8")) as { deployment: { resources: RecordedResource[] } };
    change(state.deployment.resources);
    writeFileSync(file, JSON.stringify(state));
    const { code, output } = await this.run(["stack", "import", "--stack", stack, "--file", file]);
    if (code !== 0) throw new Error(output);
  }

  private settingsFile(stack: string): string {
    return path.join(this.engine.folder("config"), `Pulumi.${stack}.yaml`);
  }

  private async run(args: readonly string[], cwd = projectDirectory): Promise<Run> {
    const { code, output } = await this.engine.run(args, {
      cwd,
      plugins: this.plugins,
      env: { DIGITALOCEAN_TOKEN: "test" },
    });
    return { code, output: output.replace(/\s+/g, " ") };
  }
}

/** A stack of the real program on the real engine, in an account of the lab's clouds. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { projectDirectory } from "../../lab/config.js";
import { TestEngine, type EngineRun } from "../support/engine.js";
import { shippedSettings } from "../support/shippedSettings.js";
import type { Hold } from "../support/stubProviders.js";
import type { Account } from "./account.js";

export class AccountStack {
  readonly #engine = new TestEngine();
  readonly #folder = this.#engine.folder("stack");
  readonly #settings: string;

  constructor(private readonly account: Account) {
    this.#settings = join(this.#folder, `Pulumi.${account.shipped}.yaml`);
  }

  async create(): Promise<void> {
    writeFileSync(join(this.#folder, "Pulumi.yaml"), stringify({ name: "corekube", runtime: "nodejs" }));
    const config = shippedSettings(this.account.shipped, {
      "corekube:node_count": 1,
      "corekube:mirrors": {},
      ...this.account.settings,
    });
    writeFileSync(this.#settings, stringify({ config }));
    // Here and not beside the program: the engine writes the salt of a new stack into the settings that it finds there.
    await this.#engine.must(["stack", "init", this.account.shipped], this.#options(this.#folder));
  }

  remove(): void {
    this.#engine.remove();
  }

  up(): Promise<EngineRun> {
    return this.#run("up", "--yes", "--skip-preview");
  }

  destroy(): Promise<EngineRun> {
    return this.#run("destroy", "--yes", "--skip-preview");
  }

  /** Whether the cloud is as the stack has made it. */
  unchanged(): Promise<EngineRun> {
    return this.#run("refresh", "--yes", "--skip-preview", "--expect-no-changes");
  }

  /** Types a command that a message has named. */
  async type(command: string): Promise<void> {
    const [, ...args] = command.split(" ");
    await this.#engine.must([...args, "--stack", this.account.shipped], this.#options(projectDirectory));
  }

  /** Runs a program that calls pulumi, such as the command, with the environment of this stack. */
  async with<Result>(use: (env: NodeJS.ProcessEnv) => Promise<Result>, hold?: Hold): Promise<Result> {
    const providers = await this.account.serve(hold);
    try {
      return await use(await this.#engine.environment(this.#options(projectDirectory, providers.env)));
    } finally {
      await providers.close();
    }
  }

  async #run(...args: readonly string[]): Promise<EngineRun> {
    const providers = await this.account.serve();
    try {
      return await this.#engine.run(
        [...args, "--stack", this.account.shipped],
        this.#options(projectDirectory, providers.env),
      );
    } finally {
      await providers.close();
    }
  }

  #options = (cwd: string, env: Readonly<Record<string, string>> = {}) => ({
    cwd,
    env: { PULUMI_OPTION_CONFIG_FILE: this.#settings, AWS_REGION: "", ...env },
  });
}

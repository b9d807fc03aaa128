/** Stacks of the real program on the real engine: every provider compares as ever and makes nothing, and what a cloud is asked an empty account answers. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { type EngineEvent } from "../../../engine/events.js";
import { runWithEvents } from "../../../engine/run.js";
import { createApi, type Api } from "../../../lab/clouds/digitalocean/api.js";
import { labConfig, projectDirectory } from "../../../lab/config.js";
import { tryRun } from "../../../lab/process/run.js";
import * as aws from "../../../lab/standins/aws/plugin.js";
import * as digitalocean from "../../../lab/standins/digitalocean/plugin.js";
import { plugin as keys } from "../../../lab/standins/tls/plugin.js";
import type { Kind, Plugin } from "../../../provider/rpc/kind.js";
import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { TestAws } from "../../support/awsCloud.js";
import { TestEngine, type EngineOptions } from "../../support/engine.js";
import { FakeDriver } from "../../support/fakeDriver.js";
import { makingNothing, serveProviders, type ServedProviders } from "../../support/stubProviders.js";
import { tool } from "../../support/tools.js";

/** Settings with namespace, such as `corekube:node_count`. */
export type Settings = Readonly<Record<string, unknown>>;

/** A stack's state as the engine exports it. */
export interface StackState {
  readonly deployment: { readonly resources: StateResource[] };
}

export interface StateResource {
  urn: string;
  /** What the provider calls it. */
  id?: string;
  type: string;
  inputs?: Record<string, unknown>;
  outputs?: Record<string, unknown>;
}

/** A certificate is due at its hour, whatever the checkout. */
function withoutTime(kind: Kind<undefined>): Kind<undefined> {
  return {
    ...kind,
    diff: (state, inputs) => {
      const { changes, deleteBeforeReplace } = kind.diff(state, inputs);
      return { changes: changes.filter(({ path }) => path !== "readyForRenewal"), deleteBeforeReplace };
    },
  };
}

const timeless: Plugin<undefined> = {
  ...keys,
  kinds: new Map([...keys.kinds].map(([type, kind]) => [type, withoutTime(kind)])),
};

/** The plugin as if the stack's settings said where the cloud is: addresses of a test would be in the state. */
const at = <Cloud>(plugin: Plugin<Cloud>, place: Properties): Plugin<Cloud> =>
  makingNothing({ ...plugin, configure: (settings) => plugin.configure({ ...settings, ...place }) });

export class RecordedStacks {
  readonly #engine = new TestEngine();
  readonly #folder = mkdtempSync(join(tmpdir(), "corekube-clouds-"));
  #api: Api | undefined;
  #aws: TestAws | undefined;
  /** By stack. */
  readonly #clouds = new Map<string, string>();
  #serve: Readonly<Record<string, () => Promise<ServedProviders>>> = {};

  /** Starts an empty account of each cloud. */
  async start(): Promise<void> {
    const config = labConfig({ ...process.env, COREKUBE_LAB: "test", COREKUBE_LAB_DIR: this.#folder });
    this.#api = await createApi({
      driver: new FakeDriver(),
      stateFile: join(this.#folder, "api.json"),
      config,
      rateLimit: { hourly: 1_000_000, burst: 1_000_000 },
    });
    const apiEndpoint = await this.#api.app.listen({ host: "127.0.0.1", port: 0 });
    this.#aws = await TestAws.start();
    const place = this.#aws.settings() as Readonly<Record<string, Value>>;
    this.#serve = {
      digitalocean: () =>
        serveProviders(
          at(digitalocean.createPlugin({ DIGITALOCEAN_TOKEN: config.token }), { apiEndpoint }),
          undefined,
          timeless,
        ),
      aws: () => serveProviders(at(aws.createPlugin({}), place), undefined, timeless),
    };
  }

  async stop(): Promise<void> {
    await this.#api?.app.close();
    await this.#aws?.stop();
    this.#engine.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async create(stack: string, settings: Settings): Promise<void> {
    this.#clouds.set(stack, String(settings["corekube:cloud"]));
    const folder = this.#engine.folder(join("settings", stack));
    writeFileSync(join(folder, "Pulumi.yaml"), stringify({ name: "corekube", runtime: "nodejs" }));
    writeFileSync(this.#settingsFile(stack), stringify({ config: settings }));
    // Here and not beside the program: the engine writes the salt of a new stack into the settings that it finds there.
    await this.#engine.must(["stack", "init", stack], { cwd: folder });
  }

  /** Makes the stack, and gives its state. @throws Error with the engine's output when it fails. */
  async make(stack: string): Promise<StackState> {
    // One checkpoint at the end and not one for each resource.
    const once = { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" };
    await this.#served(stack, (env) =>
      this.#engine.must(["up", "--yes", "--skip-preview", "--stack", stack], this.#options(stack, { ...env, ...once })),
    );
    const file = join(this.#folder, `${stack}.json`);
    await this.#engine.must(["stack", "export", "--stack", stack, "--file", file], this.#options(stack));
    return JSON.parse(readFileSync(file, "utf8")) as StackState;
  }

  async import(stack: string, state: StackState): Promise<void> {
    const file = join(this.#folder, `${stack}.json`);
    writeFileSync(file, JSON.stringify(state));
    await this.#engine.must(["stack", "import", "--stack", stack, "--file", file], this.#options(stack));
  }

  /** The engine's events of a preview. @throws Error with what went wrong when it fails. */
  async preview(stack: string): Promise<readonly EngineEvent[]> {
    const events: EngineEvent[] = [];
    const { code, errors } = await this.#served(stack, async (env) => {
      const options = this.#options(stack, env);
      return runWithEvents(
        ([, ...command], { cwd, env, onLine }) =>
          tool("pulumi").then((program) => tryRun([program, ...command], { cwd, env, onLine })),
        ["preview", "--stack", stack],
        {
          cwd: projectDirectory,
          env: await this.#engine.environment(options),
          onEvent: (event) => events.push(event),
        },
      );
    });
    if (code !== 0) {
      const problems = events.flatMap(({ diagnosticEvent: said }) =>
        said?.severity === "error" ? [said.message] : [],
      );
      throw new Error(`the preview of ${stack} failed:\n${problems.join("\n") || errors}`);
    }
    return events;
  }

  #settingsFile = (stack: string): string => join(this.#engine.folder(join("settings", stack)), `Pulumi.${stack}.yaml`);

  #options = (stack: string, env: Readonly<Record<string, string>> = {}): EngineOptions => ({
    cwd: projectDirectory,
    env: { PULUMI_OPTION_CONFIG_FILE: this.#settingsFile(stack), AWS_REGION: "", ...env },
  });

  async #served<Result>(stack: string, use: (env: ServedProviders["env"]) => Promise<Result>): Promise<Result> {
    const providers = await this.#serve[this.#clouds.get(stack) ?? ""]!();
    try {
      return await use(providers.env);
    } finally {
      await providers.close();
    }
  }
}

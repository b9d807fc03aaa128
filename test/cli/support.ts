/** The command as users call it, on a real backend of files. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../../lab/config.js";
import { tryRun, type RunResult } from "../../lab/process/run.js";
import { TestEngine } from "../support/engine.js";

/** What `package.json` offers as `corekube`. */
const entry = (
  JSON.parse(readFileSync(path.join(projectDirectory, "package.json"), "utf8")) as { bin: { corekube: string } }
).bin.corekube;

export const corekube = (
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  input?: string,
): Promise<RunResult> => tryRun([path.join(projectDirectory, entry), ...args], { env, input, timeout: 120_000 });

/** How the engine writes a secret in a state that it exports with secrets. */
export const secret = (value: unknown): object => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  plaintext: JSON.stringify(value),
});

export interface Resource {
  readonly type: string;
  readonly name: string;
  /** Types of its components, the outermost first. @default none */
  readonly within?: readonly string[];
  readonly inputs?: object;
  readonly outputs?: object;
  readonly [more: string]: unknown;
}

const project = "corekube";

export const urn = ({ type, name, within = [] }: Pick<Resource, "type" | "name" | "within">, stack = "prod"): string =>
  `urn:pulumi:${stack}::${project}::${[...within, type].join("$")}::${name}`;

/** Resources as an exported state has them. */
export const exported = (
  resources: readonly Resource[],
  outputs: object = {},
  pending: readonly object[] = [],
): { readonly version: number; readonly deployment: object } => ({
  version: 3,
  deployment: {
    manifest: { time: "2026-11-01T10:00:00Z", magic: "", version: "" },
    resources: [
      {
        urn: urn({ type: "pulumi:pulumi:Stack", name: `${project}-prod` }),
        custom: false,
        type: "pulumi:pulumi:Stack",
        outputs,
      },
      ...resources.map(({ within, name, ...resource }) => ({
        custom: true,
        id: name,
        ...resource,
        urn: urn({ type: resource.type, name, within }),
      })),
    ],
    pending_operations: pending,
  },
});

/** A stack `prod` whose state is what a test says it is. */
export class ImportedStack {
  readonly engine = new TestEngine();
  readonly folder = this.engine.folder("program");

  async create(): Promise<void> {
    writeFileSync(path.join(this.folder, "Pulumi.yaml"), `name: ${project}\nruntime: nodejs\n`);
    await this.engine.must(["stack", "init", "prod"], { cwd: this.folder });
  }

  async import(state: { readonly deployment: object }): Promise<void> {
    const file = path.join(this.folder, "state.json");
    const [, salt] =
      /encryptionsalt: (\S+)/.exec(readFileSync(path.join(this.folder, "Pulumi.prod.yaml"), "utf8")) ?? [];
    const deployment = { ...state.deployment, secrets_providers: { type: "passphrase", state: { salt } } };
    writeFileSync(file, JSON.stringify({ ...state, deployment }));
    await this.engine.must(["stack", "import", "--force", "--file", file], { cwd: this.folder });
  }

  async corekube(args: readonly string[], env: NodeJS.ProcessEnv = {}, input?: string): Promise<RunResult> {
    return corekube([...args, "--cwd", this.folder], { ...(await this.engine.environment()), ...env }, input);
  }
}

/** A small stack of its own on the real engine: one delivery to a test machine, the provider as Pulumi.yaml gives it. */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { TestEngine, type EngineOptions, type EngineRun } from "../../support/engine.js";

const PROJECT = path.resolve(__dirname, "../../..");
/** The official plugins are in the way: the engine would look for every package that it finds. */
const LEFT_OUT = new Set(["@pulumi/digitalocean", "@pulumi/kubernetes", "@pulumi/tls"]);

const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { Delivery } from ${JSON.stringify(path.join(PROJECT, "components/machine/delivery.js"))};
const config = new pulumi.Config();
const delivery = new Delivery("member", {
  machine: "lab-etcd-0",
  machineId: config.get("machineId") ?? "1",
  host: "127.0.0.1",
  port: config.requireNumber("port"),
  user: "root",
  privateKey: config.requireSecret("privateKey"),
  files: { "server.key": config.requireSecret("content") },
  timeout: config.getNumber("timeout") ?? 30,
});
export const hostKey = delivery.hostKey;
export const digest = delivery.digest;
`;

export class TestStack {
  readonly #engine = new TestEngine();
  readonly #project = this.#engine.folder("project");

  async create(): Promise<void> {
    for (const name of ["project/node_modules", "project/elsewhere"]) this.#engine.folder(name);
    this.#linkPackages(PROJECT, "");
    symlinkSync(path.join(PROJECT, "provider"), path.join(this.#project, "provider"));
    const write = (name: string, content: string): void => writeFileSync(path.join(this.#project, name), content);
    write(
      "Pulumi.yaml",
      "name: provider-test\nruntime:\n  name: nodejs\n  options:\n    typescript: false\nplugins:\n  providers:\n    - name: corekube\n      path: provider\n",
    );
    write("package.json", '{"name":"provider-test","main":"index.js"}');
    write("index.js", 'require("tsx/cjs");\nmodule.exports = require("./program.ts");\n');
    write("program.ts", PROGRAM);
    await this.#must(["stack", "init", "test"]);
  }

  remove(): void {
    this.#engine.remove();
  }

  /** The file backend's folder, with the stack's state and its history. */
  get stateFolder(): string {
    return this.#engine.folder("state");
  }

  async set(key: string, value: string, secret = false): Promise<void> {
    await this.#must(["config", "set", ...(secret ? ["--secret"] : []), key], { input: value });
  }

  /** Runs pulumi in a folder below the project's. */
  run(args: readonly string[], options: Pick<EngineOptions, "watch"> = {}): Promise<EngineRun> {
    return this.#engine.run(args, { ...options, cwd: this.#engine.folder("project/elsewhere") });
  }

  async #must(args: readonly string[], options: EngineOptions = {}): Promise<void> {
    await this.#engine.must(args, { ...options, cwd: this.#engine.folder("project/elsewhere") });
  }

  /** node_modules as the project's, without what is left out. */
  #linkPackages(from: string, scope: string): void {
    for (const name of readdirSync(path.join(from, "node_modules", scope))) {
      const full = scope === "" ? name : `${scope}/${name}`;
      if (name.startsWith(".") || LEFT_OUT.has(full)) continue;
      if (name.startsWith("@")) {
        mkdirSync(path.join(this.#project, "node_modules", full));
        this.#linkPackages(from, full);
      } else symlinkSync(path.join(from, "node_modules", full), path.join(this.#project, "node_modules", full));
    }
  }
}

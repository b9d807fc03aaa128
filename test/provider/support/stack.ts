/** A small stack of its own on the real engine: one delivery to a test machine, the provider as Pulumi.yaml gives it. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { killAtExit } from "./processes.js";
import { tool } from "./tools.js";

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

export interface Run {
  readonly code: number;
  readonly output: string;
}

export class TestStack {
  readonly #root = mkdtempSync(path.join(tmpdir(), "corekube-stack-"));
  readonly #project = path.join(this.#root, "project");
  #pulumi = "";

  async create(): Promise<void> {
    this.#pulumi = await tool("pulumi");
    for (const name of ["project/node_modules", "project/elsewhere", "home", "state"])
      mkdirSync(path.join(this.#root, name), { recursive: true });
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
    await this.#done(["stack", "init", "test"]);
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }

  /** The file backend's folder, with the stack's state and its history. */
  get stateFolder(): string {
    return path.join(this.#root, "state");
  }

  async set(key: string, value: string, secret = false): Promise<void> {
    await this.#done(["config", "set", ...(secret ? ["--secret"] : []), key], value);
  }

  /** Runs pulumi in a folder below the project's. `watch` sees the output as it comes. */
  run(
    args: readonly string[],
    options: { stdin?: string; watch?: (output: string, interrupt: () => void) => void } = {},
  ): Promise<Run> {
    const child = spawn(this.#pulumi, [...args, "--non-interactive"], {
      cwd: path.join(this.#project, "elsewhere"),
      env: {
        ...process.env,
        PATH: `${path.join(PROJECT, "lab/standins")}:${process.env["PATH"] ?? ""}`,
        PULUMI_HOME: path.join(this.#root, "home"),
        PULUMI_BACKEND_URL: `file://${this.stateFolder}`,
        PULUMI_CONFIG_PASSPHRASE: "test",
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
      stdio: ["pipe", "pipe", "pipe"],
    });
    killAtExit(child);
    child.stdin.end(options.stdin ?? "");
    let output = "";
    const take = (chunk: Buffer): void => {
      output += chunk.toString();
      options.watch?.(output, () => child.kill("SIGINT"));
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    return new Promise((resolve) => child.once("close", (code) => resolve({ code: code ?? 255, output })));
  }

  async #done(args: readonly string[], stdin?: string): Promise<void> {
    const { code, output } = await this.run(args, { stdin });
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")}: ${output}`);
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

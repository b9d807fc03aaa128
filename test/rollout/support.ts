/**
 * The order of a run on the real engine, without machines: the product's own `Rollout` in a small program, and a stub in the place
 * of the provider that writes down what the engine asks of it, and when.
 */
import { appendFileSync, chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { TestEngine } from "../support/engine.js";

export const PROJECT = path.resolve(__dirname, "../..");

/** Machines are the pools' of a small cluster; a delivery stands for what makes each serve. */
const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { requireParallelism } from ${JSON.stringify(path.join(PROJECT, "components/rollout/program/parallelism.js"))};
import { Rollout } from ${JSON.stringify(path.join(PROJECT, "components/rollout/program/rollout.js"))};
import { keepCurrent } from ${JSON.stringify(path.join(PROJECT, "infra/keepCurrent.js"))};
const config = new pulumi.Config();
requireParallelism(3);
class Stub extends pulumi.CustomResource {
  declare readonly address: pulumi.Output<string>;
  declare readonly digest: pulumi.Output<string>;
  constructor(type: string, name: string, args: object, opts?: pulumi.CustomResourceOptions) {
    super("corekube:machine:" + type, name, { address: undefined, digest: undefined, ...args }, opts);
  }
}
const pool = (name: string, count: number, atOnce: number) => ({ name, machines: Array.from({ length: count }, (_, index) => name + "-" + index), atOnce });
const stages = [[pool("etcd", 3, 1)], [pool("controller", 3, 1)], [pool("worker", config.getNumber("workers") ?? 3, config.getNumber("atOnce") ?? 1)]];
const rollout = Rollout.begin(stages, { user: "core", privateKey: pulumi.secret("key"), drainTimeout: 300 });
let endpoint: pulumi.Output<string> | undefined;
const rows = new Map<string, pulumi.Output<{ name: string; address: string; digest: string }>>();
for (const stage of stages) for (const { name: role, machines } of stage) {
  const made: { name: string; machine: Stub }[] = machines.map((name) => ({ name, machine: new Stub("Machine", name, { size: rollout.onceAllowed(name, config.get(role) ?? "small") }, { deleteBeforeReplace: true }) }));
  if (role === "controller") endpoint = made[0]!.machine.address;
  for (const { name, machine } of made) {
    // Like etcd members: each knows the addresses of the others.
    const members = role !== "etcd" ? undefined : pulumi.output(Object.fromEntries(made.map((other) => [other.name, other.name === name ? machine.address : rollout.addressOf(other.name, other.machine.address)])));
    const files = { "certificate.crt": config.get("certificate") ?? "first" };
    const delivery = new Stub("Delivery", name, { machineId: machine.id, host: machine.address, members, files }, { dependsOn: [machine] });
    rollout.servesWith(name, delivery.digest);
    rows.set(name, pulumi.output({ name, address: machine.address, digest: delivery.digest }));
  }
}
export const kubeconfig = pulumi.secret(endpoint!);
export const machines = pulumi.all([...rows.values()]);
keepCurrent({ kubeconfig }, rows);
`;

/** Each call takes a moment; \`fail\` names a call that is refused, \`kill\` one at which the engine is killed. */
const STUB = `
const fs = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");
const provider = require(${JSON.stringify(path.join(PROJECT, "node_modules/@pulumi/pulumi/provider"))});
const folder = process.env.STUB_FOLDER;
const flag = (file) => { try { return fs.readFileSync(folder + "/" + file, "utf8").trim(); } catch { return ""; } };
let number = 0;
/** The first member of a new cluster serves when a second one has started too. */
async function quorum() {
  for (let wait = 0; !flag("quorum") && (flag("calls").match(/^create Delivery etcd/gm) ?? []).length < 2; wait++) {
    if (wait === 50) throw new Error("no quorum");
    await sleep(100);
  }
  fs.writeFileSync(folder + "/quorum", "yes");
}
async function act(what, urn) {
  const [type, name] = urn.split("::").slice(-2);
  const call = what + " " + type.split(":").pop() + " " + name;
  fs.appendFileSync(folder + "/calls", call + "\\n");
  await sleep(250);
  if (call.startsWith("create Delivery etcd")) await quorum();
  if (flag("kill") === call) { fs.rmSync(folder + "/kill"); process.kill(Number(flag("engine")), "SIGKILL"); await sleep(500); process.exit(1); }
  if (flag("fail") === call) throw new Error("refused: " + call);
  fs.appendFileSync(folder + "/calls", "done " + call + "\\n");
}
class Stub {
  version = "0.1.0";
  async check(urn, olds, news) { return { inputs: news }; }
  async diff(id, urn, olds, news) {
    const key = urn.includes(":Machine::") ? "size" : "machineId";
    const replaced = olds[key] !== news[key];
    const what = (of) => JSON.stringify(urn.includes(":Releases::") ? [of.kubernetesVersion, of.nodeVersion, of.emulatedVersion] : of.files);
    const updated = what(olds) !== what(news);
    return { changes: replaced || updated, replaces: replaced ? [key] : [], deleteBeforeReplace: true };
  }
  async create(urn, inputs) {
    await act("create", urn);
    const machine = urn.includes(":Machine::");
    const id = urn.split("::").pop() + "-" + process.pid + "-" + ++number;
    if (urn.includes(":Releases::")) return { id, outs: inputs };
    return { id, outs: { ...inputs, ...(machine ? { address: "10." + (process.pid >> 8 & 255) + "." + (process.pid & 255) + "." + number } : { digest: "sha256:0", address: inputs.host ?? "" }) } };
  }
  async update(id, urn, olds, news) {
    try {
      await act("update", urn);
      return { outs: urn.includes(":Releases::") ? news : { ...olds, ...news, digest: "sha256:0" } };
    } catch (error) {
      // As the product's own deliveries fail: remembered, without a digest.
      throw Object.assign(error, { id, properties: { ...news, address: olds.address ?? "" }, reasons: [error.message] });
    }
  }
  async read(id, urn, props) {
    const [type, name] = urn.split("::").slice(-2);
    return type.endsWith("Machine") && flag("gone").split(" ").includes(name) ? { id: "" } : { id, props };
  }
  async delete(id, urn) { await act("delete", urn); }
  async invoke(token, inputs) {
    fs.appendFileSync(folder + "/invokes", token + " " + JSON.stringify(inputs) + "\\n");
    if (token.endsWith("removedApis")) return { outputs: JSON.parse(flag("removedApis") || "{}") };
    return { outputs: token.endsWith("findBroken") ? { broken: JSON.parse(flag("broken") || "{}") } : {} };
  }
}
provider.main(new Stub(), process.argv.slice(2));
`;

export interface EngineRun {
  readonly code: number;
  readonly output: string;
  /** What the engine asked for, in order: `<create|update|delete> <Machine|Delivery> <name>`, and the same after `done`. */
  readonly calls: readonly string[];
}

export class OrderStack {
  readonly #engine = new TestEngine();
  readonly #root = this.#engine.root;

  /** @param program The text of `program.ts`. @default the order of a small cluster */
  async create(program = PROGRAM): Promise<void> {
    for (const name of ["project/node_modules/@pulumi", "bin", "stub"]) this.#engine.folder(name);
    // The official plugins are in the way: the engine would look for every package that it finds.
    for (const name of ["@pulumi/pulumi", "tsx", "typescript"])
      symlinkSync(path.join(PROJECT, "node_modules", name), path.join(this.#root, "project/node_modules", name));
    const write = (name: string, content: string): void => writeFileSync(path.join(this.#root, name), content);
    write("project/Pulumi.yaml", "name: order\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n");
    write("project/package.json", '{"name":"order","main":"index.js"}');
    write("project/index.js", 'require("tsx/cjs");\nmodule.exports = require("./program.ts");\n');
    write("project/program.ts", program);
    write("bin/stub.js", STUB);
    write("bin/pulumi-resource-corekube", `#!/bin/sh\nexec node ${path.join(this.#root, "bin/stub.js")} "$@"\n`);
    chmodSync(path.join(this.#root, "bin/pulumi-resource-corekube"), 0o755);
    await this.#done(["stack", "init", "organization/order/test"]);
  }

  remove(): void {
    this.#engine.remove();
  }

  set(key: string, value: string | number): Promise<void> {
    return this.#done(["config", "set", key, String(value)]);
  }

  /** Takes the lock of a killed run away, as its user would. */
  unlock(): Promise<void> {
    return this.#done(["cancel", "--yes", "--stack", "organization/order/test"]);
  }

  /** @param trouble the call that is refused, or at which the engine is killed. */
  async run(
    command: "up" | "destroy" | "preview" | "refresh",
    trouble: {
      readonly fail?: string;
      readonly kill?: string;
      /** Machines that do not serve, with the reason. */
      readonly broken?: Readonly<Record<string, string>>;
      /** Machines that the cloud does not have any more. */
      readonly gone?: readonly string[];
      /** What API servers have counted. */
      readonly removedApis?: object;
    } = {},
    args: readonly string[] = [],
  ): Promise<EngineRun> {
    for (const name of ["calls", "fail", "kill", "broken", "gone", "removedApis"])
      rmSync(path.join(this.#root, "stub", name), { force: true });
    if (trouble.fail !== undefined) appendFileSync(path.join(this.#root, "stub/fail"), trouble.fail);
    if (trouble.kill !== undefined) appendFileSync(path.join(this.#root, "stub/kill"), trouble.kill);
    const write = (name: string, text: string): void => writeFileSync(path.join(this.#root, "stub", name), text);
    if (trouble.broken !== undefined) write("broken", JSON.stringify(trouble.broken));
    if (trouble.removedApis !== undefined) write("removedApis", JSON.stringify(trouble.removedApis));
    if (trouble.gone !== undefined) write("gone", trouble.gone.join(" "));
    const { code, output } = await this.#start([
      command,
      ...(command === "preview" ? [] : ["--yes", "--skip-preview"]),
      ...args,
    ]);
    const calls = path.join(this.#root, "stub/calls");
    return { code, output, calls: existsSync(calls) ? readFileSync(calls, "utf8").trim().split("\n") : [] };
  }

  /** What the program has asked of a function of the provider, in all runs. */
  invokes(name: string): readonly unknown[] {
    const file = path.join(this.#root, "stub/invokes");
    const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    return lines.flatMap((line): unknown[] => {
      const [token = "", inputs] = line.split(/ (.*)/);
      return token.endsWith(`:${name}`) ? [JSON.parse(inputs ?? "")] : [];
    });
  }

  /** Outputs of the stack as they are recorded. */
  async outputs(): Promise<{
    readonly kubeconfig: string;
    readonly machines: readonly { name: string; address: string }[];
  }> {
    const { code, output } = await this.#start(["stack", "output", "--json", "--show-secrets"]);
    if (code !== 0) throw new Error(output);
    return JSON.parse(output) as { kubeconfig: string; machines: { name: string; address: string }[] };
  }

  /** What the state has of a resource. */
  async recorded(urnEnd: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { output } = await this.#start(["stack", "export"]);
    const state = JSON.parse(output) as {
      deployment: { resources: { urn: string; outputs?: Record<string, unknown> }[] };
    };
    return state.deployment.resources.find(({ urn }) => urn.endsWith(urnEnd))?.outputs;
  }

  async #done(args: readonly string[]): Promise<void> {
    const { code, output } = await this.#start(args);
    if (code !== 0) throw new Error(`pulumi ${args.join(" ")}: ${output}`);
  }

  #start(args: readonly string[]): Promise<{ code: number; output: string }> {
    return this.#engine.run(args, {
      cwd: path.join(this.#root, "project"),
      plugins: [path.join(this.#root, "bin")],
      env: { STUB_FOLDER: path.join(this.#root, "stub") },
      onStart: (pid) => writeFileSync(path.join(this.#root, "stub/engine"), String(pid)),
    });
  }
}

/** Programs that run as compiled JavaScript: see start/. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import * as sdk from "@pulumi/pulumi";

const run = promisify(execFile);
const project = resolve(__dirname, "..", "..");

describe("compiled programs", function () {
  this.timeout(60_000);
  let folder: string;
  let modules: string;

  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const compiled = (): string[] =>
    readdirSync(join(modules, ".cache/corekube")).filter((file) => file.endsWith(".cjs"));
  const start = async (program = ""): Promise<string> => {
    const code = `const { load } = require("./start/compiled.cjs"); const it = load("main.ts"); ${program}`;
    return (await run(process.execPath, ["--eval", code], { cwd: folder })).stdout.trim();
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-start-"));
    modules = join(folder, "node_modules");
    mkdirSync(modules);
    cpSync(join(project, "start"), join(folder, "start"), { recursive: true });
    for (const name of ["esbuild", "@esbuild", "source-map-support", "source-map", "buffer-from"])
      symlinkSync(join(project, "node_modules", name), join(modules, name));
    write("package.json", "{}");
    write("main.ts", 'import { value } from "./other.js";\nconst text: string = `is ${value}`;\nconsole.log(text);\n');
    write("other.ts", "export const value: number = 1;\n");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("are compiled once", async () => {
    assert.equal(await start(), "is 1");
    const [file] = compiled();
    // What was compiled runs, and not the sources.
    writeFileSync(join(modules, ".cache/corekube", file ?? ""), "console.log('the compiled file');");
    assert.equal(await start(), "the compiled file");
  });

  it("are compiled again when a source or the installed packages have changed, and leave no old files", async () => {
    assert.equal(await start(), "is 1");
    write("other.ts", "export const value: number = 2;\n");
    assert.equal(await start(), "is 2");
    assert.equal(compiled().length, 1);
    mkdirSync(join(modules, "added"));
    write("node_modules/added/index.js", "exports.value = 3;");
    write("main.ts", 'import { value } from "added";\nconsole.log(`is ${value}`);\n');
    assert.equal(await start(), "is 3");
    write("node_modules/added/index.js", "exports.value = 4;");
    write("node_modules/.package-lock.json", "{}");
    assert.equal(await start(), "is 4");
  });

  it("are compiled by each of several processes that start at once", async () => {
    assert.deepEqual(await Promise.all([start(), start(), start()]), ["is 1", "is 1", "is 1"]);
    assert.equal(compiled().length, 1);
  });

  it("run where nothing can be written", async () => {
    write("node_modules/.cache", "not a folder");
    assert.equal(await start(), "is 1");
  });

  it("run without the SDK of a cloud that they do not use, and fail when they use it", async () => {
    write("other.ts", 'import { Vpc } from "@pulumi/aws/ec2/vpc.js";\nexport const made = new Vpc("one");\n');
    write("main.ts", 'export const aws = () => import("./other.js");\nconsole.log("loaded");\n');
    assert.equal(await start(), "loaded");
    await assert.rejects(start("it.aws().then()"), /Cannot find module '@pulumi\/aws\/ec2\/vpc\.js'/);
  });

  it("name the file and line of a syntax error", async () => {
    write("other.ts", "export const value: number = ;\n");
    await assert.rejects(start(), /cannot compile .*main\.ts: .*\n?.*other\.ts:1:29: ERROR: Unexpected ";"/);
  });

  it("have traces with the positions of the sources, and files beside their sources", async () => {
    write(
      "other.ts",
      "\nexport const value = 1;\nexport function fail(): never {\n  throw new Error(__filename);\n}\n",
    );
    write("main.ts", 'export { fail } from "./other.js";\n');
    const trace = await start("try { it.fail() } catch (error) { console.log(error.stack) }");
    assert.match(trace, new RegExp(`Error: ${join(folder, "other.ts")}\n    at .*fail.*other\\.ts:4:9`));
  });
});

describe("the compiled program", function () {
  this.timeout(60_000);

  it("has the whole SDK, though most of it is loaded on demand", () => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const own = require("../../start/sdk.cjs") as typeof sdk;
    assert.deepEqual(Object.keys(own).sort(), Object.keys(sdk).sort());
    assert.deepEqual(Object.keys(own.runtime).sort(), Object.keys(sdk.runtime).sort());
    for (const [part, of] of [
      [own, sdk],
      [own.runtime, sdk.runtime],
    ] as [Record<string, unknown>, Record<string, unknown>][])
      for (const name of Object.keys(of).filter((key) => typeof of[key] === "function"))
        assert.equal(part[name], of[name], name);
  });

  it("takes no stack traces, which the SDK would for each promise, unless the SDK's variable asks for them", async () => {
    const code = 'require("./infra/start.cjs"); console.log(new Error("message").stack)';
    const trace = async (env: Record<string, string>): Promise<string> =>
      (await run(process.execPath, ["--eval", code], { cwd: project, env: { ...process.env, ...env } })).stdout.trim();
    const advice = "Error: message\n    (set PULUMI_DEBUG_PROMISE_LEAKS=true for a stack trace)";
    assert.equal(await trace({ PULUMI_DEBUG_PROMISE_LEAKS: "" }), advice);
    assert.match(await trace({ PULUMI_DEBUG_PROMISE_LEAKS: "true" }), /^Error: message\n {4}at /);
  });
});

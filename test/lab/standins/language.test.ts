import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync as exists, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { LanguageRuntimeClient } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import * as messages from "@pulumi/pulumi/proto/language_pb.js";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import { type JavaScriptValue, Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import { projectDirectory } from "../../../lab/config.js";
import { toolchain } from "../../../components/spec/versions.js";

describe("language host", function () {
  // A process that loads the project's dependencies.
  this.timeout(60_000);

  let child: ChildProcess;
  let client: LanguageRuntimeClient;
  let directory: string;
  let output = "";

  function call<Response>(
    name: "getPluginInfo" | "getRequiredPackages" | "run" | "cancel",
    request: object,
  ): Promise<Response> {
    const method = client[name] as unknown as (
      request: object,
      callback: (error: grpc.ServiceError | null, response: Response) => void,
    ) => void;
    return new Promise((resolve, reject) =>
      method.call(client, request, (error, response) => (error === null ? resolve(response) : reject(error))),
    );
  }

  const info = (program: string, given: Record<string, JavaScriptValue> = {}): messages.ProgramInfo =>
    new messages.ProgramInfo()
      .setRootDirectory(program)
      .setProgramDirectory(program)
      .setEntryPoint(".")
      .setOptions(Struct.fromJavaScript(given));

  /** Stands in for the SDK: what a program sees is what it writes, and its exit code is what the test says. */
  function program(name: string, code: string): string {
    const folder = join(directory, name);
    const sdk = join(folder, "node_modules", "@pulumi", "pulumi");
    mkdirSync(join(sdk, "cmd", "run"), { recursive: true });
    writeFileSync(join(sdk, "package.json"), JSON.stringify({ name: "@pulumi/pulumi", version: "3.0.0" }));
    writeFileSync(join(sdk, "cmd", "run", "index.js"), code);
    writeFileSync(join(folder, "package.json"), "{}");
    return folder;
  }

  const run = (folder: string, given: Record<string, JavaScriptValue> = {}): Promise<messages.RunResponse> => {
    const request = new messages.RunRequest()
      .setMonitorAddress("127.0.0.1:1")
      .setProject("p")
      .setStack("s")
      .setOrganization("o")
      .setParallel(8)
      .setDryrun(true)
      .setInfo(info(folder, given));
    request.getConfigMap().set("p:name", "v").set("p:token", "hidden-value");
    return call("run", request.setConfigsecretkeysList(["p:token"]));
  };

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "corekube-language-"));
    child = spawn(join(projectDirectory, "lab", "standins", "pulumi-language-nodejs"), ["127.0.0.1:1"], {
      cwd: directory,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const port = await new Promise<string>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the host ended with ${code}`)));
      child.stdout?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        const line = /^(\d+)\n/.exec(output);
        if (line?.[1] !== undefined) resolve(line[1]);
      });
    });
    client = new LanguageRuntimeClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  });

  after(async () => {
    client.close();
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  });

  it("says the engine's version", async () => {
    assert.equal((await call<PluginInfo>("getPluginInfo", new Empty())).getVersion(), toolchain.pulumi);
  });

  it("requires no plugin in advance, of the other cloud least of all", async () => {
    const response = await call<messages.GetRequiredPackagesResponse>(
      "getRequiredPackages",
      new messages.GetRequiredPackagesRequest().setInfo(info(projectDirectory)),
    );
    assert.deepEqual(response.getPackagesList(), []);
  });

  it("gives the program its arguments, its configuration by the environment only, and node its own arguments", async () => {
    const folder = program(
      "echo",
      `const { PULUMI_CONFIG, PULUMI_CONFIG_SECRET_KEYS } = process.env;
       require("fs").writeFileSync(__dirname + "/seen.json", JSON.stringify({ PULUMI_CONFIG, PULUMI_CONFIG_SECRET_KEYS, argv: process.argv.slice(2), execArgv: process.execArgv }));`,
    );
    const response = await run(folder, { nodeargs: "--max-old-space-size=512 --no-warnings" });
    assert.deepEqual([response.getError(), response.getBail()], ["", false]);
    const seen = JSON.parse(
      readFileSync(join(folder, "node_modules/@pulumi/pulumi/cmd/run/seen.json"), "utf8"),
    ) as Record<string, unknown>;
    assert.deepEqual(JSON.parse(String(seen["PULUMI_CONFIG"])), {
      "p:config:name": "v",
      "p:config:token": "hidden-value",
    });
    assert.deepEqual(JSON.parse(String(seen["PULUMI_CONFIG_SECRET_KEYS"])), ["p:token"]);
    assert.deepEqual(seen["execArgv"], ["--max-old-space-size=512", "--no-warnings"]);
    const argv = seen["argv"] as string[];
    assert.ok(!argv.join(" ").includes("hidden-value"));
    assert.deepEqual(argv.slice(0, 4), ["--monitor", "127.0.0.1:1", "--engine", "127.0.0.1:1"]);
    assert.deepEqual(argv.slice(-4), ["--parallel", "8", "--dry-run", "."]);
  });

  it("distinguishes a reported failure from an unreported one", async () => {
    const reported = await run(program("bail", "process.exitCode = 32"));
    assert.deepEqual([reported.getError(), reported.getBail()], ["", true]);
    const failed = await run(program("fail", "process.exitCode = 3"));
    assert.deepEqual([failed.getError(), failed.getBail()], ["Program exited with non-zero exit code: 3", false]);
    const bare = join(directory, "bare");
    mkdirSync(bare);
    assert.match(
      (await run(bare)).getError(),
      /The Pulumi SDK \(@pulumi\/pulumi\/cmd\/run\) is not installed for .*bare; run "npm ci"/,
    );
  });

  // Last: the host runs nothing after it.
  it("interrupts the program on request", async () => {
    const folder = program(
      "long",
      `process.on("SIGINT", () => process.exit(7)); setInterval(() => {}, 1000); require("fs").writeFileSync(__dirname + "/started", "");`,
    );
    const running = run(folder);
    while (!exists(join(folder, "node_modules/@pulumi/pulumi/cmd/run/started")))
      await new Promise((resolve) => setTimeout(resolve, 20));
    await call("cancel", new Empty());
    assert.match((await running).getError(), /exit code: 7/);
  });
});

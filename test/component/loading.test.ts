/** What a run loads: SDKs take longer to load than all else. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const project = join(__dirname, "..", "..");

/** Files that a program of JavaScript has loaded at its end, by their path from node_modules. */
function loaded(program: string, ...nodeArgs: readonly string[]): readonly string[] {
  const report = `process.once("exit", () => console.log(JSON.stringify(Object.keys(require.cache))));`;
  const output = execFileSync(process.execPath, [...nodeArgs, "--eval", report + program], {
    cwd: project,
    encoding: "utf8",
  });
  return (JSON.parse(output) as string[]).map((file) => file.replace(/^.*\/node_modules\//, ""));
}

const cloud = (name: "digitalocean" | "aws"): readonly string[] =>
  loaded(
    `require("./infra/cluster.ts"); require("./components/clouds.ts"); require("./components/${name}/cloud.ts");`,
    "--require",
    "tsx/cjs",
  ).filter((file) => /^@pulumi\/(aws|digitalocean)\//.test(file));

describe("loading", function () {
  this.timeout(60_000);

  it("definitions of clouds load no SDK: neither a cloud's nor the engine's", () => {
    const files = loaded(`require("./components/clouds.ts");`, "--require", "tsx/cjs");
    assert.deepEqual(
      files.filter((file) => file.startsWith("@pulumi/")),
      [],
    );
  });

  it("a cluster on DigitalOcean loads nothing of AWS' SDK", () => {
    const files = cloud("digitalocean");
    assert.ok(files.length > 0);
    assert.deepEqual(
      files.filter((file) => file.startsWith("@pulumi/aws/")),
      [],
    );
  });

  it("a cluster on AWS loads nothing of DigitalOcean's SDK, and not the index of AWS' hundreds of services", () => {
    const files = cloud("aws");
    assert.ok(files.length > 0);
    assert.deepEqual(
      files.filter((file) => file.startsWith("@pulumi/digitalocean/") || file === "@pulumi/aws/index.js"),
      [],
    );
  });

  it("the compiled program loads neither a compiler nor what the SDK has for other programs", () => {
    const files = loaded(`require("./infra/start.cjs");`);
    assert.ok(files.includes("@pulumi/pulumi/resource.js"));
    const unwanted =
      /^(tsx|esbuild|typescript|@npmcli)\/|^@pulumi\/(pulumi\/(index|automation|dynamic)|aws|kubernetes)/;
    assert.deepEqual(
      files.filter((file) => unwanted.test(file)),
      [],
    );
  });

  it("definitions that add-ons bring are read only where the add-on is part of the cluster", () => {
    const reads = (program: string): string[] => {
      const watched = `const fs = require("node:fs"); const read = fs.readFileSync; const seen = [];
        fs.readFileSync = (file, ...rest) => { seen.push(String(file)); return read(file, ...rest); };
        process.once("exit", () => console.log(JSON.stringify(seen)));`;
      const args = ["--require", "tsx/cjs", "--eval", watched + program];
      const output = execFileSync(process.execPath, args, { cwd: project, encoding: "utf8" });
      return (JSON.parse(output) as string[]).filter((file) => /components\/addons\/manifests\/.*\.json$/.test(file));
    };
    const list = `require("./components/addons/list.ts"); require("./components/addons/addons.ts");`;
    assert.deepEqual(reads(list), []);
    assert.equal(
      reads(`${list} require("./components/addons/manifests/manifests.ts").definitions("velero");`).length,
      1,
    );
  });

  for (const entry of ["provider/main.ts", "policies/index.ts"]) {
    it(`${entry}, which knows the clouds by their definitions, is compiled without their SDKs`, () => {
      const folder = mkdtempSync(join(tmpdir(), "corekube-loading-"));
      try {
        const compile = ["start/compile.cjs", entry, folder];
        const file = execFileSync(process.execPath, compile, { cwd: project, encoding: "utf8" });
        // esbuild writes each module's path above it.
        const modules: readonly string[] =
          readFileSync(file, "utf8").match(/^\/\/ (components|node_modules)\/\S+$/gm) ?? [];
        assert.ok(modules.includes("// components/clouds.ts"));
        assert.deepEqual(
          modules.filter((name) => /node_modules\/@pulumi\/(aws|digitalocean|kubernetes)\//.test(name)),
          [],
        );
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }
});

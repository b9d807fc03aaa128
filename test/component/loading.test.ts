/** A run loads the SDK of its own cloud, and of that only what it uses: SDKs take longer to load than all else. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const project = join(__dirname, "..", "..");

/** Files of an SDK that are loaded with the modules. */
function loaded(modules: readonly string[], sdk: string): readonly string[] {
  const program = `
    for (const module of ${JSON.stringify(modules)}) require(module);
    console.log(JSON.stringify(Object.keys(require.cache).filter((file) => file.includes("/@pulumi/${sdk}"))));`;
  return JSON.parse(
    execFileSync(process.execPath, ["--require", "tsx/cjs", "--eval", program], { cwd: project, encoding: "utf8" }),
  ) as string[];
}

const withCloud = (cloud: "digitalocean" | "aws"): string[] => [
  "./infra/config.ts",
  "./infra/cluster.ts",
  `./components/${cloud}/cloud.ts`,
];

describe("loading", function () {
  this.timeout(60_000);

  it("definitions of clouds load no SDK: neither a cloud's nor the engine's", () => {
    assert.deepEqual(loaded(["./components/clouds.ts"], ""), []);
  });

  it("a cluster on DigitalOcean loads nothing of AWS' SDK", () => {
    assert.deepEqual(loaded(withCloud("digitalocean"), "aws"), []);
    assert.ok(loaded(withCloud("digitalocean"), "digitalocean").length > 0);
  });

  it("a cluster on AWS loads nothing of DigitalOcean's SDK, and of AWS' only what it uses", () => {
    assert.deepEqual(loaded(withCloud("aws"), "digitalocean"), []);
    const own = loaded(withCloud("aws"), "aws").length;
    assert.ok(own > 20 && own < 80, String(own));
  });
});

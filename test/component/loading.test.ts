/** A run loads the SDK of its own cloud, and of that only what it uses: SDKs take longer to load than all else. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const project = join(__dirname, "..", "..");

/** Files that are loaded once a cloud's implementation is, below the cloud's SDK. */
function loaded(cloud: "digitalocean" | "aws", sdk: string): readonly string[] {
  const program = `
    require("./infra/config.ts");
    require("./infra/cluster.ts");
    require("./components/cloud/registry.ts");
    require("./components/${cloud}/${cloud}.ts");
    console.log(JSON.stringify(Object.keys(require.cache).filter((file) => file.includes("/@pulumi/${sdk}/"))));`;
  return JSON.parse(
    execFileSync(process.execPath, ["--require", "tsx/cjs", "--eval", program], { cwd: project, encoding: "utf8" }),
  ) as string[];
}

describe("loading", function () {
  this.timeout(60_000);

  it("a cluster on DigitalOcean loads nothing of AWS' SDK", () => {
    assert.deepEqual(loaded("digitalocean", "aws"), []);
    assert.ok(loaded("digitalocean", "digitalocean").length > 0);
  });

  it("a cluster on AWS loads nothing of DigitalOcean's SDK, and of AWS' only what it uses", () => {
    assert.deepEqual(loaded("aws", "digitalocean"), []);
    const own = loaded("aws", "aws").length;
    assert.ok(own > 20 && own < 80, String(own));
  });
});

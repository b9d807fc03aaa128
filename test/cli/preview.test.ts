/** What a preview warns of is read before anybody says yes. */
import assert from "node:assert/strict";
import { symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { projectDirectory } from "../../lab/config.js";
import { ImportedStack } from "./support.js";

describe("a preview of the command", function () {
  this.timeout(180_000);
  const stack = new ImportedStack();
  before(async () => {
    await stack.create();
    stack.engine.folder("program/node_modules/@pulumi");
    const sdk = "node_modules/@pulumi/pulumi";
    symlinkSync(path.join(projectDirectory, sdk), path.join(stack.folder, sdk));
    writeFileSync(path.join(stack.folder, "package.json"), '{"name":"warns","main":"index.js"}');
    writeFileSync(
      path.join(stack.folder, "Pulumi.yaml"),
      "name: corekube\nruntime: {name: nodejs, options: {typescript: false}}\n",
    );
    writeFileSync(
      path.join(stack.folder, "index.js"),
      'require("@pulumi/pulumi").log.warn("The only controller restarts: there is no API for up to a minute.");\n',
    );
  });
  after(() => stack.engine.remove());

  it("shows its warnings, apart from the plan", async () => {
    const { code, stdout, stderr } = await stack.corekube(["plan", "show", "update", "--json"]);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /warning: The only controller restarts: there is no API for up to a minute\./);
    assert.doesNotThrow(() => void JSON.parse(stdout));
  });
});

/** What add-ons bring from their authors is what the locked modules have. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rendered } from "../../components/addons/manifests/manifests.js";
import { modulesDirectory } from "../../lab/toolchain/build.js";
import { render, renderedFile, sources } from "../../lab/toolchain/manifests.js";
import { imageVersion } from "../../lab/toolchain/versions.js";

const remedy = 'run "npx tsx lab/toolchain/manifests.ts"';

describe("rendered definitions", function () {
  this.timeout(120_000);

  for (const [name, { image }] of Object.entries(sources)) {
    it(`of ${name} are of the version and the checksum that are locked`, () => {
      const { module, version, sum } = rendered(name);
      assert.equal(version, imageVersion(image), remedy);
      const locked = readFileSync(join(modulesDirectory, name, "go.sum"), "utf8");
      assert.ok(locked.includes(`${module} v${version} ${sum}\n`), remedy);
    });

    it(`of ${name} are those of the module`, async () => {
      assert.ok(readFileSync(renderedFile(name), "utf8") === (await render(name)), remedy);
    });
  }
});

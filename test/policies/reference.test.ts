import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { withTable } from "../../policies/reference.js";
import { rules } from "../../policies/rules.js";
import { projectDirectory } from "../../lab/config.js";
import manifest from "../../package.json";
import packManifest from "../../policies/package.json";
import { catalogue } from "../../components/spec/versions.js";

describe("policy pack's reference", () => {
  it("is what the rules say; npx tsx policies/generate.ts writes it", () => {
    const page = readFileSync(join(projectDirectory, "docs/policies.md"), "utf8");
    assert.equal(page, withTable(page, rules));
  });

  it("lets images be named by a tag only where no digest is known", () => {
    const rule = rules.find(({ name }) => name === "container-images-pinned");
    const { byTag } = (rule?.configSchema?.properties ?? {}) as Record<string, { default?: unknown }>;
    const images = Object.values(catalogue).flatMap((release) => Object.values(release.images));
    const without = images.filter(({ digest }) => digest === null);
    assert.deepEqual([...(byTag?.default as string[])].sort(), [...new Set(without.map(({ name }) => name))].sort());
  });

  it("has the versions of packages that the project has", () => {
    const versions: Readonly<Record<string, string>> = manifest.dependencies;
    for (const [name, version] of Object.entries(packManifest.dependencies))
      assert.equal(version, versions[name], name);
  });
});

/** The release in the places that need it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { version } from "../../package.json";
import * as lock from "../../package-lock.json";
import { version as policies } from "../../policies/package.json";

const changelog = readFileSync(join(__dirname, "../../CHANGELOG.md"), "utf8");
const headings = [...changelog.matchAll(/^## \[(.+)\]( - (\d{4}-\d{2}-\d{2}))?$/gm)].map(([, name, , date]) => ({
  name,
  date,
}));

describe("release", () => {
  it("has one version: the engine reads the policy pack's in its own folder", () => {
    assert.equal(policies, version);
    assert.equal(lock.version, version);
  });

  it("is in the changelog, with its date; what is not released yet comes before", () => {
    const [newest] = headings.filter(({ name }) => name !== "Unreleased");
    assert.equal(newest?.name, version);
    assert.match(newest?.date ?? "", /^\d{4}/);
    assert.ok(headings.findIndex(({ name }) => name === "Unreleased") <= 0);
  });
});

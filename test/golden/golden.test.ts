/** User-data as it was reviewed. `UPDATE_GOLDENS=1 npx mocha test/golden/golden.test.ts` rewrites the files: read the difference. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goldens } from "./support/goldens.js";

const kept = (): string[] =>
  readdirSync(__dirname, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(json|txt)$/.test(path))
    .sort();

describe("user-data", () => {
  const now = goldens();
  before(() => {
    if (!process.env["UPDATE_GOLDENS"]) return;
    for (const path of kept()) rmSync(join(__dirname, path));
    mkdirSync(join(__dirname, "contents"), { recursive: true });
    for (const [path, text] of now) writeFileSync(join(__dirname, path), text);
  });

  for (const [path, text] of now) {
    it(`${path} is as reviewed`, () => {
      const file = join(__dirname, path);
      assert.ok(existsSync(file), `${file} is missing; UPDATE_GOLDENS=1 writes it`);
      assert.equal(text, readFileSync(file, "utf8"));
    });
  }

  it("has no golden that is not rendered", () => {
    assert.deepEqual(kept(), [...now.keys()].sort());
  });
});

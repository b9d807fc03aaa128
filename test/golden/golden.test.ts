/** User-data as it was reviewed. `UPDATE_GOLDENS=1 npx mocha test/golden/golden.test.ts` rewrites the files: read the difference. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decode } from "./support/decode.js";
import { cases, userData } from "./support/specs.js";

describe("user-data", () => {
  for (const { cluster, role, name } of cases) {
    it(`of ${name} is as reviewed`, () => {
      const file = join(__dirname, `${name}.json`);
      const now = decode(userData(cluster, role));
      if (process.env["UPDATE_GOLDENS"]) {
        writeFileSync(file, now);
      }
      assert.ok(existsSync(file), `${file} is missing; UPDATE_GOLDENS=1 writes it`);
      assert.equal(now, readFileSync(file, "utf8"));
    });
  }

  it("has no golden that nothing renders", () => {
    const known = cases.map(({ name }) => `${name}.json`).sort();
    assert.deepEqual(
      readdirSync(__dirname)
        .filter((name) => name.endsWith(".json"))
        .sort(),
      known,
    );
  });
});

import assert from "node:assert/strict";
import { rules } from "../../policies/rules.js";
import { cases } from "./cases/index.js";
import { broken, culpritOf } from "./support/case.js";
import { run, type Said } from "./support/run.js";

async function all(resources: Parameters<typeof run>[1]): Promise<Said[]> {
  return (await Promise.all(rules.map((rule) => run(rule, resources)))).flat();
}

describe("policy rules", () => {
  it("have ids of their own, in kebab-case, a sentence, and are mandatory", () => {
    const ids = rules.map(({ name }) => name);
    assert.deepEqual([...new Set(ids)], ids);
    for (const { name, description, enforcementLevel } of rules) {
      assert.match(name, /^[a-z0-9]+(?:-[a-z0-9]+)+$/);
      assert.match(description, /^[A-Z].*[.)]$/);
      assert.equal(enforcementLevel, "mandatory");
    }
  });

  it("all have a broken case", () => {
    const seen = new Set(cases.filter(({ breaks }) => breaks.length > 0).map(({ rule }) => rule));
    assert.deepEqual(
      rules.map(({ name }) => name).filter((name) => !seen.has(name)),
      [],
    );
  });

  it("have a default and a description for every setting", () => {
    for (const { name, configSchema } of rules) {
      const properties = Object.entries(configSchema?.properties ?? {});
      assert.ok(properties.length > 0, name);
      for (const [key, { description, default: value }] of properties)
        assert.ok(description && value !== undefined, `${name}.${key}`);
    }
  });

  for (const given of cases) {
    describe(`${given.rule}: ${given.title}`, () => {
      it("lets the good case through", async () => {
        assert.deepEqual(await all(given.resources), []);
      });

      for (const change of given.breaks) {
        it(`stops at: ${change.title}`, async () => {
          const said = await all(broken(given.resources, change));
          assert.deepEqual(
            said.map(({ rule, resource }) => ({ rule, resource })),
            [{ rule: given.rule, resource: culpritOf(change) }],
            said.map(({ message }) => message).join("\n"),
          );
          assert.match(said[0]?.message ?? "", change.says);
          assert.ok(said[0]?.message.includes(`"${culpritOf(change)}" in ${given.rule}.allowed`), said[0]?.message);
        });
      }
    });
  }
});

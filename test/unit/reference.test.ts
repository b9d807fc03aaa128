/** `Pulumi.yaml`, the reference and the lab's stack say what the program does. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { clusterSpec } from "../../infra/config.js";
import { clouds } from "../../components/clouds.js";
import { optionGroups, optionsOf } from "../../components/spec/settings/index.js";
import { configurationReference, withConfigSection } from "../../infra/settings/reference.js";
import { labConfig } from "../../lab/config.js";
import { validate } from "../../infra/settings/validate.js";

const project = join(__dirname, "..", "..");
const read = (name: string): string => readFileSync(join(project, name), "utf8");

const options = optionsOf(optionGroups(clouds));

interface Declared {
  readonly type: string;
  readonly items?: { readonly type: string };
  readonly default: unknown;
  readonly description: string;
}

interface Project {
  readonly config: Readonly<Record<string, Declared>>;
  readonly requiredPulumiVersion: string;
  readonly runtime: { readonly name: string; readonly options: unknown };
}

describe("documents made from the settings", () => {
  it("are up to date: npx tsx infra/settings/generate.ts", () => {
    assert.equal(read("Pulumi.yaml"), withConfigSection(read("Pulumi.yaml")));
    assert.equal(read("docs/configuration.md"), configurationReference());
  });

  it("declare type, default and meaning of every setting", () => {
    const { config } = parse(read("Pulumi.yaml")) as Project;
    assert.deepEqual(
      Object.keys(config),
      Object.keys(options).map((name) => `corekube:${name}`),
    );
    for (const [key, { type, items, default: value, description }] of Object.entries(config)) {
      const is = {
        string: typeof value === "string",
        integer: Number.isInteger(value),
        boolean: typeof value === "boolean",
        array: Array.isArray(value),
        object: typeof value === "object" && !Array.isArray(value),
      };
      assert.ok(is[type as keyof typeof is], `${key}: default ${JSON.stringify(value)} is no ${type}`);
      assert.equal(type === "array", items !== undefined, key);
      assert.ok(description.length > 20, key);
    }
  });

  it("have defaults that the program takes, but for what a stack must say", () => {
    const { config } = parse(read("Pulumi.yaml")) as Project;
    const defaults = Object.fromEntries(
      Object.entries(config).map(([key, declared]) => [key.replace("corekube:", ""), declared.default]),
    );
    assert.deepEqual(
      defaults,
      Object.fromEntries(Object.entries(options).map(([name, option]) => [name, option.default])),
    );
    assert.deepEqual(
      validate(defaults)
        .problems.map(({ path }) => path)
        .sort(),
      ["admin_cidrs", "region"],
    );
  });

  it("ask for an engine that has what the program needs", () => {
    const { requiredPulumiVersion, runtime } = parse(read("Pulumi.yaml")) as Project;
    assert.equal(requiredPulumiVersion, ">=3.238.0");
    assert.deepEqual(runtime, { name: "nodejs", options: { typescript: false } });
  });
});

describe("the lab's stack", () => {
  it("is a small cluster that the program accepts", () => {
    const { config } = parse(read("Pulumi.dev.yaml")) as { config: Record<string, unknown> };
    const { checksums: _written, ...mirrors } = config["corekube:mirrors"] as Record<string, unknown>;
    const entries = Object.entries({ ...config, "corekube:mirrors": mirrors }).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]);
    const spec = clusterSpec(Object.fromEntries(entries) as Record<string, string>);
    assert.deepEqual([spec.etcd.count, spec.controllers.count, spec.workers.count], [1, 1, 2]);
    assert.equal(spec.deletionProtection, false);
    const lab = labConfig({});
    assert.equal(config["digitalocean:apiEndpoint"], lab.apiUrl);
    assert.equal(spec.mirrors.releases, lab.mirrorUrl);
    assert.deepEqual(spec.adminCidrs, [`${lab.adminAddress}/32`]);
    for (const [host, mirror] of Object.entries(spec.mirrors.registries))
      assert.equal(mirror, `${lab.registryUrl}/${host}`);
  });
});

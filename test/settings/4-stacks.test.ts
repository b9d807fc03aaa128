/** The stacks that are shipped: those for the lab are right as they are, the examples but for what a user must fill in. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { clusterSpec } from "../../infra/config.js";
import { SettingsError } from "../../infra/settings/settingsError.js";

const project = join(__dirname, "..", "..");
const files = readdirSync(project).filter((name) => /^Pulumi\..+\.yaml$/.test(name));
const examples = ["Pulumi.aws.yaml", "Pulumi.digitalocean.yaml"];

/** As the engine hands it to the program. */
function configurationOf(file: string): Record<string, string> {
  const { config } = parse(readFileSync(join(project, file), "utf8")) as { config: Record<string, unknown> };
  // The checksums of the lab's own mirror are there once the lab is.
  const mirrors = config["corekube:mirrors"] as { checksums?: string } | undefined;
  delete mirrors?.checksums;
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

describe("stacks", () => {
  it("are there for every cloud", () => {
    for (const file of [...examples, "Pulumi.dev.yaml", "Pulumi.ha.yaml", "Pulumi.lab-aws.yaml"])
      assert.ok(files.includes(file), file);
  });

  for (const file of examples) {
    it(`${file} is refused until a user says who may come in, and accepted then`, () => {
      const given = configurationOf(file);
      assert.throws(
        () => clusterSpec(given),
        (error: unknown) =>
          error instanceof SettingsError &&
          error.problems.length === 1 &&
          /corekube:admin_cidrs\[0\]: got "<your network>"; allowed: .*CIDR.*pulumi config set --path 'admin_cidrs\[0\]'/.test(
            error.message,
          ),
      );
      const spec = clusterSpec({
        ...given,
        "digitalocean:token": "the user's",
        "corekube:admin_cidrs": '["192.0.2.7/32"]',
      });
      assert.equal(spec.cloudProvider, spec.cloud);
      assert.equal(spec.csiDriver, true);
      assert.equal(spec.highAvailability, true);
    });
  }

  for (const file of ["Pulumi.dev.yaml", "Pulumi.ha.yaml", "Pulumi.lab-aws.yaml"]) {
    it(`${file} is right`, () => {
      assert.ok(clusterSpec(configurationOf(file)).workers.count > 0);
    });
  }

  it("of the lab for AWS has what moving from lab to cloud does not change: several zones' worth of each role", () => {
    const spec = clusterSpec(configurationOf("Pulumi.lab-aws.yaml"));
    assert.deepEqual(
      [spec.etcd.count, spec.controllers.count, spec.workers.count, spec.cloudProvider, spec.csiDriver],
      [3, 3, 2, "aws", false],
    );
  });
});

/** Shipped stacks: the lab's are valid as they are, the examples once a user has filled in the network. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { clusterSpec } from "../../infra/config.js";
import { SettingsError } from "../../infra/settings/settingsError.js";

const project = join(__dirname, "..", "..");
const stacksIn = (folder: string): string[] =>
  readdirSync(join(project, folder)).filter((name) => /^Pulumi\..+\.yaml$/.test(name));
const examples = stacksIn("examples").map((name) => `examples/${name}`);

/** In the form in which the engine passes it to the program. */
function configurationOf(file: string): Record<string, string> {
  const { config } = parse(readFileSync(join(project, file), "utf8")) as { config: Record<string, unknown> };
  // The checksums of the lab's mirror exist only while the lab runs.
  const mirrors = config["corekube:mirrors"] as { checksums?: string } | undefined;
  delete mirrors?.checksums;
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}

describe("stacks", () => {
  it("exist for every cloud", () => {
    assert.deepEqual(examples, ["examples/Pulumi.aws.yaml", "examples/Pulumi.digitalocean.yaml"]);
    for (const file of ["Pulumi.dev.yaml", "Pulumi.ha.yaml", "Pulumi.lab-aws.yaml", "Pulumi.lab-digitalocean.yaml"])
      assert.ok(stacksIn(".").includes(file), file);
  });

  for (const file of examples) {
    it(`${file} is refused without admin_cidrs and accepted with them`, () => {
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

  for (const file of ["Pulumi.dev.yaml", "Pulumi.ha.yaml", "Pulumi.lab-aws.yaml", "Pulumi.lab-digitalocean.yaml"]) {
    it(`${file} is valid`, () => {
      assert.ok(clusterSpec(configurationOf(file)).workers.count > 0);
    });
  }

  it("of the lab for AWS has several machines of each role, as a stack on real AWS", () => {
    const spec = clusterSpec(configurationOf("Pulumi.lab-aws.yaml"));
    assert.deepEqual(
      [spec.etcd.count, spec.controllers.count, spec.workers.count, spec.cloudProvider, spec.csiDriver],
      [3, 3, 2, "aws", false],
    );
  });
});

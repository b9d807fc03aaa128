/** Controllers and workers of another size: new instances in a running cluster on AWS. */
import assert from "node:assert/strict";
import { runChecks } from "../../../../lab/checks/index.js";
import { deploy } from "../../../../lab/commands/up.js";
import { readOutputs, writeKubeconfig } from "../../../../lab/engine/outputs.js";
import { runEngine } from "../../../../lab/engine/run.js";
import { pulumi } from "../../../../lab/engine/stack.js";
import { closeRegion, config, openRegion, progress } from "../../region.js";

const stack = "lab-aws";

describe("a cluster on AWS that changes", function () {
  this.timeout(1_200_000);
  before(async () => {
    await openRegion("aws");
    await deploy(config, stack, progress);
  });
  after(async () => {
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  it("machines of another size are other instances, and their Nodes say so", async () => {
    const before = await readOutputs(config, stack);
    for (const option of ["node_size", "controller_size"])
      await pulumi(config, ["config", "set", `corekube:${option}`, "m6i.xlarge", "--stack", stack], { stack });
    const result = await runEngine(config, stack, ["up", "--yes", "--skip-preview"], progress);
    assert.equal(result.code, 0, result.failure);
    const after = await writeKubeconfig(config, stack);
    for (const { name, role, id } of after.machines) {
      const earlier = before.machines.find((machine) => machine.name === name)?.id;
      assert.equal(id === earlier, role === "etcd", name);
    }
    const failed = (await runChecks(config, stack, after, "always", progress)).filter(
      ({ failure }) => failure !== undefined,
    );
    assert.deepEqual(failed, []);
  });
});

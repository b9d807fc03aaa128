/** Machines without public addresses get another image: the bastion too, and the gates ask through it. */
import assert from "node:assert/strict";
import { runChecks } from "../../../../lab/checks/index.js";
import { readState } from "../../../../lab/clouds/aws/readState.js";
import { deploy } from "../../../../lab/commands/up.js";
import { readOutputs, writeKubeconfig } from "../../../../lab/engine/outputs.js";
import { runEngine } from "../../../../lab/engine/run.js";
import { pulumi } from "../../../../lab/engine/stack.js";
import { versions } from "../../../../lab/toolchain/versions.js";
import { closeRegion, config, openRegion, progress } from "../../region.js";

const stack = "lab-aws";

const set = (path: string, value: string): Promise<unknown> =>
  pulumi(config, ["config", "set", "--path", `corekube:${path}`, value, "--stack", stack], { stack });

describe("private machines on AWS get another image", function () {
  this.timeout(1_500_000);
  before(async () => {
    await openRegion("aws");
    const endpoints = { ec2: config.apiUrl, elasticloadbalancing: config.apiUrl, sts: config.apiUrl };
    await deploy(config, stack, progress, {
      "corekube:high_availability": false,
      "corekube:etcd": { count: 3 },
      "corekube:node_count": 1,
      "corekube:aws": { endpoints, machines: "private" },
    });
  });
  after(async () => {
    // With volumes mounted, as a destroy finds them.
    const result = await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.equal(result.code, 0, result.failure);
    assert.deepEqual(await closeRegion(), []);
  });

  it("each in its turn, the bastion first, which keeps its address", async () => {
    const bastion = async () =>
      (await readState(config)).instances.find(({ tags }) => tags["Name"]?.endsWith("-bastion"));
    const [before, wayBefore] = [await readOutputs(config, stack), await bastion()];
    await set("image", `Flatcar-beta-${versions.flatcar.version}-hvm`);
    const result = await runEngine(config, stack, ["up", "--yes", "--skip-preview"], progress);
    assert.equal(result.code, 0, result.failure);
    const [after, wayAfter] = [await writeKubeconfig(config, stack), await bastion()];
    for (const { name, id } of after.machines)
      assert.notEqual(id, before.machines.find((machine) => machine.name === name)?.id, name);
    assert.notEqual(wayAfter?.id, wayBefore?.id);
    assert.equal(wayAfter?.publicAddress, wayBefore?.publicAddress);
    assert.deepEqual([...new Set((await readState(config)).instances.map(({ image }) => image))], [wayAfter?.image]);
    const failed = (await runChecks(config, stack, after, "always", progress)).filter(
      ({ failure }) => failure !== undefined,
    );
    assert.deepEqual(failed, []);
  });
});

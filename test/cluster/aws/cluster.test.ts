/** The stack `lab-aws`: from nothing to checked, one worker more and less, and nothing left in the account. */
import assert from "node:assert/strict";
import { readState } from "../../../lab/clouds/aws/readState.js";
import { leftOf } from "../../../lab/clouds/cloud.js";
import { checksOf, runChecks, type CheckResult } from "../../../lab/checks/index.js";
import { expectOnly, Scaling } from "../support/scale.js";
import { runEngine } from "../../../lab/engine/run.js";
import { writeKubeconfig } from "../../../lab/engine/outputs.js";
import { deploy } from "../../../lab/commands/up.js";
import { closeRegion, config, openRegion, progress, secretsInProcesses } from "../region.js";

const stack = "lab-aws";

/** Checks whose subject this stack does not have. */
const elsewhere = /proxy|public worker|^a pod learns no secret from the metadata service/i;

describe("a cluster on AWS", function () {
  this.timeout(1_200_000);
  let booted = false;
  const needsCluster = (): void => assert.ok(booted, "the cluster did not boot, see the first test");
  const check = async (): Promise<readonly CheckResult[]> =>
    runChecks(config, stack, await writeKubeconfig(config, stack), "full", progress);

  before(() => openRegion("aws"));

  it("the account is empty before", async () => {
    assert.deepEqual(leftOf(await readState(config)), []);
  });

  it("boots from nothing", async () => {
    assert.ok((await deploy(config, stack, progress)) > 0, "the run changed nothing");
    await writeKubeconfig(config, stack);
    booted = true;
  });

  describe("checks", () => {
    let results: readonly CheckResult[] = [];
    before(async () => {
      if (booted) results = await check();
    });
    for (const { name } of checksOf("full").filter(({ name }) => !elsewhere.test(name))) {
      it(name, () => {
        needsCluster();
        const result = results.find((item) => item.name === name);
        assert.ok(result !== undefined, "was not run");
        assert.equal(result.failure, undefined, result.failure);
      });
    }
  });

  // Suites inside a suite run after its own tests: these come behind the checks.
  describe("changes", () => {
    it("2 to 3 workers: the new machine's resources and nothing else, and back", async () => {
      needsCluster();
      const scaling = new Scaling(config, stack, progress);
      const machine = "kubernetes-worker-2";
      await scaling.set(3);
      expectOnly(await scaling.changes(), "create", machine);
      await scaling.up();
      const zones = (await readState(config)).instances
        .filter(({ tags }) => tags["Name"]?.includes("-worker-"))
        .map(({ zone }) => zone);
      assert.equal(new Set(zones).size, 3, `workers are in ${zones.join(", ")}`);
      await scaling.set(2);
      expectOnly(await scaling.changes(), "delete", machine);
      await scaling.up();
    });
  });

  describe("the end", () => {
    it("no command line of any process showed a private key or a token since the region was made", () => {
      assert.deepEqual(secretsInProcesses(), []);
    });

    it("pulumi destroy leaves nothing in the account, of any kind", async () => {
      needsCluster();
      const result = await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
      assert.equal(result.code, 0, result.failure);
      const state = await readState(config);
      process.stdout.write(
        `      ${Object.entries(state.kinds)
          .map(([kind, ids]) => `${kind} ${ids.length}`)
          .join(", ")}\n`,
      );
      assert.ok(Object.keys(state.kinds).length >= 15, "kinds that were looked at");
      assert.deepEqual(leftOf(state), []);
    });

    it("the region leaves no link, mount, rule, process or file behind", async () => {
      assert.deepEqual(await closeRegion(), []);
    });
  });
});

/** The stack `lab-aws`: from nothing to checked, one worker more and less, and nothing left in the account. */
import assert from "node:assert/strict";
import { moveBalancers, readState } from "../../../lab/clouds/aws/readState.js";
import { leftOf } from "../../../lab/clouds/cloud.js";
import { checksOf, runChecks, type CheckResult } from "../../../lab/checks/index.js";
import { CheckContext } from "../../../lab/cluster/context.js";
import { answers } from "../../../lab/cluster/network.js";
import { until } from "../../../lab/process/until.js";
import { expectOnly, Scaling } from "../support/scale.js";
import { runEngine } from "../../../lab/engine/run.js";
import { writeKubeconfig } from "../../../lab/engine/outputs.js";
import { deploy } from "../../../lab/commands/up.js";
import { closeRegion, config, openRegion, progress, secretsInProcesses } from "../region.js";

const stack = "lab-aws";

/** A kubelet renews its own every ten seconds. */
interface Lease {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly renewTime: string };
}

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
    it("other addresses behind the API's names: kubectl and all kubelets go on without the former ones", async () => {
      needsCluster();
      const apis = async () =>
        (await readState(config)).balancers.filter(({ listeners }) => listeners.some(({ port }) => port === 6443));
      const before = await apis();
      assert.deepEqual(before.map(({ internal }) => internal).sort(), [false, true]);
      const context = new CheckContext(config, stack, await writeKubeconfig(config, stack), progress);
      const moved = Date.now();
      await moveBalancers(config);
      for (const { id, publicAddress, privateAddress } of await apis()) {
        const former = before.find((each) => each.id === id)!;
        assert.notEqual(privateAddress, former.privateAddress);
        if (former.publicAddress === null) continue;
        assert.notEqual(publicAddress, former.publicAddress);
        assert.ok(!(await answers(former.publicAddress, 6443, config.adminAddress, 2_000)), "it still answers");
      }
      await until("all kubelets at the new address", { timeout: 180_000, pause: 2_000 }, async () => {
        const { items } = await context.kubectlJson<{ items: Lease[] }>(["get", "leases", "-n", "kube-node-lease"]);
        const silent = items.filter(({ spec }) => Date.parse(spec.renewTime) <= moved);
        assert.deepEqual([items.length, silent.map(({ metadata }) => metadata.name)], [context.nodes().length, []]);
      });
      await context.kubectl(["wait", "nodes", "--all", "--for=condition=Ready", "--timeout=60s"]);
      process.stdout.write(`      after ${Math.round((Date.now() - moved) / 1000)} s\n`);
    });

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

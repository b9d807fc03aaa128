/** One cluster with the oldest release, from nothing to checked, upgraded, scaled up and down, and gone. */
import assert from "node:assert/strict";
import { checksOf, runChecks, type CheckResult } from "../../lab/checks/index.js";
import { bootsOf, editByHand, machineChanges } from "./support/changed.js";
import { expectGone, expectOnly, Scaling, startBudgeted, stopBudgeted, watchAvailable } from "./support/scale.js";
import { stackName } from "../../lab/engine/settings.js";
import { deploy } from "../../lab/commands/up.js";
import { writeKubeconfig } from "../../lab/engine/outputs.js";
import { runEngine } from "../../lab/engine/run.js";
import { labCloud } from "../../lab/cluster/cloud.js";
import { catalogue, catalogueVersions, newestVersion } from "../../components/spec/versions.js";
import { Upgrades } from "./support/upgrade.js";
import { testPipelines } from "./pipelines.js";
import { closeRegion, config, openRegion, progress, secretsInProcesses } from "./region.js";

const stack = stackName(config);
const oldest = catalogueVersions[0];

describe("a cluster", function () {
  this.timeout(900_000);
  // Without a cluster the rest has nothing to look at; each test is still counted, as failed.
  let booted = false;
  const needsCluster = (): void => assert.ok(booted, "the cluster did not boot, see the first test");

  before(() => openRegion("digitalocean", [oldest, newestVersion]));

  it("boots from nothing", async () => {
    const changes = await deploy(config, stack, progress, { "corekube:kubernetes_version": oldest });
    assert.ok(changes > 0, "the run changed nothing");
    await writeKubeconfig(config, stack);
    booted = true;
  });

  it("a second run changes nothing", async () => {
    needsCluster();
    assert.equal(await deploy(config, stack, progress), 0);
  });

  describe("checks", () => {
    let results: readonly CheckResult[] = [];
    before(async () => {
      if (booted) results = await runChecks(config, stack, await writeKubeconfig(config, stack), "full", progress);
    });
    // Those that need more than this cluster has (a proxy, public workers) run where it is.
    for (const { name } of checksOf("full").filter(
      ({ applies, name }) => !applies || name.startsWith("a pod learns no secret"),
    )) {
      it(name, () => {
        needsCluster();
        const result = results.find((item) => item.name === name);
        assert.ok(result !== undefined, "was not run");
        assert.equal(result.failure, undefined, result.failure);
      });
    }
  });

  describe("a change of what machines run", () => {
    const changing = new Scaling(config, stack, progress);
    const machines = ["controller-0", "etcd-0", "worker-0", "worker-1"].map((name) => `kubernetes-${name}`);
    const upgrades = new Upgrades(config, stack, progress);
    let before = "";

    it("by hand: a refresh sees it, and a preview puts that machine right and no other", async () => {
      needsCluster();
      const context = await changing.context();
      before = await bootsOf(context);
      await editByHand(context, "kubernetes-worker-1");
      await runEngine(config, stack, ["refresh", "--yes", "--skip-preview"], progress);
      assert.deepEqual(machineChanges(await changing.changes()), ["update kubernetes-worker-1"]);
    });

    it("another minor version: a preview shows each machine that it reaches", async () => {
      needsCluster();
      await upgrades.set({ kubernetes_version: newestVersion });
      assert.deepEqual(
        machineChanges(await changing.changes()),
        machines.map((name) => `update ${name}`),
      );
    });

    it("killed while the controller changes, the next run goes on, replaces no machine, and leaves nothing to change", async () => {
      needsCluster();
      await upgrades.killed(/Delivery kubernetes-controller-0 updating .*changing its configuration/);
      await upgrades.up();
      const { api, kubelets, proxies, etcd } = await upgrades.versions();
      const version = `v${newestVersion}`;
      assert.deepEqual([api, kubelets, proxies, etcd], [version, version, version, catalogue[newestVersion]!.etcd]);
      assert.equal(await bootsOf(await changing.context()), before);
      await upgrades.settled();
    });
  });

  describe("scaling", () => {
    const scaling = new Scaling(config, stack, progress);
    const machine = "kubernetes-worker-2";
    let scaled = false;

    it("2 to 3 workers: the preview shows the new machine's resources and nothing else", async () => {
      needsCluster();
      await scaling.set(3);
      expectOnly(await scaling.changes(), "create", machine);
    });

    it("2 to 3 workers: the new machine joins and becomes Ready", async () => {
      needsCluster();
      await scaling.up();
      const context = await scaling.context();
      const ready = await context.kubectl([
        "get",
        "node",
        machine,
        "-o",
        'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
      ]);
      assert.equal(ready.trim(), "True");
      scaled = true;
    });

    it("3 to 2 workers: the preview shows the removal of that machine's resources and nothing else", async () => {
      assert.ok(scaled, "the third worker did not join");
      await scaling.set(2);
      expectOnly(await scaling.changes(), "delete", machine);
    });

    it("3 to 2 workers: pods are drained within their disruption budget, machine and Node are gone", async () => {
      assert.ok(scaled, "the third worker did not join");
      const context = await scaling.context();
      const replicas = 3;
      await startBudgeted(context, replicas);
      const available = watchAvailable(context);
      await scaling.up();
      const lowest = await available.stop();
      await expectGone(context, config, machine);
      assert.ok(
        lowest >= replicas - 1,
        `only ${lowest} of ${replicas} pods were available at one time, the budget asks for ${replicas - 1}`,
      );
      await stopBudgeted(context);
    });
  });

  testPipelines(needsCluster);

  describe("the end", () => {
    it("no command line of any process showed a private key or a token since the region was made", () => {
      assert.deepEqual(secretsInProcesses(), []);
    });

    it("pulumi destroy leaves nothing in the cloud", async () => {
      needsCluster();
      const result = await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
      assert.equal(result.code, 0, result.failure);
      const cloud = labCloud(config);
      for (const kind of ["machines", "volumes", "firewalls", "load_balancers", "ssh_keys"] as const) {
        assert.deepEqual(
          (await cloud.list(kind)).map((item) => item.name),
          [],
          kind,
        );
      }
    });

    it("the region leaves no link, mount, rule, process or file behind", async () => {
      assert.deepEqual(await closeRegion(), []);
    });
  });
});

/** The release of a highly available cluster on AWS. */
import assert from "node:assert/strict";
import { catalogue, catalogueVersions, newestVersion } from "../../../components/spec/versions.js";
import { deploy } from "../../../lab/commands/up.js";
import { runEngine } from "../../../lab/engine/run.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { Upgrades } from "../support/upgrade.js";

const stack = "lab-aws";
const oldest = catalogueVersions[0];

describe("the release of a cluster on AWS", function () {
  this.timeout(1_200_000);
  const upgrades = new Upgrades(config, stack, progress);

  before(() => openRegion("aws", [oldest, newestVersion]));
  before(() => deploy(config, stack, progress, { "corekube:kubernetes_version": oldest }));
  after(async () => {
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  it("killed while a controller changes, the next run goes on, and nothing is lost", async () => {
    await upgrades.set({ kubernetes_version: newestVersion });
    const { least } = await upgrades.watched(async (onEvent) => {
      await upgrades.killed(/Delivery kubernetes-controller-0 updating .*changing its configuration/);
      await upgrades.up(onEvent);
    });
    assert.ok(least["web"]! >= 2 && least["data"]! >= 1, JSON.stringify(least));
    const { api, kubelets, proxies, etcd } = await upgrades.versions();
    const version = `v${newestVersion}`;
    assert.deepEqual([api, kubelets, proxies, etcd], [version, version, version, catalogue[newestVersion]!.etcd]);
    await upgrades.settled();
  });
});

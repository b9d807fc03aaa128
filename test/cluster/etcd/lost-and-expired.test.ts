/** etcd members that lose more than a restart gives back: one its data, all of them their certificates while they are down. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { CheckContext } from "../../../lab/cluster/context.js";
import { deploy } from "../../../lab/commands/up.js";
import { writeKubeconfig } from "../../../lab/engine/outputs.js";
import { runEngine, type EngineRun } from "../../../lab/engine/run.js";
import { powerOff, powerOn } from "../faults/faults.js";
import { untilWhole } from "../faults/recovery.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { loseData, onMember } from "../support/etcdDisk.js";

const stack = "ha";
const settings = { "corekube:high_availability": true, "corekube:node_count": 1 };
/** Longer than a run needs that delivers all of them. */
const leafSeconds = 240;

describe("etcd members of a highly available cluster", function () {
  this.timeout(1_200_000);
  let context: CheckContext;
  const members = () => context.machines("etcd");
  const note = (name: string): Promise<string> => context.kubectl(["create", "configmap", name, "--from-literal=a=b"]);
  const noted = (name: string): Promise<string> => context.kubectlValue("{.data.a}", "configmap", name);
  const look = async (): Promise<void> => {
    context = new CheckContext(config, stack, await writeKubeconfig(config, stack), progress);
  };
  const lines: string[] = [];
  const up = (...args: string[]): Promise<EngineRun> => {
    lines.length = 0;
    const report = (line: string): void => void (lines.push(line), progress.report(line));
    return runEngine(config, stack, ["up", "--yes", "--skip-preview", ...args], { ...progress, report });
  };

  before(() => openRegion());
  before(async () => {
    await deploy(config, stack, progress, settings);
    await look();
  });
  after(async () => {
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  it("go on without one that has lost its data, which a run names and one command brings back", async () => {
    const lost = members()[1]!;
    await note("before");
    await loseData(context, lost);
    const named = await up();
    assert.equal(named.code, 0, named.failure);
    assert.match(lines.join("\n"), new RegExp(`${lost.name} does not serve: etcd has served .*data is gone`));
    const before = await onMember(context, members()[0]!, "member list");
    const repaired = await up("--replace", `**:Delivery::${lost.name}`);
    assert.equal(repaired.code, 0, repaired.failure);
    await untilWhole(context, 120);
    assert.notEqual(await onMember(context, members()[0]!, "member list"), before, "it is another member");
    assert.equal(await noted("before"), "b");
  });

  it("come back after all leaf certificates have expired and all of them were down", async () => {
    await note("expired");
    process.env["COREKUBE_LAB_LEAF_SECONDS"] = String(leafSeconds);
    const from = Date.now();
    const renewed = await up("--replace", "**LocallySignedCert::**").finally(
      () => delete process.env["COREKUBE_LAB_LEAF_SECONDS"],
    );
    assert.equal(renewed.code, 0, renewed.failure);
    await sleep(from + (leafSeconds + 90) * 1000 - Date.now());
    for (const member of members()) await powerOff(context, member);
    for (const member of members()) await powerOn(context, member);
    await assert.rejects(context.kubectl(["get", "nodes", "--request-timeout=10s"]), /expired|not yet valid/);
    const run = await up();
    assert.equal(run.code, 0, run.failure);
    await look();
    await untilWhole(context, 120);
    for (const name of ["before", "expired"]) assert.equal(await noted(name), "b");
  });
});

/**
 * What happens to all etcd members of a highly available cluster together: their databases are full, they are down, and every leaf
 * certificate has expired; and to one that comes back without its data.
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { CheckContext } from "../../../lab/cluster/context.js";
import { deploy } from "../../../lab/commands/up.js";
import { writeKubeconfig } from "../../../lab/engine/outputs.js";
import { runEngine, type EngineRun } from "../../../lab/engine/run.js";
import { until } from "../../../lab/process/until.js";
import { powerOff, powerOn } from "../faults/faults.js";
import { untilWhole } from "../faults/recovery.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { alarms, fill, loseData, onMember } from "../support/etcdDisk.js";

const stack = "ha";
const disk = (megabytes: number): Readonly<Record<string, unknown>> => ({
  "corekube:high_availability": true,
  "corekube:node_count": 1,
  "corekube:etcd": { data_disk: megabytes },
});
/** Longer than a run needs that delivers all of them. */
const leafSeconds = 240;

describe("all etcd members of a highly available cluster", function () {
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
    await deploy(config, stack, progress, disk(1024));
    await look();
  });
  after(async () => {
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  it("get out of a full database with larger disks, one after the other and with nothing lost", async () => {
    await note("before");
    await fill(context, members()[0]!);
    assert.equal((await alarms(context, members()[0]!)).match(/NOSPACE/g)?.length, 3);
    await assert.rejects(note("refused"), /database space exceeded/);
    await deploy(config, stack, progress, disk(2048));
    await until("the alarm is gone", { timeout: 60_000, pause: 2_000 }, async () =>
      assert.equal(await alarms(context, members()[0]!), ""),
    );
    await note("after");
    assert.equal(await noted("before"), "b");
    await onMember(context, members()[0]!, "del --prefix /filler/");
  });

  it("go on without one that has lost its data, which a run names and one command brings back", async () => {
    const lost = members()[1]!;
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
    for (const name of ["before", "after", "expired"]) assert.equal(await noted(name), "b");
  });
});

/** The databases of all etcd members of a highly available cluster are full. */
import assert from "node:assert/strict";
import { CheckContext } from "../../../lab/cluster/context.js";
import { deploy } from "../../../lab/commands/up.js";
import { writeKubeconfig } from "../../../lab/engine/outputs.js";
import { runEngine } from "../../../lab/engine/run.js";
import { until } from "../../../lab/process/until.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { alarms, fill } from "../support/etcdDisk.js";

const stack = "ha";
const disk = (megabytes: number): Readonly<Record<string, unknown>> => ({
  "corekube:high_availability": true,
  "corekube:node_count": 1,
  "corekube:etcd": { data_disk: megabytes },
});

describe("all etcd members of a highly available cluster", function () {
  this.timeout(1_200_000);
  let context: CheckContext;
  const members = () => context.machines("etcd");
  const note = (name: string): Promise<string> => context.kubectl(["create", "configmap", name, "--from-literal=a=b"]);
  const noted = (name: string): Promise<string> => context.kubectlValue("{.data.a}", "configmap", name);

  before(() => openRegion());
  before(async () => {
    await deploy(config, stack, progress, disk(1024));
    context = new CheckContext(config, stack, await writeKubeconfig(config, stack), progress);
  });
  after(async () => {
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  it("get out of a full database with larger disks, one after the other and with nothing lost", async () => {
    await note("before");
    await fill(context, members()[0]!);
    // All are full. Once one has raised the alarm, the others need not.
    assert.match(await alarms(context, members()[0]!), /NOSPACE/);
    await assert.rejects(note("refused"), /database space exceeded/);
    await deploy(config, stack, progress, disk(2048));
    await until("the alarm is gone", { timeout: 60_000, pause: 2_000 }, async () =>
      assert.equal(await alarms(context, members()[0]!), ""),
    );
    await note("after");
    assert.equal(await noted("before"), "b");
  });
});

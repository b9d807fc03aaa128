/** The databases of all etcd members are full: a larger disk leads out of it, with nothing lost. */
import assert from "node:assert/strict";
import { CheckContext } from "../../../lab/cluster/context.js";
import { deploy } from "../../../lab/commands/up.js";
import { writeKubeconfig } from "../../../lab/engine/outputs.js";
import { runEngine } from "../../../lab/engine/run.js";
import { until } from "../../../lab/process/until.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { alarms, fill } from "../support/etcdDisk.js";

for (const { stack, members } of [
  { stack: "dev", members: 1 },
  { stack: "ha", members: 3 },
])
  describe(`a full database on ${stack}`, function () {
    this.timeout(1_200_000);
    const disk = (megabytes: number): Readonly<Record<string, unknown>> => ({
      "corekube:node_count": 1,
      "corekube:etcd": { data_disk: megabytes },
    });
    let context: CheckContext;
    const note = (name: string): Promise<string> =>
      context.kubectl(["create", "configmap", name, "--from-literal=a=b"]);

    before(() => openRegion());
    before(async () => {
      await deploy(config, stack, progress, disk(1024));
      context = new CheckContext(config, stack, await writeKubeconfig(config, stack), progress);
    });
    after(async () => {
      await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
      assert.deepEqual(await closeRegion(), []);
    });

    it(`of ${members === 1 ? "the only member" : `${members} members`}: a larger disk leads out of it, with nothing lost`, async () => {
      const machines = context.machines("etcd");
      assert.equal(machines.length, members);
      const first = machines[0]!;
      await note("before");
      await fill(context, first);
      // Once one member has raised the alarm, the others, which are as full, need not.
      assert.match(await alarms(context, first), /NOSPACE/);
      await assert.rejects(note("refused"), /database space exceeded/);
      await deploy(config, stack, progress, disk(2048));
      await until("the alarm is gone", { timeout: 60_000, pause: 2_000 }, async () =>
        assert.equal(await alarms(context, first), ""),
      );
      await note("after");
      assert.equal(await context.kubectlValue("{.data.a}", "configmap", "before"), "b");
      for (const machine of machines)
        assert.match(await context.inMachine(machine, "df --output=size -m /var/lib/etcd"), /\b(19|20)\d\d\b/);
    });
  });

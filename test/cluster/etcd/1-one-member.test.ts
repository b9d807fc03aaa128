/** A cluster with one etcd member whose database is full. */
import assert from "node:assert/strict";
import { CheckContext } from "../../../lab/cluster/context.js";
import { deploy } from "../../../lab/commands/up.js";
import { writeKubeconfig } from "../../../lab/engine/outputs.js";
import { runEngine } from "../../../lab/engine/run.js";
import { until } from "../../../lab/process/until.js";
import { closeRegion, config, openRegion, progress } from "../region.js";
import { alarms, fill } from "../support/etcdDisk.js";

const stack = "dev";
const disk = (megabytes: number): Readonly<Record<string, unknown>> => ({
  "corekube:node_count": 1,
  "corekube:etcd": { data_disk: megabytes },
});

describe("a cluster with one etcd member", function () {
  this.timeout(900_000);
  let context: CheckContext;
  const member = () => context.machines("etcd")[0]!;
  const note = (name: string): Promise<string> => context.kubectl(["create", "configmap", name, "--from-literal=a=b"]);

  before(() => openRegion());
  before(async () => {
    await deploy(config, stack, progress, disk(1024));
    context = new CheckContext(config, stack, await writeKubeconfig(config, stack), progress);
  });
  after(async () => {
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  it("has a full database, and gets out of it with a larger disk and nothing lost", async () => {
    await note("before");
    await fill(context, member());
    assert.match(await alarms(context, member()), /NOSPACE/);
    await assert.rejects(note("refused"), /database space exceeded/);
    await deploy(config, stack, progress, disk(2048));
    await until("the alarm is gone", { timeout: 60_000, pause: 2_000 }, async () =>
      assert.equal(await alarms(context, member()), ""),
    );
    await note("after");
    assert.equal(await context.kubectlValue("{.data.a}", "configmap", "before"), "b");
    assert.match(await context.inMachine(member(), "df --output=size -m /var/lib/etcd"), /\b(19|20)\d\d\b/);
  });
});

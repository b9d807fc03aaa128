/**
 * Rolling replacement of a highly available cluster, under a client that writes and reads all the time: of workers, controllers
 * and etcd members, killed at three moments, with a gate that is closed once.
 */
import assert from "node:assert/strict";
import { deploy } from "../../../lab/commands/up.js";
import { runEngine } from "../../../lab/engine/run.js";
import { pulumi } from "../../../lab/engine/stack.js";
import { readOutputs, writeKubeconfig } from "../../../lab/engine/outputs.js";
import { CheckContext } from "../../../lab/cluster/context.js";
import { runKilledAt } from "../support/killed.js";
import { MachineWatch, timelineOf, type Absence } from "../support/rolling.js";
import { Writer } from "../faults/writer.js";
import { closeRegion, config, openRegion, progress } from "../region.js";

const stack = "ha";
const settings = { "corekube:high_availability": true, "corekube:node_count": 2, "corekube:public_node_count": 1 };
const up = ["up", "--yes", "--skip-preview"];

describe("rolling replacement of a highly available cluster", function () {
  this.timeout(1_800_000);
  let writer: Writer | undefined;

  before(() => openRegion());
  before(async () => {
    await deploy(config, stack, progress, settings);
    writer = new Writer({ kubeconfig: (await writeKubeconfig(config, stack)).kubeconfig });
    await writer.start();
  });
  after(async () => {
    await writer?.stop();
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  const set = (key: string, value: string): Promise<string> =>
    pulumi(config, ["config", "set", `corekube:${key}`, value, "--stack", stack], { stack });

  /** Runs a command as root on a machine, wherever that is by now. */
  async function on(name: string, command: string): Promise<string> {
    const context = new CheckContext(config, stack, await readOutputs(config, stack), progress);
    const machine = context.machines().find((each) => each.name === name);
    assert.ok(machine, `${name} is not in the table of machines`);
    return context.inMachine(machine, command);
  }

  /** Which machines were away while `work` was done, printed. */
  async function watched(work: () => Promise<void>): Promise<{ absences: readonly Absence[]; most: number }> {
    const watch = new MachineWatch(config);
    const began = Date.now();
    await watch.start();
    try {
      await work();
    } finally {
      const absences = await watch.stop();
      process.stdout.write(`${timelineOf(absences, began).replace(/^/gm, "      ")}\n`);
    }
    return { absences: await watch.stop(), most: watch.mostAway };
  }

  async function well(): Promise<void> {
    const result = await runEngine(config, stack, up, progress);
    assert.equal(result.code, 0, result.failure);
  }

  async function nothingLost(): Promise<void> {
    assert.ok(writer);
    const verdict = await writer.verify();
    assert.ok(verdict.acknowledged > 0, "nothing was written");
    assert.deepEqual(verdict.lost, []);
    assert.deepEqual(verdict.stale, []);
  }

  /** ID and name of each member of etcd. */
  async function members(): Promise<string[]> {
    const text = await on("kubernetes-etcd-0", `${etcdctl} member list`);
    return text
      .trim()
      .split("\n")
      .map((line) => line.split(", ").slice(0, 3).join(" "))
      .sort();
  }

  for (const { key, size, machines } of [
    { key: "node_size", size: "s-8vcpu-16gb", machines: ["kubernetes-worker-0", "kubernetes-worker-1"] },
    {
      key: "controller_size",
      size: "s-4vcpu-8gb",
      machines: [0, 1, 2].map((index) => `kubernetes-controller-${index}`),
    },
    { key: "etcd_size", size: "s-2vcpu-2gb", machines: [0, 1, 2].map((index) => `kubernetes-etcd-${index}`) },
  ]) {
    it(`${key}: machines are replaced one by one, and no acknowledged write is lost`, async () => {
      const before = await members();
      await set(key, size);
      const { absences, most } = await watched(well);
      assert.deepEqual(
        absences.map(({ machine }) => machine),
        machines,
      );
      // A machine may be away for less than the watch's pause.
      assert.ok(most <= 1, `${most} machines were away at once`);
      assert.deepEqual(await members(), before, "each member keeps its ID");
      await nothingLost();
    });
  }

  for (const { name, at } of [
    { name: "while the old machine is taken away", at: /etcd-1 deleting/ },
    { name: "while the new machine is made", at: /etcd-1 creating replacement/ },
    { name: "while the new machine is delivered to", at: /corekube:machine:Delivery kubernetes-etcd-1 creating/ },
  ]) {
    it(`etcd's size, killed ${name}: the next run ends healthy`, async () => {
      const before = await members();
      await set(
        "etcd_size",
        (await pulumi(config, ["config", "get", "corekube:etcd_size", "--stack", stack], { stack })).trim() ===
          "s-2vcpu-2gb"
          ? "s-1vcpu-2gb"
          : "s-2vcpu-2gb",
      );
      await runKilledAt(at, config, stack, up, progress);
      const { most } = await watched(well);
      assert.ok(most <= 1);
      assert.deepEqual(await members(), before);
      await nothingLost();
      assert.equal((await runEngine(config, stack, up, progress)).changes, 0, "a further run changes nothing");
    });
  }

  it("a closed gate stops the run before anything changes, names the problem, and the next run resumes", async () => {
    await set("controller_size", "s-2vcpu-4gb");
    await on("kubernetes-etcd-2", "systemctl stop etcd.service");
    const { absences } = await watched(async () => {
      const result = await runEngine(config, stack, up, progress);
      assert.notEqual(result.code, 0);
      assert.match(result.failure, /kubernetes-controller-0: not replaced[\s\S]*kubernetes-etcd-2 is not healthy/);
    });
    assert.deepEqual(absences, []);
    await on("kubernetes-etcd-2", "systemctl start etcd.service");
    const { absences: replaced, most } = await watched(well);
    assert.equal(replaced.length, 3);
    assert.ok(most <= 1);
    await nothingLost();
  });
});

const etcdctl =
  "/opt/bin/etcdctl --endpoints https://127.0.0.1:2379 --cacert /run/corekube/etcd/etcd-ca.crt --cert /run/corekube/etcd/server.crt --key /run/corekube/etcd/server.key";

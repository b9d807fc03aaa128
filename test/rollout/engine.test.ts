/** The order of replacements, as the real engine carries it out. */
import assert from "node:assert/strict";
import { OrderStack, type EngineRun } from "./support.js";

const etcd = ["etcd-0", "etcd-1", "etcd-2"];
const controllers = ["controller-0", "controller-1", "controller-2"];

/** What one replacement is, from its beginning to its end. */
const replacement = (name: string): string[] =>
  ["delete Delivery", "delete Machine", "create Machine", "create Delivery"].flatMap((what) => [
    `${what} ${name}`,
    `done ${what} ${name}`,
  ]);

/** What one delivery to a machine that stays is. */
const delivery = (name: string): string[] => [`update Delivery ${name}`, `done update Delivery ${name}`];

/** The most machines of a pool that were away together: from the beginning of the deletion to the end of the delivery. */
function mostAway({ calls }: EngineRun, pool: string): number {
  const away = new Set<string>();
  let most = 0;
  for (const call of calls) {
    const name = call.split(" ").at(-1) ?? "";
    if (!name.startsWith(pool)) continue;
    if (call.startsWith("delete Delivery")) away.add(name);
    if (call.startsWith("done create Delivery")) away.delete(name);
    most = Math.max(most, away.size);
  }
  return most;
}

/** The most calls of a kind that were under way together. */
function mostUnderWay(calls: readonly string[], kind: string): number {
  let now = 0;
  let most = 0;
  for (const call of calls) {
    if (call.startsWith(kind)) now += 1;
    if (call.startsWith(`done ${kind}`)) now -= 1;
    most = Math.max(most, now);
  }
  return most;
}

describe("replacement on the engine", function () {
  this.timeout(1_800_000);
  const stack = new OrderStack();
  before(() => stack.create());
  after(() => stack.remove());

  const well = async (command: "up" | "destroy" = "up"): Promise<EngineRun> => {
    const run = await stack.run(command);
    assert.equal(run.code, 0, run.output);
    return run;
  };

  it("creates all machines in parallel", async () => {
    const { calls } = await well();
    assert.equal(calls.filter((call) => call.startsWith("done create")).length, 18, calls.join("\n"));
    assert.ok(mostUnderWay(calls, "create Machine") > 3, calls.join("\n"));
  });

  it("changes nothing without a reason", async () => {
    assert.deepEqual((await well()).calls, []);
  });

  it("replaces etcd members one by one: deleted, created, serving, and only then the next", async () => {
    await stack.set("etcd", "large");
    assert.deepEqual((await well()).calls, etcd.flatMap(replacement));
  });

  it("replaces etcd, then controllers, then workers when all change at once", async () => {
    for (const pool of ["etcd", "controller", "worker"]) await stack.set(pool, "medium");
    await stack.set("atOnce", 2);
    const run = await well();
    assert.deepEqual(run.calls.slice(0, 48), [...etcd, ...controllers].flatMap(replacement));
    assert.equal(mostAway(run, "worker"), 2);
  });

  it("changes no other machine when a gate is closed, and resumes in the next run", async () => {
    await stack.set("etcd", "small");
    const stopped = await stack.run("up", { fail: "delete Delivery etcd-1" });
    assert.notEqual(stopped.code, 0);
    assert.deepEqual(stopped.calls, [...replacement("etcd-0"), "delete Delivery etcd-1"]);
    assert.deepEqual((await well()).calls, ["etcd-1", "etcd-2"].flatMap(replacement));
  });

  it("stops after a machine that does not come to serve, and starts with it in the next run", async () => {
    await stack.set("controller", "small");
    const stopped = await stack.run("up", { fail: "create Delivery controller-1" });
    assert.notEqual(stopped.code, 0);
    assert.ok(!stopped.calls.some((call) => call.includes("controller-2")), stopped.calls.join("\n"));
    assert.deepEqual((await well()).calls, [
      "create Delivery controller-1",
      "done create Delivery controller-1",
      ...replacement("controller-2"),
    ]);
  });

  it("begins with machines that do not serve, in their pool's turn", async () => {
    await stack.set("etcd", "medium");
    await stack.set("worker", "small");
    await stack.set("atOnce", 1);
    const { code, output, calls } = await stack.run("up", {
      broken: { "etcd-2": "it does not answer SSH", "worker-1": "the kubelet is silent" },
    });
    assert.equal(code, 0, output);
    assert.deepEqual(calls, ["etcd-2", "etcd-0", "etcd-1", "worker-1", "worker-0", "worker-2"].flatMap(replacement));
    assert.match(output, /etcd-2 does not serve: it does not answer SSH/);
  });

  it("makes machines that a refresh has found gone at once and together, whatever stage they are of", async () => {
    const gone = ["etcd-1", "controller-0"];
    assert.equal((await stack.run("refresh", { gone })).code, 0);
    const { calls } = await well();
    assert.deepEqual([...new Set(calls.map((call) => call.split(" ").at(-1)))].sort(), [...gone].sort());
    assert.ok(mostUnderWay(calls, "create Machine") === 2, calls.join("\n"));
    assert.deepEqual((await well()).calls, []);
  });

  it("keeps the outputs of a run that fails: where the API is now, and each machine that has changed", async () => {
    const before = await stack.outputs();
    await stack.set("controller", "large");
    const stopped = await stack.run("up", { fail: "delete Delivery controller-1" });
    assert.notEqual(stopped.code, 0);
    const failed = await stack.outputs();
    assert.notEqual(failed.kubeconfig, before.kubeconfig);
    const moved = failed.machines.filter(({ address }, index) => address !== before.machines[index]?.address);
    assert.deepEqual(
      moved.map(({ name, address }) => [name, address]),
      [["controller-0", failed.kubeconfig]],
    );
    assert.equal(failed.machines.length, before.machines.length);
    await well();
    assert.equal((await stack.outputs()).kubeconfig, failed.kubeconfig);
  });

  it("delivers new certificates to one machine at a time: etcd, then controllers, then workers", async () => {
    await stack.set("certificate", "renewed");
    await stack.set("atOnce", 2);
    const { calls } = await well();
    assert.deepEqual(calls.slice(0, 12), [...etcd, ...controllers].flatMap(delivery));
    assert.equal(calls.length, 12 + 2 * 3);
    assert.ok(mostUnderWay(calls.slice(12), "update Delivery") <= 2, "no more workers than max_unavailable allows");
  });

  for (const machine of ["etcd-1", "controller-1"]) {
    it(`delivers to no other machine after a delivery to ${machine} has failed, and resumes there`, async () => {
      const all = [...etcd, ...controllers];
      const position = all.indexOf(machine);
      await stack.set("certificate", `for-${machine}`);
      const stopped = await stack.run("up", { fail: `update Delivery ${machine}` });
      assert.notEqual(stopped.code, 0);
      assert.deepEqual(stopped.calls, [...all.slice(0, position).flatMap(delivery), `update Delivery ${machine}`]);
      const { calls } = await well();
      const rest = all.slice(position).flatMap(delivery);
      assert.deepEqual(calls.slice(0, rest.length), rest);
      assert.equal(calls.length, rest.length + 2 * 3, "and to the workers after them");
    });
  }

  for (const call of [
    "delete Delivery etcd-1",
    "delete Machine etcd-1",
    "create Machine etcd-1",
    "create Delivery etcd-1",
  ]) {
    it(`resumes after the engine was killed at "${call}", still one by one`, async () => {
      await stack.set("etcd", `size-${call.replaceAll(" ", "-")}`);
      const killed = await stack.run("up", { kill: call });
      assert.notEqual(killed.code, 0);
      assert.equal(killed.calls.at(-1), call);
      await stack.unlock();
      const resumed = await well();
      assert.equal(mostAway(resumed, "etcd"), 1, resumed.calls.join("\n"));
      assert.deepEqual(resumed.calls.slice(-8), replacement("etcd-2"));
      assert.ok(!resumed.calls.some((each) => each.endsWith("etcd-0")));
      assert.deepEqual((await well()).calls, []);
    });
  }

  it("creates further workers at once and changes no other, and removes them again", async () => {
    await stack.set("workers", 8);
    const more = await well();
    assert.deepEqual(
      [...new Set(more.calls.map((call) => call.split(" ").at(-1)))].sort(),
      [3, 4, 5, 6, 7].map((index) => `worker-${index}`),
    );
    await stack.set("workers", 3);
    const less = await well();
    assert.deepEqual(
      [...new Set(less.calls.map((call) => call.split(" ").at(-1)))].sort(),
      [3, 4, 5, 6, 7].map((index) => `worker-${index}`),
    );
  });

  it("removes everything in parallel, without a flag and without the program", async () => {
    const { calls } = await well("destroy");
    assert.equal(calls.filter((call) => call.startsWith("done delete")).length, 18, calls.join("\n"));
    assert.ok(mostUnderWay(calls, "delete Delivery") > 3, calls.join("\n"));
  });
});

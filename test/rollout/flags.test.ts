/** Runs that are told to do less than everything: `--parallel`, `--target`, `--exclude`, `--refresh`, on the real engine. */
import assert from "node:assert/strict";
import { requireParallelism } from "../../components/rollout/program/parallelism.js";
import { OrderStack, type EngineRun } from "./support.js";

const urn = (type: "Machine" | "Delivery", name: string): string =>
  `urn:pulumi:test::order::corekube:machine:${type}::${name}`;
const target = (...names: readonly string[]): string[] => names.flatMap((name) => ["--target", urn("Machine", name)]);

/** What was done, in order, as far as it was completed. */
const done = ({ calls }: EngineRun): string[] =>
  calls.filter((call) => call.startsWith("done ")).map((call) => call.replace("done ", ""));

const replaced = (name: string): string[] =>
  ["delete Delivery", "delete Machine", "create Machine", "create Delivery"].map((what) => `${what} ${name}`);

describe("flags of a run", function () {
  this.timeout(600_000);
  const stack = new OrderStack();
  before(() => stack.create());
  after(() => stack.remove());

  const run = async (command: "up" | "destroy" | "preview", args: readonly string[] = []): Promise<EngineRun> => {
    const ended = await stack.run(command, {}, args);
    assert.equal(ended.code, 0, ended.output);
    return ended;
  };

  for (const command of ["preview", "up"] as const) {
    it(`${command} --parallel 1 is refused where members would wait for each other, with the command that works`, async () => {
      const { code, output, calls } = await stack.run(command, {}, ["--parallel", "1"]);
      assert.notEqual(code, 0);
      assert.deepEqual(calls, []);
      assert.match(
        output,
        /--parallel: got 1; allowed: 2 or more, because 2 of the 3 etcd members .*pulumi up --parallel 2/,
      );
    });
  }

  it("asks for as many operations as members must start together", () => {
    assert.throws(() => requireParallelism(5, 2), /got 2; allowed: 3 or more.*pulumi up --parallel 3/);
    for (const [members, parallel] of [
      [5, 3],
      [1, 1],
      [3, NaN],
    ] as const)
      assert.doesNotThrow(() => requireParallelism(members, parallel));
  });

  it("up --parallel 2 makes the cluster, and changes it in its order", async () => {
    assert.equal(done(await run("up", ["--parallel", "2"])).length, 18);
    await stack.set("etcd", "large");
    await stack.set("worker", "large");
    assert.deepEqual(
      done(await run("up", ["--parallel", "2"])),
      ["etcd-0", "etcd-1", "etcd-2", "worker-0", "worker-1", "worker-2"].flatMap(replaced),
    );
  });

  for (const name of ["worker-1", "controller-1", "etcd-1"]) {
    it(`up --target of ${name} with --target-dependents replaces it and no other`, async () => {
      const pool = name.split("-")[0] ?? "";
      await stack.set(pool, "medium");
      assert.deepEqual(done(await run("up", [...target(name), "--target-dependents"])), replaced(name));
      assert.deepEqual(
        done(await run("up")),
        [`${pool}-0`, `${pool}-2`].flatMap(replaced),
        "the next run does the rest",
      );
    });
  }

  it("up --target of one delivery delivers to this machine only", async () => {
    await stack.set("certificate", "renewed");
    assert.deepEqual(done(await run("up", ["--target", urn("Delivery", "etcd-1")])), ["update Delivery etcd-1"]);
    assert.equal(done(await run("up")).length, 8);
  });

  it("up --target of a worker that is not there yet makes it, whatever else is missing", async () => {
    await stack.set("workers", 5);
    assert.deepEqual(done(await run("up", [...target("worker-4"), "--target", urn("Delivery", "worker-4")])), [
      "create Machine worker-4",
      "create Delivery worker-4",
    ]);
    assert.deepEqual(done(await run("up")), ["create Machine worker-3", "create Delivery worker-3"]);
  });

  it("up --exclude leaves a machine as it is, and the next run changes it", async () => {
    await stack.set("etcd", "small");
    assert.deepEqual(
      done(await run("up", ["--exclude", urn("Machine", "etcd-1")])),
      ["etcd-0", "etcd-2"].flatMap(replaced),
    );
    assert.deepEqual(done(await run("up")), replaced("etcd-1"));
  });

  it("up --refresh makes what the cloud has lost, and changes no other machine", async () => {
    const gone = ["etcd-1", "etcd-2", "worker-1"];
    const { code, output, calls } = await stack.run("up", { gone }, ["--refresh"]);
    assert.equal(code, 0, output);
    assert.deepEqual([...new Set(calls.map((call) => call.split(" ").at(-1)))].sort(), gone);
    assert.deepEqual(done(await run("up")), []);
  });

  it("destroy --target is refused by the engine while something needs the machine, and names it", async () => {
    const { code, output, calls } = await stack.run("destroy", {}, target("worker-1"));
    assert.notEqual(code, 0);
    assert.deepEqual(calls, []);
    assert.match(output, /Delivery::worker-1' will be destroyed but was not specified in --target list/);
  });

  it("destroy --target with --target-dependents takes the machine and what is on it, and the next run makes it again", async () => {
    const gone = ["etcd-1", "worker-1"];
    assert.deepEqual(
      done(await run("destroy", [...target(...gone), "--target-dependents"])).sort(),
      gone.flatMap((name) => [`delete Delivery ${name}`, `delete Machine ${name}`]).sort(),
    );
    assert.deepEqual(
      done(await run("up")).sort(),
      gone.flatMap((name) => [`create Delivery ${name}`, `create Machine ${name}`]).sort(),
    );
  });

  it("destroy --exclude keeps a machine, and the next run makes the others around it", async () => {
    await run("destroy", ["--exclude", urn("Machine", "etcd-0")]);
    const again = done(await run("up"));
    assert.ok(!again.includes("create Machine etcd-0"));
    assert.equal(again.filter((call) => call.startsWith("create Machine")).length, 10);
  });

  it("destroy --parallel 1 --refresh removes everything", async () => {
    assert.equal(done(await run("destroy", ["--parallel", "1", "--refresh"])).length, 22);
  });
});

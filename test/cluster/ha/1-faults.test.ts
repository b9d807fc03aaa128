/**
 * Faults in a highly available cluster while a client writes and reads continuously: no acknowledged write may be lost, and no
 * pause may be long.
 */
import assert from "node:assert/strict";
import { runEngine } from "../../../lab/engine/run.js";
import { deploy } from "../../../lab/commands/up.js";
import { writeKubeconfig } from "../../../lab/engine/outputs.js";
import { figuresLine } from "../faults/figures.js";
import { Scenarios, outcomeLine, type Outcome } from "../faults/scenarios.js";
import { Writer } from "../faults/writer.js";
import { closeRegion, config, openRegion, progress } from "../region.js";

const stack = "ha";
const settings = { "corekube:high_availability": true, "corekube:node_count": 2 };

/** The longest that writes or reads may pause, in milliseconds. */
const pauseLimit = 15_000;

describe("a highly available cluster under faults", function () {
  this.timeout(900_000);
  let writer: Writer | undefined;
  let scenarios: Scenarios | undefined;

  before(() => openRegion());
  before(async () => {
    await deploy(config, stack, progress, settings);
    writer = new Writer({ kubeconfig: (await writeKubeconfig(config, stack)).kubeconfig });
    await writer.start();
    scenarios = new Scenarios(config, stack, writer, progress);
  });
  after(async () => {
    // Without its cluster the writer must not delay the removal of the region.
    await writer?.stop();
    await runEngine(config, stack, ["destroy", "--yes", "--skip-preview"], progress);
    assert.deepEqual(await closeRegion(), []);
  });

  async function survives(run: (scenarios: Scenarios) => Promise<Outcome>): Promise<void> {
    assert.ok(scenarios && writer, "the cluster did not come up");
    const outcome = await run(scenarios);
    process.stdout.write(`      ${outcomeLine(outcome)}\n`);
    const { write, read } = outcome.figures;
    assert.ok(write.succeeded > 0 && read.succeeded > 0, "nothing was written or read during the fault");
    assert.equal(read.stale, 0, "reads that did not return an acknowledged write");
    assert.ok(
      write.longest.length < pauseLimit,
      `writes paused for ${write.longest.length / 1000} s, at most ${pauseLimit / 1000} are allowed`,
    );
    assert.ok(
      read.longest.length < pauseLimit,
      `reads paused for ${read.longest.length / 1000} s, at most ${pauseLimit / 1000} are allowed`,
    );
    assert.deepEqual((await writer.verify()).lost, []);
  }

  it("an etcd member's process is killed", () => survives((on) => on.killMember("follower")));
  it("the leading etcd member's process is killed", () => survives((on) => on.killMember("leader")));
  it("an etcd machine loses power", () => survives((on) => on.darkenMember("follower")));
  it("the leading etcd member's machine loses power", () => survives((on) => on.darkenMember("leader")));
  it("a controller machine loses power", () => survives((on) => on.darkenController()));
  it("the controller with most connections loses power", () => survives((on) => on.darkenFavourite()));
  it("a controller machine crashes, and the cloud notices", () => survives((on) => on.crashController()));
  it("a controller machine is deleted: one pulumi up recreates it", () => survives((on) => on.lose("controller")));
  it("an etcd machine is deleted: one pulumi up recreates it with the data of its volume", () =>
    survives((on) => on.lose("etcd")));

  it("every acknowledged write exists at the end, on every etcd member", async () => {
    assert.ok(scenarios && writer, "the cluster did not come up");
    await writer.stop();
    const verdict = await writer.verify();
    process.stdout.write(
      `      all in all: ${figuresLine(writer.figures())}; this program was late by ${Math.round(writer.ownLag())} ms at most\n`,
    );
    assert.deepEqual([verdict.lost, verdict.stale], [[], []]);
    assert.ok(verdict.acknowledged > 100, `only ${verdict.acknowledged} writes`);
    for (const [member, count] of Object.entries(await scenarios.written())) {
      assert.ok(
        count >= verdict.acknowledged,
        `${member} holds ${count} of ${verdict.acknowledged} acknowledged writes`,
      );
    }
  });

  it("a lost or changed acknowledged write is detected", async () => {
    assert.ok(scenarios && writer, "the cluster did not come up");
    const [first, second] = writer.acknowledgedNames();
    const context = await scenarios.context();
    await context.kubectl(["delete", "configmap", "-n", writer.namespace, String(first)]);
    await context.kubectl([
      "patch",
      "configmap",
      "-n",
      writer.namespace,
      String(second),
      "--type=merge",
      "--patch",
      '{"data":{"value":"another"}}',
    ]);
    const { lost } = await writer.verify();
    assert.deepEqual(
      lost.map((line) => line.split(":")[0]),
      [first, second],
    );
  });
});

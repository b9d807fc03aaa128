import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Daemon } from "../../../lab/process/daemon.js";
import { type ProcessMark, isAlive, markOf, readMark, signalMark, waitForEnd } from "../../../lab/process/marks.js";
import { until } from "../../../lab/process/until.js";

describe("a background process", () => {
  let folder: string;
  let daemon: Daemon;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-daemon-"));
    daemon = new Daemon("the server", join(folder, "state", "process.json"), join(folder, "logs", "server.log"));
  });
  afterEach(async () => {
    await daemon.stop(1_000);
    rmSync(folder, { recursive: true });
  });
  const script = (text: string): string[] => ["bash", "-c", text];

  it("is started once, found by its mark, and stopped", async () => {
    const ready = (): boolean => readFileSync(daemon.log, "utf8").includes("ready");
    const command = script("echo started; sleep 0.1; echo ready; exec sleep 60");
    const mark = await daemon.start({ command, ready });
    assert.deepEqual(readMark(daemon.markFile), mark);
    assert.deepEqual(await daemon.start({ command, ready }), mark);
    assert.equal(readFileSync(daemon.log, "utf8"), "started\nready\n");
    await daemon.stop();
    assert.ok(!isAlive(mark));
    assert.ok(!existsSync(daemon.markFile));
  });

  it("gets none of the caller's variables but PATH", async () => {
    process.env["COREKUBE_TEST_SECRET"] = "secret";
    try {
      await daemon.start({
        command: script("env; echo done; exec sleep 60"),
        ready: () => readFileSync(daemon.log, "utf8").includes("done"),
      });
      assert.doesNotMatch(readFileSync(daemon.log, "utf8"), /COREKUBE_TEST_SECRET|HOME=/);
    } finally {
      delete process.env["COREKUBE_TEST_SECRET"];
    }
  });

  it("reports the end of its log when it ends before it is ready", () =>
    assert.rejects(
      daemon.start({ command: script("echo port in use; exit 1"), ready: () => false }),
      /the server: ended while it started; the end of .*server.log:\nport in use/,
    ));

  it("reports a process that does not get ready, with the last error", () =>
    assert.rejects(
      daemon.start({
        command: ["sleep", "60"],
        timeout: 200,
        ready: () => {
          throw new Error("connection refused");
        },
      }),
      /the server: not ready after 0.2 s .*connection refused/s,
    ));

  it("names a program that cannot be started", () =>
    assert.rejects(daemon.start({ command: ["no-such-program"] }), /the server: cannot be started: .*ENOENT/));

  it("is killed with its children when it ignores SIGTERM", async () => {
    const pids = join(folder, "pids");
    const mark = await daemon.start({
      command: script(`trap '' TERM; sleep 60 & echo $! > ${pids}; while :; do wait; done`),
      ready: () => existsSync(pids) && readFileSync(pids, "utf8") !== "",
    });
    const child = markOf(Number(readFileSync(pids, "utf8")));
    await daemon.stop(100);
    assert.ok(!isAlive(mark));
    assert.ok(await waitForEnd(child, 2_000));
  });

  it("counts as crashed when it ended without being stopped", async () => {
    const mark = await daemon.start({ command: ["sleep", "60"] });
    assert.ok(!daemon.crashed());
    signalMark(mark, "SIGKILL");
    assert.ok(await waitForEnd(mark, 2_000));
    assert.ok(daemon.crashed());
    await daemon.stop();
    assert.ok(!daemon.crashed());
  });
});

describe("the mark of a process", () => {
  it("does not fit another process with the same id", () => {
    const mark = markOf(process.pid)!;
    assert.ok(isAlive(mark));
    const others: ProcessMark[] = [
      { ...mark, startTime: "1" },
      { ...mark, bootId: "another boot" },
    ];
    for (const other of others) {
      assert.ok(!isAlive(other));
      assert.ok(!signalMark(other, "SIGKILL"));
    }
  });

  it("is ignored in a damaged file", () => {
    const file = join(mkdtempSync(join(tmpdir(), "corekube-mark-")), "mark.json");
    writeFileSync(file, '{"pid": 1');
    assert.equal(readMark(file), undefined);
    writeFileSync(file, '{"pid": 1}');
    assert.equal(readMark(file), undefined);
  });
});

describe("polling", () => {
  it("repeats the attempt while it throws or returns false", async () => {
    const answers: (() => string | false)[] = [
      () => {
        throw new Error("not yet");
      },
      () => false,
      () => "value",
    ];
    assert.equal(await until("it", { timeout: 5_000, pause: 1 }, () => answers.shift()!()), "value");
    assert.equal(answers.length, 0);
  });

  it("takes an attempt that returns nothing as success", () => until("it", { timeout: 0 }, () => undefined));

  it("fails with the last error after its timeout", () =>
    assert.rejects(
      until("the API answers", { timeout: 20, pause: 1 }, () => Promise.reject(new Error("refused"))),
      /^Error: the API answers: not within 0.02 s; last error: refused$/,
    ));

  it("ends early when it is interrupted", async () => {
    const controller = new AbortController();
    const waiting = until("the API answers", { timeout: 60_000, signal: controller.signal }, () => false);
    controller.abort();
    await assert.rejects(waiting, /the API answers: interrupted/);
  });
});

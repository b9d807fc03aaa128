import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAlive, markOf } from "../../../lab/process/marks.js";
import { quote } from "../../../lab/process/quote.js";
import { CommandError, run, tryRun } from "../../../lab/process/run.js";
import { until } from "../../../lab/process/until.js";

/** Polls until the file holds a process id. */
const pidIn = (file: string): Promise<number> =>
  until(file, { timeout: 15_000, pause: 20 }, () => Number(readFileSync(file, "utf8")) || false);

const ended = (pid: number): Promise<unknown> =>
  until(`process ${pid} ends`, { timeout: 5_000, pause: 20 }, () => markOf(pid) === undefined);

describe("running a command", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-run-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  it("returns its output and exit code", async () => {
    const result = await tryRun(["sh", "-c", "cat; echo problem >&2; exit 3"], { input: "given" });
    assert.deepEqual(result, { code: 3, stdout: "given", stderr: "problem\n" });
  });

  it("passes on the given environment only", async () => {
    assert.equal(await run(["/usr/bin/env"], { env: { ONLY: "this" } }), "ONLY=this\n");
  });

  it("reports each line of both outputs", async () => {
    const lines: string[] = [];
    const script = "echo one; sleep 0.1; echo two >&2; sleep 0.1; printf three";
    const result = await tryRun(["sh", "-c", script], { onLine: (line, from) => lines.push(`${from}: ${line}`) });
    assert.deepEqual(lines, ["stdout: one", "stderr: two", "stdout: three"]);
    assert.equal(result.stdout, "one\nthree");
  });

  it("ignores that the command does not read its input", async () => {
    assert.equal((await tryRun(["true"], { input: "x".repeat(1_000_000) })).code, 0);
  });

  it("puts the last 20 lines of the output into the error", () =>
    assert.rejects(run(["sh", "-c", "seq 1 30 >&2; exit 1"]), (error: Error) => {
      assert.ok(error instanceof CommandError);
      assert.match(error.message, /^sh -c .*: exit code 1\n11\n/);
      assert.match(error.message, /\n30$/);
      return true;
    }));

  it("names a command that cannot be started", () =>
    assert.rejects(run(["no-such-command"]), /no-such-command: cannot be started: .*ENOENT/));

  it("names the signal that ended the command by its exit code", async () => {
    assert.equal((await tryRun(["sh", "-c", "kill -TERM $$"])).code, 128 + 15);
  });

  it("kills the command and its children at its timeout", async () => {
    const result = await tryRun(["sh", "-c", "sleep 60 & wait"], { timeout: 200 });
    assert.equal(result.code, 124);
    assert.match(result.stderr, /killed after 0.2 s/);
  });

  it("does not start when the signal is aborted already", () =>
    assert.rejects(run(["true"], { signal: AbortSignal.abort(new Error("not now")) }), /not now/));

  it("ends the command and its children when the signal is aborted", async () => {
    const file = join(folder, "child");
    const controller = new AbortController();
    const running = run(["sh", "-c", `sleep 60 & echo $! > ${file}; wait`], { signal: controller.signal });
    const child = await pidIn(file);
    assert.ok(isAlive(markOf(child)));
    controller.abort(new Error("enough"));
    await assert.rejects(running, /enough/);
    await ended(child);
  });
});

describe("a command that is interrupted", () => {
  /** A process that watches for interrupts and runs a command, which counts its SIGINTs, has a child and ends on the third. */
  const program = (folder: string): string => `
    const { watchInterrupts } = require(${JSON.stringify(require.resolve("../../../lab/process/interrupts.js"))});
    const { tryRun } = require(${JSON.stringify(require.resolve("../../../lab/process/run.js"))});
    watchInterrupts();
    tryRun(["bash", "-c", ${JSON.stringify(
      `trap 'echo interrupt >> ${folder}/interrupts' INT; sleep 60 & echo $! > ${folder}/child; while :; do wait; done`,
    )}]).then((result) => process.exit(result.code));
  `;
  it("gets SIGINT once, and is killed with its children by the second interrupt", async () => {
    const folder = mkdtempSync(join(tmpdir(), "corekube-interrupt-"));
    const outer = spawn(process.execPath, ["--import", "tsx", "-e", program(folder)], { stdio: "ignore" });
    try {
      const exit = new Promise<number | null>((resolve) => outer.once("exit", resolve));
      const child = await pidIn(join(folder, "child"));
      outer.kill("SIGINT");
      await until("SIGINT", { timeout: 5_000, pause: 20 }, () => readFileSync(join(folder, "interrupts"), "utf8"));
      await sleep(300);
      assert.equal(readFileSync(join(folder, "interrupts"), "utf8"), "interrupt\n");
      assert.ok(isAlive(markOf(child)), "the child must live until the second interrupt");
      outer.kill("SIGINT");
      assert.equal(await exit, 128 + 9);
      await ended(child);
    } finally {
      outer.kill("SIGKILL");
      rmSync(folder, { recursive: true });
    }
  });
});

describe("quoting for a shell", () => {
  it("keeps every character", async () => {
    const text = `it's "$HOME" \`x\` \\ *\n`;
    assert.equal(await run(["sh", "-c", `printf %s ${quote(text)}`]), text);
  });
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { labConfig } from "../../lab/config.js";
import { binDirectory } from "../../lab/toolchain/index.js";
import { withLock } from "../../lab/toolchain/lock.js";
import { ensureFolder } from "../../lab/toolchain/store.js";

const quiet = { report: () => undefined };

describe("lab toolchain: cache", () => {
  let directory: string;
  let folder: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "corekube-files-"));
    folder = join(directory, "tools", "thing-1.0");
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const left = (): string[] => readdirSync(join(directory, "tools"));

  it("keeps a finished folder and makes it once", async () => {
    let made = 0;
    const fill = async (partial: string): Promise<void> => {
      made += 1;
      await sleep(20);
      writeFileSync(join(partial, "tool"), "content");
    };
    await Promise.all([
      ensureFolder(folder, quiet, fill),
      ensureFolder(folder, quiet, fill),
      ensureFolder(folder, quiet, fill),
    ]);
    await ensureFolder(folder, quiet, fill);
    assert.equal(made, 1);
    assert.deepEqual(left(), ["thing-1.0"]);
  });

  it("leaves nothing of a failed attempt", async () => {
    await assert.rejects(
      ensureFolder(folder, quiet, async (partial) => {
        writeFileSync(join(partial, "tool"), "half");
        throw new Error("broken");
      }),
      /broken/,
    );
    assert.deepEqual(left(), []);
  });

  it("leaves nothing of an interrupted attempt whose last step succeeded", async () => {
    const stop = new AbortController();
    await assert.rejects(
      ensureFolder(folder, { ...quiet, signal: stop.signal }, async (partial) => {
        writeFileSync(join(partial, "tool"), "perhaps incomplete");
        stop.abort(new Error("interrupted"));
      }),
      /interrupted/,
    );
    assert.deepEqual(left(), []);
  });

  it("discards what a killed run left", async () => {
    mkdirSync(`${folder}.partial`, { recursive: true });
    writeFileSync(join(`${folder}.partial`, "rest"), "");
    writeFileSync(`${folder}.lock`, await markOfEndedProcess());
    writeFileSync(`${folder}.lock.claim-of-one-that-waited`, await markOfEndedProcess());
    await ensureFolder(folder, quiet, async (partial) => writeFileSync(join(partial, "tool"), ""));
    assert.deepEqual(readdirSync(folder), ["tool"]);
    assert.deepEqual(left(), ["thing-1.0"]);
  });

  it("waits for a running process and names it", async () => {
    const file = join(directory, "lock");
    const lines: string[] = [];
    let holding = true;
    let release: () => void = () => undefined;
    const first = withLock(
      file,
      quiet,
      () =>
        new Promise<void>((resolve) => {
          release = () => {
            holding = false;
            resolve();
          };
        }),
    );
    await sleep(20);
    const second = withLock(file, { report: (line) => lines.push(line) }, async () => assert.equal(holding, false));
    await sleep(50);
    release();
    await Promise.all([first, second]);
    assert.match(lines.join("\n"), /waiting for another part of this run/);
    assert.deepEqual(readdirSync(directory), []);
  });

  it("leaves another run's lock alone when it is interrupted while waiting", async () => {
    const file = join(directory, "lock");
    const stop = new AbortController();
    await withLock(file, quiet, async () => {
      const waiting = withLock(file, { ...quiet, signal: stop.signal }, async () =>
        assert.fail("took a lock that is held"),
      );
      setTimeout(() => stop.abort(new Error("interrupted")), 30);
      await assert.rejects(waiting);
      assert.ok(existsSync(file));
    });
  });

  it("lets exactly one of several runs take over a dead run's lock", async () => {
    const file = join(directory, "lock");
    writeFileSync(file, await markOfEndedProcess());
    let inside = 0;
    const task = async (): Promise<void> => {
      inside += 1;
      assert.equal(inside, 1, "two runs hold the lock");
      await sleep(5);
      inside -= 1;
    };
    await Promise.all([withLock(file, quiet, task), withLock(file, quiet, task), withLock(file, quiet, task)]);
  });

  it("removes from the folder for the PATH what another checkout put there: the engine would start its plugins", () => {
    const bin = join(directory, "bin");
    mkdirSync(bin);
    for (const name of ["pulumi-resource-tls", "pulumi-language-nodejs"]) symlinkSync("/elsewhere", join(bin, name));
    for (const name of ["pulumi", `kubectl.${process.pid}`]) writeFileSync(join(bin, name), "");
    assert.equal(binDirectory(labConfig({ COREKUBE_CACHE: directory })), bin);
    assert.deepEqual(readdirSync(bin).sort(), [`kubectl.${process.pid}`, "pulumi"]);
  });
});

/** Content of a lock of a process that has ended. */
async function markOfEndedProcess(): Promise<string> {
  const child = spawn("true");
  const pid = child.pid!;
  await new Promise((resolve) => child.on("close", resolve));
  return JSON.stringify({
    pid,
    startTime: "1",
    bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
  });
}

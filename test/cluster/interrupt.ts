/**
 * Interrupts `make up` at different moments and runs it again; the last run must end with a checked cluster in which every
 * machine exists once. Not part of `make test`, since it boots the cluster in pieces: `make test-interrupt`.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createInterface } from "node:readline";
import { commandLines } from "../../lab/checks/secrets.js";
import { labCloud } from "../../lab/cluster/cloud.js";
import { down } from "../../lab/commands/down.js";
import { run } from "../../lab/process/run.js";
import { labConfig, projectDirectory } from "../../lab/config.js";
import { plainProgress } from "../../lab/progress.js";
import { ensureTools, toolPath } from "../../lab/toolchain/index.js";

process.env["COREKUBE_LAB"] = process.env["COREKUBE_TEST_LAB"] ?? "test";

interface Moment {
  readonly name: string;
  /** The line of output at which the run is interrupted. */
  readonly at: RegExp;
  /** SIGINT as a terminal sends it to the whole group, or SIGKILL to every process of the run. */
  readonly signal: "SIGINT" | "SIGKILL";
  readonly env?: NodeJS.ProcessEnv;
}

/** A process with all its descendants, also those in process groups of their own. */
async function family(pid: number): Promise<number[]> {
  const lines = (await run(["ps", "-e", "-o", "pid=,ppid="]))
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found = [pid];
  for (const parent of found) found.push(...lines.filter(([, ppid]) => ppid === parent).map(([child = 0]) => child));
  return found;
}

/** Runs `make up`; resolves with its exit code, or null when it was killed. */
function makeUp(moment?: Moment): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn("make", ["--no-print-directory", "up"], {
      cwd: projectDirectory,
      env: { ...process.env, CI: "true", ...moment?.env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let done = false;
    const take = (line: string): void => {
      process.stdout.write(`    ${line}\n`);
      if (!moment || done || !moment.at.test(line)) return;
      done = true;
      process.stdout.write(`>>> ${moment.signal} (${moment.name})\n`);
      if (moment.signal === "SIGINT") process.kill(-(child.pid ?? 0), "SIGINT");
      else void family(child.pid ?? 0).then((pids) => pids.forEach((pid) => process.kill(pid, "SIGKILL")), reject);
    };
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on("line", take);
    child.on("error", reject);
    child.on("close", (code) => {
      if (moment && !done)
        reject(new Error(`${moment.name}: the run ended with ${code} before ${moment.at.source} appeared`));
      else resolve(code);
    });
  });
}

async function interrupted(moment: Moment): Promise<void> {
  const code = await makeUp(moment);
  if (moment.signal === "SIGINT") assert.notEqual(code, 0, `${moment.name}: an interrupted run must not exit with 0`);
}

async function main(): Promise<void> {
  const config = labConfig();
  await down(config, { cache: false });

  const cache = mkdtempSync(join(tmpdir(), "corekube-interrupt-"));
  try {
    await interrupted({
      name: "during builds",
      at: /tools: .*(build|Go module)/,
      signal: "SIGINT",
      env: { COREKUBE_CACHE: cache },
    });
    await sleep(1000);
    const left = commandLines().filter(({ text }) => text.includes(cache));
    assert.deepEqual(left, [], "builds continue after the interrupt");
    // The interrupted cache must serve the next run; one cheap tool is enough to show it.
    const again = { ...config, cache };
    await ensureTools(again, ["flannel"], plainProgress());
    await run([toolPath(again, "flannel")], { env: { ...process.env, CNI_COMMAND: "VERSION" }, input: "{}" });
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }

  await interrupted({
    name: "while machines are made",
    at: /creating .*-etcd-0 \(Droplet\)|etcd-0 \(Droplet\) created/,
    signal: "SIGINT",
  });
  await interrupted({ name: "while machines boot, killed", at: /creating .*\((Delivery|Join)\)/, signal: "SIGKILL" });
  await interrupted({
    name: "while add-ons are applied",
    at: /cluster: .*(DaemonSet|Deployment|ConfigMap|ClusterRole)/,
    signal: "SIGINT",
  });
  assert.equal(await makeUp(), 0, "the last run completes");

  const names = (await labCloud(config).list("machines")).map((droplet) => droplet.name).sort();
  assert.deepEqual(names, [...new Set(names)], "every machine exists once");
  assert.equal(names.length, 4);
  assert.equal(await makeUp(), 0, "and once more");
  await down(config, { cache: false });
}

main().then(
  () => {
    process.stdout.write("1 passed, 0 failed\n");
    process.exit();
  },
  (error: unknown) => {
    process.stdout.write(
      `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n0 passed, 1 failed\n`,
    );
    process.exit(1);
  },
);

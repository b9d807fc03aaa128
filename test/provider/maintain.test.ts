/** The maintenance script of etcd members, on real etcds. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { maintainScript } from "../../components/nodeconfig/scripts/maintain.js";
import { freePort } from "../../lab/process/freePort.js";
import { tool } from "../support/tools.js";
import { START_TIMEOUT } from "./support/api.js";
import { eventually } from "./support/operation.js";
import { killAtExit } from "./support/processes.js";

const megabyte = 2 ** 20;

describe("maintenance of etcd", function () {
  this.timeout(120_000);
  let folder: string;
  let etcd: string;
  let etcdctl: string;
  let ports: { client: number; peer: number }[];
  const members: (ChildProcess | undefined)[] = [];

  before(async function () {
    this.timeout(START_TIMEOUT);
    etcd = await tool("etcd");
    etcdctl = await tool("etcdctl");
  });
  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "corekube-maintain-"));
    ports = [
      { client: await freePort(), peer: await freePort() },
      { client: await freePort(), peer: await freePort() },
      { client: await freePort(), peer: await freePort() },
    ];
    mkdirSync(path.join(folder, "opt/bin"), { recursive: true });
    // The script's own arguments, but for those of TLS and the address.
    writeFileSync(
      path.join(folder, "opt/bin/etcdctl"),
      `#!/bin/bash\nshift 12\nexec ${etcdctl} --endpoints "$ENDPOINT" --command-timeout 10s "$@"\n`,
      { mode: 0o755 },
    );
  });
  afterEach(async () => {
    for (const index of members.keys()) await stop(index);
    rmSync(folder, { recursive: true, force: true });
  });

  const client = (index: number): string => `http://127.0.0.1:${ports[index]!.client}`;
  const peer = (index: number): string => `http://127.0.0.1:${ports[index]!.peer}`;

  function start(index: number, count: number, quota: number): void {
    const all = Array.from({ length: count }, (_, other) => `m${other}=${peer(other)}`).join(",");
    const child = spawn(
      etcd,
      [
        `--name=m${index}`,
        `--data-dir=${path.join(folder, `m${index}`)}`,
        ...[`--listen-client-urls=${client(index)}`, `--advertise-client-urls=${client(index)}`],
        ...[`--listen-peer-urls=${peer(index)}`, `--initial-advertise-peer-urls=${peer(index)}`],
        ...[`--initial-cluster=${all}`, "--unsafe-no-fsync", "--log-level=error"],
      ],
      { stdio: "ignore", env: { ETCD_QUOTA_BACKEND_BYTES: String(quota) } },
    );
    killAtExit(child);
    members[index] = child;
  }
  async function stop(index: number): Promise<void> {
    const process = members[index];
    members[index] = undefined;
    if (process === undefined || process.exitCode !== null) return;
    process.kill("SIGKILL");
    await once(process, "exit");
  }
  const ctl = (...args: string[]) =>
    spawnSync(etcdctl, ["--endpoints", client(0), "--command-timeout", "10s", ...args], { encoding: "utf8" });
  const put = (key: string, bytes = megabyte) =>
    spawnSync(etcdctl, ["--endpoints", client(0), "put", key], { input: "x".repeat(bytes), encoding: "utf8" });
  /** Runs the script as member `index`, without the wait for its turn. */
  const maintain = (index: number): string => {
    const file = path.join(folder, "maintain");
    writeFileSync(file, maintainScript().contents.replaceAll("/opt/bin/", `${folder}/opt/bin/`), { mode: 0o755 });
    const { status, stdout, stderr } = spawnSync(file, {
      env: { PATH: process.env["PATH"], HOSTNAME: "kubernetes-etcd-0", ENDPOINT: client(index) },
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout + stderr);
    return stdout;
  };
  const serving = (): Promise<void> => eventually(() => put("serving").status === 0);
  function fill(): void {
    for (let index = 0; index < 60 && put("same").status === 0; index++);
    assert.match(ctl("alarm", "list").stdout, /NOSPACE/);
    assert.match(put("another").stderr, /database space exceeded/);
  }
  const size = (index: number): number =>
    Number(
      /"dbSize":(\d+)/.exec(ctl("--endpoints", client(index), "endpoint", "status", "--write-out", "json").stdout)?.[1],
    );

  it("does nothing where nothing is to be done", async () => {
    start(0, 1, 64 * megabyte);
    await serving();
    assert.equal(maintain(0), "");
  });

  it("leads a member out of a database that is full of old revisions", async () => {
    start(0, 1, 32 * megabyte);
    await serving();
    fill();
    const before = size(0);
    assert.match(maintain(0), /defragmenting: [\s\S]*the alarm is disarmed/);
    assert.ok(size(0) < before / 2, `${before} -> ${size(0)}`);
    assert.equal(put("another").status, 0);
    assert.equal(ctl("get", "same", "--count-only", "--write-out", "fields").status, 0);
  });

  it("disarms the alarm when the last of three members has a larger quota, and not before", async () => {
    for (const index of [0, 1, 2]) start(index, 3, 32 * megabyte);
    await serving();
    // All of it is in use: only a larger quota makes room.
    for (let index = 0; index < 200 && put(`key-${index}`, megabyte / 4).status === 0; index++);
    assert.match(ctl("alarm", "list").stdout, /NOSPACE/);
    for (const index of [0, 1, 2]) {
      await stop(index);
      start(index, 3, 128 * megabyte);
      await eventually(() => ctl("endpoint", "status", "--cluster").status === 0);
      const said = maintain(index);
      if (index < 2) assert.doesNotMatch(said, /disarmed/);
      else assert.match(said, /^every member has room: the alarm is disarmed/);
    }
    assert.equal(put("another").status, 0);
  });

  it("does nothing while a member does not answer", async () => {
    for (const index of [0, 1, 2]) start(index, 3, 32 * megabyte);
    await serving();
    fill();
    await stop(2);
    assert.match(maintain(0), /not every member answers; nothing is done/);
    assert.match(ctl("alarm", "list").stdout, /NOSPACE/);
  });
});

/** The region's daemon: serves the cloud's API, and may come and go while the machines stay. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type LabConfig, labConfig } from "../../../lab/config.js";
import { daemonStatus, startDaemon, stopDaemon } from "../../../lab/daemon-control.js";
import { daemonFiles } from "../../../lab/daemon-files.js";
import { ensureBase } from "../../../lab/region/base.js";
import { initOf } from "../../../lab/region/nspawn.js";
import { createRegion, removeRegion } from "../../../lab/region/region.js";
import { tryRun, run } from "../../../lab/process/run.js";
import { inNamespace } from "../../../lab/region/run.js";
import { ensureTools } from "../../../lab/toolchain/index.js";
import { quiet, traces } from "./support/region.js";

interface Droplet {
  readonly id: number;
  readonly status: string;
  readonly networks: { readonly v4: readonly { readonly type: string; readonly ip_address: string }[] };
}

describe("the lab's daemon", function () {
  this.timeout(120_000);
  let untouched: string;
  let folder: string;
  let config: LabConfig;

  before(async function () {
    this.timeout(900_000);
    untouched = await traces();
    folder = mkdtempSync(join(tmpdir(), "corekube-machines-"));
    config = labConfig({ ...process.env, COREKUBE_LAB: "test", COREKUBE_LAB_DIR: join(folder, "region") });
    await ensureBase(config, quiet);
    await ensureTools(config, ["registry", "ignition-apply"], quiet);
  });

  after(async () => {
    await stopDaemon(config);
    await removeRegion(config);
    rmSync(folder, { recursive: true, force: true });
    assert.equal(await traces(), untouched, "the region left something behind");
  });

  const api = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const response = await fetch(`${config.apiUrl}/v2/${path}`, {
      method,
      headers: { authorization: `Bearer ${config.token}`, "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  };

  const until = async <T>(what: string, probe: () => Promise<T | undefined>): Promise<T> => {
    const end = Date.now() + 30_000;
    for (;;) {
      const value = await probe();
      if (value !== undefined) return value;
      assert.ok(Date.now() < end, `${what} after 30 s; ${readFileSync(daemonFiles(config).log, "utf8").slice(-2000)}`);
      await sleep(100);
    }
  };

  it("reports why it does not start, with the end of its log", async () => {
    await createRegion(config, quiet);
    const server = tryRun(
      inNamespace(config.namespace, [
        process.execPath,
        "-e",
        `require("node:net").createServer().listen(8080, "${config.gateway}"); setTimeout(() => process.exit(), 60000)`,
      ]),
      { timeout: 70_000 },
    );
    await sleep(500);
    await assert.rejects(
      startDaemon(config, quiet),
      (error: Error) => /daemon: ended while it started/.test(error.message) && /EADDRINUSE/.test(error.message),
    );
    assert.deepEqual(daemonStatus(config), { state: "stopped" });
    for (const pid of (await run(["ip", "netns", "pids", config.namespace])).split("\n").filter(Boolean))
      process.kill(Number(pid));
    await server;
  });

  it("boots a droplet that was created through the API, and keeps it while the daemon restarts or crashes", async () => {
    await startDaemon(config, quiet);
    const first = daemonStatus(config);
    await startDaemon(config, quiet);
    assert.deepEqual(daemonStatus(config), first, "a second start changes nothing");
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(folder, "key")]);
    const key = (
      await api("POST", "account/keys", {
        name: "test",
        public_key: readFileSync(join(folder, "key.pub"), "utf8").trim(),
      })
    )["ssh_key"] as { id: number };
    const start = Date.now();
    const made = (
      await api("POST", "droplets", {
        name: "one",
        region: "fra1",
        size: "s-1vcpu-1gb",
        image: "debian-12-x64",
        ssh_keys: [key.id],
      })
    )["droplet"] as Droplet;
    const droplet = await until("the droplet is not active", async () => {
      const current = (await api("GET", `droplets/${made.id}`))["droplet"] as Droplet;
      return current.status === "active" ? current : undefined;
    });
    const address = droplet.networks.v4.find((network) => network.type === "public")!.ip_address;
    const ssh = [
      "StrictHostKeyChecking=no",
      `UserKnownHostsFile=${folder}/hosts`,
      "ConnectTimeout=2",
      "LogLevel=ERROR",
      "BatchMode=yes",
    ].flatMap((option) => ["-o", option]);
    const reach = async (): Promise<true | undefined> =>
      (await tryRun(["ssh", "-F", "none", "-i", join(folder, "key"), ...ssh, `core@${address}`, "hostname"])).stdout ===
      "one\n"
        ? true
        : undefined;
    await until("no SSH", reach);
    process.stdout.write(`      from the request to SSH: ${Date.now() - start} ms\n`);
    const pid = initOf(config, droplet.id)?.pid;

    await stopDaemon(config);
    assert.deepEqual(daemonStatus(config), { state: "stopped" });
    assert.equal(await reach(), true);
    await startDaemon(config, quiet);
    assert.equal(initOf(config, droplet.id)?.pid, pid);

    const status = daemonStatus(config);
    assert.ok(status.state === "serving");
    process.kill(status.pid, "SIGKILL");
    await until("it does not end", async () => (daemonStatus(config).state === "stopped" ? true : undefined));
    await startDaemon(config, quiet);
    assert.equal(initOf(config, droplet.id)?.pid, pid);
    assert.equal(((await api("GET", `droplets/${droplet.id}`))["droplet"] as Droplet).status, "active");

    await api("DELETE", `droplets/${droplet.id}`);
    await until("the machine is still there", async () =>
      initOf(config, droplet.id) === undefined ? true : undefined,
    );
  });

  it("logs JSON lines for its owner only, without the token", () => {
    const { log } = daemonFiles(config);
    const text = readFileSync(log, "utf8");
    for (const line of text.trim().split("\n")) assert.ok("message" in (JSON.parse(line) as object), line);
    assert.doesNotMatch(text, new RegExp(config.token));
    assert.equal(statSync(log).mode & 0o077, 0);
  });

  it("leaves a region of another folder alone", async () => {
    const other = labConfig({ ...process.env, COREKUBE_LAB: "test", COREKUBE_LAB_DIR: join(folder, "other") });
    for (const action of [
      () => createRegion(other, quiet),
      () => removeRegion(other),
      () => startDaemon(other, quiet),
    ]) {
      await assert.rejects(
        action,
        (error: Error) =>
          error.message.includes(`belongs to ${config.directory}`) && error.message.includes("COREKUBE_LAB_DIR="),
      );
    }
    assert.equal(daemonStatus(config).state, "serving");
  });

  it("is removed with its machines from names alone, with its files lost", async () => {
    await api("POST", "droplets", { name: "two", region: "fra1", size: "s-1vcpu-1gb", image: "debian-12-x64" });
    await until("the machine does not start", async () => (/corekube-test-/.test(await traces()) ? true : undefined));
    writeFileSync(daemonFiles(config).process, "cut off");
    await removeRegion(config);
    await removeRegion(config);
    assert.equal(await traces(), untouched);
    assert.deepEqual(daemonStatus(config), { state: "stopped" });
  });
});

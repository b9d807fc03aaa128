/** The scripts on the real program and the lab's API, with a driver that creates no machines. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSettings } from "../../lab/engine/settings.js";
import { childEnvironment, ensureStack } from "../../lab/engine/stack.js";
import { labConfig, type LabConfig } from "../../lab/config.js";
import { createApi, type Api } from "../../lab/clouds/digitalocean/api.js";
import { ensureTools } from "../../lab/toolchain/index.js";
import { FakeDriver } from "../support/fakeDriver.js";
import { script, type ScriptRun } from "./support/run.js";

const stack = "ci";

describe("ci: scripts on the lab's API", function () {
  this.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), "corekube-ci-"));
  const driver = new FakeDriver();
  let config: LabConfig;
  let api: Api;
  let settings: Record<string, unknown>;
  const run = (name: string, args: string[] = [], env: Record<string, string | undefined> = {}): Promise<ScriptRun> =>
    script(name, ["--stack", stack, ...args], {
      ...(childEnvironment(config, stack) as Record<string, string>),
      ...env,
    });
  const out = ["--out", join(folder, "out")];
  /** What the driver was asked to create; it reconciles once at the start. */
  const made = (): string[] => driver.names().filter((name) => name !== "reconcile");

  before(async () => {
    config = labConfig({ ...process.env, COREKUBE_LAB: "test", COREKUBE_LAB_DIR: join(folder, "lab") });
    mkdirSync(config.directory, { recursive: true });
    const quiet = { report: () => undefined };
    await ensureTools(config, ["pulumi"], quiet);
    api = await createApi({
      driver,
      stateFile: join(folder, "api.json"),
      config,
      logger: { info: () => undefined, error: () => undefined },
    });
    await api.app.listen({ host: "127.0.0.1", port: 0 });
    settings = {
      "digitalocean:apiEndpoint": `http://127.0.0.1:${(api.app.server.address() as AddressInfo).port}`,
      "corekube:mirrors": {},
      "corekube:deletion_protection": true,
    };
    writeSettings(config, stack, settings);
    await ensureStack(config, stack, quiet);
  });
  after(async () => {
    await api.app.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("ci/preview: what a new cluster would be, by component, in both files, without secrets", async () => {
    const preview = await run("preview", out);
    assert.equal(preview.code, 0, preview.output);
    const summary = readFileSync(join(folder, "out", "preview.md"), "utf8");
    for (const component of ["etcd", "controllers", "workers", "pki", "digitalocean"])
      assert.match(summary, new RegExp(`<b>${component}</b>: \\d+ created`));
    assert.match(summary, /`\+` kubernetes-worker-1 \(digitalocean:Droplet\)/);
    assert.match(summary, /Costs: not neutral/);
    assert.doesNotMatch(summary + readFileSync(join(folder, "out", "preview.json"), "utf8"), /PRIVATE KEY/);
    assert.ok(!summary.includes(config.token));
    assert.deepEqual(made(), []);
  });

  it("ci/up refuses what was not previewed, and touches nothing", async () => {
    writeSettings(config, stack, { ...settings, "corekube:node_count": 3 });
    const up = await run("up", ["--preview", join(folder, "out", "preview.json")]);
    writeSettings(config, stack, settings);
    assert.equal(up.code, 3, up.output);
    assert.match(up.output, /create .*kubernetes-worker-2: was not in the preview/);
    assert.deepEqual(made(), []);
  });

  it("a wrong setting fails the preview, and the summary names it", async () => {
    writeSettings(config, stack, { ...settings, "corekube:node_count": 0 });
    const preview = await run("preview", out);
    writeSettings(config, stack, settings);
    assert.equal(preview.code, 1, preview.output);
    assert.match(readFileSync(join(folder, "out", "preview.md"), "utf8"), /failed[\s\S]*node_count/);
    const up = await run("up", ["--preview", join(folder, "out", "preview.json")]);
    assert.match(up.output, /this preview failed and cannot be applied/);
  });

  it("a stack that is not there is named, with what to do", async () => {
    const drift = await run("drift", ["--stack", "other", ...out]);
    assert.equal(drift.code, 1, drift.output);
    assert.match(drift.output, /What to do: check PULUMI_STACK and PULUMI_BACKEND_URL/);
  });
});

/** A machine's configuration: brought over SSH, applied by the machine itself, and what the next run knows of it. */
import assert from "node:assert/strict";
import { readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { merge, type NodeConfig } from "../../components/nodeconfig/base/types.js";
import { complete, configurationOf } from "../../components/nodeconfig/configuration.js";
import { rolloutPlan } from "../../components/rollout/provider/rolloutPlan.js";
import { Delivery } from "../../provider/resources/delivery.js";
import type { Properties } from "../../provider/rpc/properties.js";
import { machineScript, writeConfiguration } from "../unit/support/configuredMachine.js";
import { checked, incomplete, operation } from "./support/operation.js";
import { waitOnly } from "./support/limits.js";
import { FakeMachine } from "./support/sshd.js";

const sysctls = "/etc/sysctl.d/90-corekube.conf";

const configuration = (value: string, health = "true"): NodeConfig =>
  complete(
    merge({
      directories: [{ path: "/etc/corekube", mode: 0o755 }],
      files: [
        machineScript("health", health),
        machineScript("install", "true"),
        machineScript("report", "echo nothing"),
        { path: sysctls, mode: 0o644, contents: `a = ${value}\n` },
      ],
      units: [{ name: "kubelet.service", contents: "[Service]\n" }],
    }),
  );
const digestOf = (config: NodeConfig): string => configurationOf(config).digest;

describe("the configuration of a machine", function () {
  this.timeout(60_000);
  waitOnly({ read: 3 });
  const delivery = new Delivery();
  const first = configuration("1");
  const second = configuration("2");
  let machine: FakeMachine;

  beforeEach(async () => {
    machine = new FakeMachine();
    machine.write("mounted", "");
    rmSync(machine.path("opt/corekube"), { recursive: true });
    writeConfiguration(machine.root, first, digestOf(first), true);
    await machine.start();
  });
  afterEach(() => {
    rolloutPlan.begin({ machines: [] });
    return machine.remove();
  });

  const inputs = (config: NodeConfig): Properties =>
    checked(delivery, {
      machine: "lab-controller-0",
      machineId: "1",
      host: "127.0.0.1",
      port: machine.port,
      user: "root",
      privateKey: machine.privateKey,
      files: { "cluster.env": "A=1\n" },
      configuration: digestOf(config),
      timeout: 20,
    });
  const planned = (...configs: readonly NodeConfig[]): void =>
    rolloutPlan.begin({ machines: [], configurations: configs.map((config) => configurationOf(config)) });
  const created = async () => (await delivery.create(operation(), inputs(first))).outputs;
  const current = (): string =>
    readFileSync(`${machine.root}${readlinkSync(machine.path("etc/corekube/current"))}${sysctls}`, "utf8");

  it("stays as the machine was made with it, and is recorded", async () => {
    assert.equal((await created())["configuration"], digestOf(first));
    assert.ok(!machine.asked.some((call) => call.includes("corekube-change")), machine.asked.join("\n"));
  });

  it("is another one after a change, without another delivery of secrets being the reason", async () => {
    planned(second);
    const state = { inputs: inputs(first), outputs: await created() };
    const { changes } = delivery.diff(state, inputs(second));
    assert.deepEqual(
      changes.map(({ path }) => path),
      ["configuration"],
    );
    assert.equal(delivery.preview(state, inputs(second))["configuration"], digestOf(second));
    const outputs = await delivery.update(operation(), state, inputs(second));
    assert.equal(outputs["configuration"], digestOf(second));
    assert.equal(current(), "a = 2\n");
  });

  it("is brought to a machine of an interrupted run that was made with an earlier one", async () => {
    planned(second);
    const { outputs } = await delivery.create(operation(), inputs(second));
    assert.equal(outputs["configuration"], digestOf(second));
  });

  it("is the one before when the machine does not serve with it; the error says so, and the next run tries again", async () => {
    const broken = configuration("3", "[ -e /run/healthy ] || { echo 'kubelet is not ready'; exit 1; }");
    planned(broken, second);
    const state = { inputs: inputs(first), outputs: await created() };
    // The machine's own time limit passes at once.
    machine.script("bin/sleep", "#!/bin/bash\nexec /bin/sleep 0.01\n");
    const { message, outputs } = await incomplete(delivery.update(operation(), state, inputs(broken)));
    assert.match(
      message,
      /it did not serve with the new configuration: kubelet is not ready\. It runs with the configuration before\./,
    );
    assert.equal(current(), "a = 1\n");
    const next = { inputs: inputs(broken), outputs };
    assert.notDeepEqual(delivery.diff(next, inputs(broken)).changes, []);
    assert.equal((await delivery.update(operation(), next, inputs(second)))["configuration"], digestOf(second));
  });

  it("is seen by a refresh when somebody has changed it by hand, and put right by the next run", async () => {
    planned(first);
    const state = { inputs: inputs(first), outputs: await created() };
    assert.equal((await delivery.read(operation(), state))["configuration"], digestOf(first));
    rmSync(machine.path(sysctls.slice(1)));
    writeFileSync(machine.path(sysctls.slice(1)), "a = by hand\n");
    const outputs = await delivery.read(operation(), state);
    assert.equal(outputs["configuration"], "");
    assert.deepEqual(
      delivery.diff({ ...state, outputs }, inputs(first)).changes.map(({ path }) => path),
      ["configuration"],
    );
    await delivery.update(operation(), { ...state, outputs }, inputs(first));
    assert.equal(readlinkSync(machine.path(sysctls.slice(1))), `/etc/corekube/current${sysctls}`);
    assert.equal((await delivery.read(operation(), state))["configuration"], digestOf(first));
  });

  for (const [what, silent] of [
    ["is away", false],
    ["accepts connections and says nothing", true],
  ] as const)
    it(`stays as recorded, with a warning, when the machine ${what} at a refresh`, async () => {
      const state = { inputs: inputs(first), outputs: await created() };
      await machine.stop();
      const server = createServer(() => undefined);
      if (silent) await new Promise<void>((resolve) => server.listen(machine.port, "127.0.0.1", resolve));
      const asking = operation();
      // Less than a handshake may take.
      const late = setTimeout(14_000, "too late", { ref: false });
      assert.deepEqual(await Promise.race([delivery.read(asking, state), late]), state.outputs);
      assert.match(asking.warnings.join(), /^lab-controller-0: not refreshed, because .* within 3 s \(\d tries/);
      server.close();
    });
});

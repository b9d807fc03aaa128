import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { MachineSpec, VolumeSpec } from "../../../../lab/region/spec.js";
import { FakeDriver } from "../../../support/fakeDriver.js";
import { at, dropletFields, listAt, TestApi, textAt } from "./support.js";

describe("lab API: state", () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await new TestApi().start();
  });
  afterEach(() => api.stop());

  /** Machines and volumes that the driver was asked for since the last start. */
  const machines = (): MachineSpec[] => api.driver.argumentsOf<MachineSpec>("machine");
  const volumes = (): VolumeSpec[] => api.driver.argumentsOf<VolumeSpec>("volume");

  it("is on disk before an answer is sent, and replaced as a whole", async () => {
    await api.post("/v2/tags", { name: "kept" });
    assert.match(readFileSync(api.stateFile, "utf8"), /"tags":\["kept"\]/);
    assert.deepEqual(readdirSync(dirname(api.stateFile)), ["state.json"]);
  });

  it("survives a restart: every list is the same, and the driver gets all of it again", async () => {
    const vpc = await api.vpc();
    const volume = await api.volume();
    const on = await api.droplet({ vpc_uuid: vpc, tags: ["web"], user_data: "one" });
    await api.attach(volume, on);
    const off = await api.droplet({ name: "off", vpc_uuid: vpc, user_data: "one" });
    await api.post(`${off.url}/actions`, { type: "power_off" });
    await api.post("/v2/firewalls", {
      name: "guard",
      tags: ["web"],
      inbound_rules: [{ protocol: "tcp", ports: "80", sources: { addresses: ["0.0.0.0/0"] } }],
    });
    const rules = [{ entry_protocol: "tcp", entry_port: 80, target_protocol: "tcp", target_port: 80 }];
    await api.post("/v2/load_balancers", {
      name: "lb",
      region: "fra1",
      vpc_uuid: vpc,
      tag: "web",
      forwarding_rules: rules,
    });
    await api.settled();
    const lists = ["droplets", "volumes", "vpcs", "firewalls", "load_balancers", "tags", "actions"].map(
      (name) => `/v2/${name}?per_page=200`,
    );
    const before = await Promise.all(lists.map((url) => api.get(url)));

    await api.restart();
    assert.deepEqual(await Promise.all(lists.map((url) => api.get(url))), before);
    assert.deepEqual(api.driver.argumentsOf("networks"), [[{ id: vpc, cidr: "10.10.0.0/20" }]]);
    assert.deepEqual(
      machines()
        .map(({ id, power, userData }) => ({ id, power, userData }))
        .sort((a, b) => a.id - b.id),
      [
        { id: on.id, power: "on", userData: "one" },
        { id: off.id, power: "off", userData: "one" },
      ],
    );
    assert.deepEqual(
      volumes().map(({ id, machineId }) => ({ id, machineId })),
      [{ id: volume, machineId: on.id }],
    );
    assert.deepEqual(
      api.driver.firewalls.map((firewall) => firewall.machineId),
      [on.id],
    );
    assert.deepEqual(api.driver.loadBalancers[0]?.targets, [{ machineId: on.id, privateIpv4: on.private }]);
    // What is new gets new ids.
    const next = await api.droplet({ name: "next" });
    assert.ok(next.id > off.id);
  });

  it("finishes what a restart interrupted: machines that were being made are made, those that were going are gone", async () => {
    const leaving = await api.droplet({ name: "leaving" });
    const volume = await api.volume();
    await api.post(`/v2/volumes/${volume}/actions`, { type: "attach", droplet_id: leaving.id });
    await api.settled();
    api.driver.wait = (name) => (/machine/i.test(name) ? new Promise(() => undefined) : Promise.resolve());
    const made = await api.post("/v2/droplets", { ...dropletFields, name: "coming" });
    await api.delete(leaving.url);
    await new Promise((resolve) => setTimeout(resolve, 20));

    const driver = new FakeDriver();
    driver.left.machines.push(leaving.id);
    await api.restart(driver);
    assert.deepEqual(
      machines().map(({ name, power }) => [name, power]),
      [["coming", "on"]],
    );
    assert.deepEqual(driver.argumentsOf("removeMachine"), [leaving.id]);
    assert.equal(volumes().at(-1)?.machineId, null);
    assert.equal((await api.request("GET", leaving.url)).status, 404);
    assert.equal(at(await api.get(`/v2/droplets/${textAt(made, "droplet.id")}`), "droplet.status"), "active");
    for (const action of listAt(await api.get("/v2/actions"), "actions")) assert.equal(action["status"], "completed");
  });

  it("serves, and says what failed, when a machine cannot be brought back", async () => {
    const good = await api.droplet();
    api.driver.wait = (name) => (name === "machine" ? new Promise(() => undefined) : Promise.resolve());
    const made = await api.post("/v2/droplets", { ...dropletFields, name: "coming" });
    const driver = new FakeDriver();
    const id = Number(at(made, "droplet.id"));
    driver.failure = (name, spec) =>
      name === "machine" && (spec as MachineSpec).id === id ? new Error("no bridge") : undefined;
    await api.restart(driver);
    assert.deepEqual(api.errors, [`machine ${id}: no bridge`]);
    assert.equal(at(await api.get(`/v2/droplets/${id}`), "droplet.status"), "new");
    assert.equal(at(await api.get("/v2/actions"), "actions.0.status"), "errored");
    assert.equal(at(await api.get(good.url), "droplet.status"), "active");
  });

  it("removes machines and volumes of the host that no record names", async () => {
    const volume = await api.volume();
    const kept = await api.droplet();
    await api.attach(volume, kept);
    const driver = new FakeDriver();
    driver.left.machines.push(kept.id, 7);
    driver.left.volumes.push(volume, "lost");
    await api.restart(driver);
    assert.deepEqual(driver.argumentsOf("removeMachine"), [7]);
    assert.deepEqual(driver.argumentsOf("removeVolume"), ["lost"]);
  });

  it("does not bring back a machine that could not be made", async () => {
    await api.droplet({ name: "good" });
    api.driver.failure = (name) => (name === "machine" ? new Error("no space left on device") : undefined);
    await api.post("/v2/droplets", { ...dropletFields, name: "bad" });
    await api.settled();
    await api.restart();
    assert.deepEqual(
      machines().map(({ name }) => name),
      ["good"],
    );
  });

  it("is left to a successor: work that ends after closing writes nothing more", async () => {
    let release = (): void => undefined;
    api.driver.wait = (name) =>
      name === "machine" ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
    await api.post("/v2/droplets", dropletFields);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await api.api.app.close();
    const left = readFileSync(api.stateFile, "utf8");
    release();
    await api.settled();
    assert.equal(readFileSync(api.stateFile, "utf8"), left);
  });

  it("keeps user-data once for all droplets that carry it, and forgets it with the last", async () => {
    const text = "x".repeat(1000);
    const first = await api.droplet({ name: "a", user_data: text });
    const second = await api.droplet({ name: "b", user_data: text });
    const kept = (): number => readFileSync(api.stateFile, "utf8").split(text).length - 1;
    assert.equal(kept(), 1);
    await api.delete(first.url);
    await api.settled();
    assert.equal(kept(), 1);
    await api.delete(second.url);
    await api.settled();
    assert.equal(kept(), 0);
  });

  it("refuses a file of another version, and one that is damaged, without touching them", async () => {
    await api.api.app.close();
    for (const text of ['{"version":2}', '{"version":1,']) {
      writeFileSync(api.stateFile, text);
      await assert.rejects(api.start(), /version 2, this lab reads version 1|JSON/);
      assert.equal(readFileSync(api.stateFile, "utf8"), text);
    }
    assert.ok(existsSync(api.stateFile));
  });
});

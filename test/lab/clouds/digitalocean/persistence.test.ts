import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { DesiredState } from "../../../../lab/clouds/digitalocean/driver.js";
import { FakeDriver } from "../../../support/fakeDriver.js";
import { at, dropletFields, listAt, TestApi, textAt } from "./support.js";

describe("lab API: state", () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await new TestApi().start();
  });
  afterEach(() => api.stop());

  const desired = (): DesiredState => {
    const [state] = api.driver.argumentsOf<DesiredState>("reconcile");
    assert.ok(state);
    return state;
  };

  it("is on disk before an answer is sent, and replaced as a whole", async () => {
    await api.post("/v2/tags", { name: "kept" });
    assert.match(readFileSync(api.stateFile, "utf8"), /"tags":\["kept"\]/);
    assert.deepEqual(readdirSync(dirname(api.stateFile)), ["state.json"]);
  });

  it("survives a restart: every list is the same, and the driver gets all of it again", async () => {
    const vpc = await api.vpc();
    const volume = await api.volume();
    const on = await api.droplet({ vpc_uuid: vpc, tags: ["web"], volumes: [volume], user_data: "one" });
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
    const lists = ["droplets", "volumes", "vpcs", "firewalls", "load_balancers", "tags", "actions", "projects"].map(
      (name) => `/v2/${name}?per_page=200`,
    );
    const before = await Promise.all(lists.map((url) => api.get(url)));

    await api.restart();
    assert.deepEqual(await Promise.all(lists.map((url) => api.get(url))), before);
    const state = desired();
    assert.deepEqual(state.vpcs, [{ id: vpc, cidr: "10.10.0.0/20" }]);
    assert.deepEqual(
      state.droplets.map(({ id, running, userData }) => ({ id, running, userData })),
      [
        { id: on.id, running: true, userData: "one" },
        { id: off.id, running: false, userData: "one" },
      ],
    );
    assert.deepEqual(
      state.volumes.map(({ id, dropletId }) => ({ id, dropletId })),
      [{ id: volume, dropletId: on.id }],
    );
    assert.deepEqual(
      state.firewalls.map((firewall) => firewall.dropletId),
      [on.id],
    );
    assert.deepEqual(state.loadBalancers[0]?.targets, [{ dropletId: on.id, privateIpv4: on.private }]);
    // What is new gets new ids.
    const next = await api.droplet({ name: "next" });
    assert.ok(next.id > off.id);
  });

  it("finishes what a restart interrupted: machines that were being made are made, those that were going are gone", async () => {
    const leaving = await api.droplet({ name: "leaving" });
    const volume = await api.volume();
    await api.post(`/v2/volumes/${volume}/actions`, { type: "attach", droplet_id: leaving.id });
    await api.settled();
    api.driver.wait = (name) =>
      name === "deleteDroplet" || name === "createDroplet" ? new Promise(() => undefined) : Promise.resolve();
    const made = await api.post("/v2/droplets", { ...dropletFields, name: "coming" });
    await api.delete(leaving.url);
    await new Promise((resolve) => setTimeout(resolve, 20));

    await api.restart();
    assert.deepEqual(
      desired().droplets.map(({ name, running }) => [name, running]),
      [["coming", true]],
    );
    assert.equal(desired().volumes[0]?.dropletId, null);
    assert.equal((await api.request("GET", leaving.url)).status, 404);
    assert.equal(at(await api.get(`/v2/droplets/${textAt(made, "droplet.id")}`), "droplet.status"), "active");
    for (const action of listAt(await api.get("/v2/actions"), "actions")) assert.equal(action["status"], "completed");
  });

  it("serves, and says what failed, when the machines cannot be brought back", async () => {
    await api.droplet();
    api.driver.wait = (name) => (name === "createDroplet" ? new Promise(() => undefined) : Promise.resolve());
    const made = await api.post("/v2/droplets", { ...dropletFields, name: "coming" });
    const driver = new FakeDriver();
    driver.failure = (name) => (name === "reconcile" ? new Error("no bridge") : undefined);
    await api.restart(driver);
    assert.deepEqual(api.errors, ["reconcile: no bridge"]);
    const url = `/v2/droplets/${textAt(made, "droplet.id")}`;
    assert.equal(at(await api.get(url), "droplet.status"), "new");
    assert.equal(at(await api.get(`${url}/actions`), "actions.0.status"), "errored");
  });

  it("does not bring back a machine that could not be made", async () => {
    await api.droplet({ name: "good" });
    api.driver.failure = (name) => (name === "createDroplet" ? new Error("no space left on device") : undefined);
    await api.post("/v2/droplets", { ...dropletFields, name: "bad" });
    await api.settled();
    await api.restart();
    assert.deepEqual(
      desired().droplets.map((droplet) => droplet.name),
      ["good"],
    );
  });

  it("is left to a successor: work that ends after closing writes nothing more", async () => {
    let release = (): void => undefined;
    api.driver.wait = (name) =>
      name === "createDroplet" ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
    await api.post("/v2/droplets", dropletFields);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await api.api.app.close();
    const left = readFileSync(api.stateFile, "utf8");
    release();
    await api.settled();
    assert.equal(readFileSync(api.stateFile, "utf8"), left);
  });

  it("calls the driver for nothing else until it has reconciled", async () => {
    const old = await api.droplet({ name: "old", region: "nyc3" });
    let done = (): void => undefined;
    const driver = new FakeDriver();
    driver.wait = (name) => (name === "reconcile" ? new Promise((resolve) => (done = resolve)) : Promise.resolve());
    await api.api.app.close();
    api.driver = driver;
    await api.start();
    const volume = api.volume();
    await api.delete(old.url);
    await api.post("/v2/firewalls", {
      name: "guard",
      inbound_rules: [{ protocol: "tcp", ports: "80", sources: { addresses: ["0.0.0.0/0"] } }],
    });
    const rules = [{ entry_protocol: "tcp", entry_port: 80, target_protocol: "tcp", target_port: 80 }];
    const balancer = api.post("/v2/load_balancers", { name: "lb", region: "fra1", forwarding_rules: rules });
    const droplet = api.post("/v2/droplets", dropletFields);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(
      driver.calls.map((call) => call.name),
      ["reconcile"],
    );
    done();
    await Promise.all([volume, balancer, droplet]);
    await api.settled();
    assert.deepEqual(
      new Set(driver.names()),
      new Set(["reconcile", "createVolume", "createVpc", "createDroplet", "deleteDroplet"]),
    );
    assert.equal(driver.loadBalancers.length, 1);
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

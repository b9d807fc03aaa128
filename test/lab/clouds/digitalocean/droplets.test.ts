import assert from "node:assert/strict";
import { dropletByAddress } from "../../../../lab/clouds/digitalocean/metadata.js";
import type { MachineSpec } from "../../../../lab/region/spec.js";
import { at, dropletFields, listAt, publicKey, TestApi, textAt } from "./support.js";

describe("lab API: droplets", () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await new TestApi().start();
  });
  afterEach(() => api.stop());

  const status = async (url: string): Promise<unknown> => at(await api.get(url), "droplet.status");
  const action = async (url: string, body: object): Promise<unknown> => {
    const started = await api.post(`${url}/actions`, body);
    assert.equal(at(started, "action.status"), "in-progress");
    await api.settled();
    return at(await api.get(`/v2/actions/${textAt(started, "action.id")}`), "action.status");
  };

  /** What a machine's power was to be, call by call. */
  const powers = (id: number): string[] =>
    api.driver.argumentsOf<MachineSpec>("machine").flatMap((spec) => (spec.id === id ? spec.power : []));

  it("answers at once, and is active only when the machine was started", async () => {
    let started = (): void => undefined;
    api.driver.wait = (name) =>
      name === "machine" ? new Promise((resolve) => (started = resolve)) : Promise.resolve();
    const answer = await api.request("POST", "/v2/droplets", dropletFields);
    assert.equal(answer.status, 202);
    const url = `/v2/droplets/${textAt(answer.body, "droplet.id")}`;
    const link = listAt(answer.body, "links.actions")[0];
    await new Promise((resolve) => setTimeout(resolve, 20));
    const waiting = await api.get(url);
    assert.deepEqual(
      [at(waiting, "droplet.status"), at(waiting, "droplet.locked"), at(waiting, "droplet.networks.v4")],
      ["new", true, []],
    );
    assert.equal(at(await api.get(`/v2/actions/${textAt(link, "id")}`), "action.status"), "in-progress");

    started();
    await api.settled();
    const active = await api.get(url);
    assert.deepEqual([at(active, "droplet.status"), at(active, "droplet.locked")], ["active", false]);
    const done = await api.get(`/v2/actions/${textAt(link, "id")}`);
    assert.equal(at(done, "action.status"), "completed");
    assert.match(textAt(done, "action.completed_at"), /^\d{4}-.*Z$/);
  });

  it("is off once its machine has powered itself off, and can be powered on again", async () => {
    const machine = await api.droplet();
    const other = await api.droplet({ name: "second" });
    api.driver.off.add(machine.id);
    assert.equal(await status(machine.url), "off");
    assert.equal(await status(other.url), "active");
    await api.settled();
    assert.deepEqual(powers(machine.id), ["on", "off"]);
    api.driver.off.delete(machine.id);
    assert.equal(await action(machine.url, { type: "power_on" }), "completed");
    assert.equal(await status(machine.url), "active");
    assert.deepEqual(powers(machine.id), ["on", "off", "on"]);
  });

  it("tells the driver everything that the machine needs", async () => {
    await api.post("/v2/account/keys", { name: "key", public_key: publicKey });
    const vpc = await api.vpc("10.20.0.0/16");
    const machine = await api.droplet({
      name: "etcd-0",
      size: "s-2vcpu-4gb",
      vpc_uuid: vpc,
      tags: ["etcd"],
      user_data: '{"ignition":{}}',
      ssh_keys: ["0f:a2:0a:d7:38:3e:65:45:08:6b:63:84:1c:ff:dc:ba"],
    });
    const [spec] = api.driver.argumentsOf<MachineSpec>("machine");
    const shared = {
      id: machine.id,
      name: "etcd-0",
      vcpus: 2,
      memory: 4096,
      disk: 80,
      publicIpv4: "198.51.100.2",
      privateIpv4: "10.20.0.10",
      vpcId: vpc,
      vpcCidr: "10.20.0.0/16",
      macs: { public: "02:01:c6:33:64:02", private: "02:02:0a:14:00:0a" },
      userData: '{"ignition":{}}',
      sshKeys: [publicKey],
      power: "on",
    };
    assert.deepEqual(spec, shared);
    const known = { ...shared, region: "fra1", tags: ["etcd"] };
    const { state } = api.api.store;
    for (const address of ["10.20.0.10", "198.51.100.2"]) assert.deepEqual(dropletByAddress(state, address), known);
    assert.equal(dropletByAddress(state, "198.51.100.3"), undefined);
  });

  it("makes a region's default network when its first member comes", async () => {
    const networks = () => api.driver.argumentsOf<{ id: string }[]>("networks").at(-1);
    await api.settled();
    assert.deepEqual(networks(), []);
    await api.droplet();
    await api.droplet({ name: "second" });
    assert.equal(networks()?.length, 1);
  });

  it("stays new with an errored action when the machine cannot be made, and can be deleted", async () => {
    api.driver.failure = (name) => (name === "machine" ? new Error("no space left on device") : undefined);
    const made = await api.post("/v2/droplets", dropletFields);
    await api.settled();
    const url = `/v2/droplets/${textAt(made, "droplet.id")}`;
    assert.equal(await status(url), "new");
    assert.equal(at(listAt(await api.get("/v2/actions"), "actions"), "0.status"), "errored");
    assert.deepEqual(api.errors, [`machine ${textAt(made, "droplet.id")}: no space left on device`]);
    await api.delete(url);
    await api.settled();
    assert.equal((await api.request("GET", url)).status, 404);
  });

  it("runs one action at a time on a machine, and refuses a second one meanwhile", async () => {
    const machine = await api.droplet();
    let release = (): void => undefined;
    api.driver.wait = (name) =>
      name === "machine" ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
    await api.post(`${machine.url}/actions`, { type: "power_off" });
    const second = await api.request("POST", `${machine.url}/actions`, { type: "power_on" });
    assert.deepEqual([second.status, second.body["message"]], [422, "Droplet already has a pending event."]);
    const volume = await api.volume();
    const attach = await api.request("POST", `/v2/volumes/${volume}/actions`, {
      type: "attach",
      droplet_id: machine.id,
    });
    assert.equal(attach.body["message"], "Droplet already has a pending event.");
    // Deleting is taken at any time, and waits its turn.
    await api.delete(machine.url);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(api.driver.names().includes("removeMachine"), false);
    release();
    await api.settled();
    assert.equal(api.driver.names().at(-1), "removeMachine");
  });

  it("makes a new machine only when an old one of the same name is gone", async () => {
    const old = await api.droplet();
    let gone = (): void => undefined;
    api.driver.wait = (name) =>
      name === "removeMachine" ? new Promise((resolve) => (gone = resolve)) : Promise.resolve();
    await api.delete(old.url);
    assert.equal(await status(old.url), "active");
    await api.post("/v2/droplets", dropletFields);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(api.driver.argumentsOf("machine").length, 1);
    gone();
    await api.settled();
    assert.equal((await api.request("GET", old.url)).status, 404);
    assert.equal(api.driver.argumentsOf("machine").length, 2);
  });

  it("stays, unlocked, when its machine cannot be removed", async () => {
    const machine = await api.droplet();
    api.driver.failure = (name) => (name === "removeMachine" ? new Error("busy") : undefined);
    await api.delete(machine.url);
    await api.settled();
    assert.equal(at(await api.get(machine.url), "droplet.locked"), false);
    api.driver.failure = () => undefined;
    await api.delete(machine.url);
    await api.settled();
    assert.equal((await api.request("GET", machine.url)).status, 404);
  });

  it("does not give a new machine the addresses of the one that just went", async () => {
    const first = await api.droplet();
    await api.delete(first.url);
    await api.settled();
    const second = await api.droplet();
    assert.notEqual(second.public, first.public);
    assert.notEqual(second.private, first.private);
  });

  it("gives the next machine that asks the addresses of the one that just went, where the region is set to", async () => {
    await api.stop();
    api = await new TestApi({ addresses: () => "at-once" }).start();
    const [first, other] = [await api.droplet(), await api.droplet()];
    await api.delete(first.url);
    await api.settled();
    const second = await api.droplet();
    assert.deepEqual([second.public, second.private], [first.public, first.private]);
    assert.notEqual((await api.droplet()).private, other.private);
  });

  it("goes off and on", async () => {
    const machine = await api.droplet();
    assert.equal(await action(machine.url, { type: "shutdown" }), "completed");
    assert.equal(await status(machine.url), "off");
    assert.equal(await action(machine.url, { type: "power_on" }), "completed");
    assert.equal(await status(machine.url), "active");
    assert.deepEqual(powers(machine.id), ["on", "shutdown", "on"]);
  });

  it("keeps its power when the region cannot change it, and the action is errored", async () => {
    const machine = await api.droplet();
    api.driver.failure = (name, spec) =>
      name === "machine" && (spec as MachineSpec).power === "off" ? new Error("it does not end") : undefined;
    assert.equal(await action(machine.url, { type: "power_off" }), "errored");
    assert.equal(await status(machine.url), "active");
    assert.deepEqual(powers(machine.id), ["on", "off", "on"]);
  });

  it("uses a custom image when it is available, and only in its region", async () => {
    await api.stop();
    api = await new TestApi({ delays: { image: 500, loadBalancer: 5 } }).start();
    const image = at(
      await api.post("/v2/images", { name: "flatcar", url: "https://example.com/f.bz2", region: "fra1" }),
      "image.id",
    );
    const early = await api.request("POST", "/v2/droplets", { ...dropletFields, image });
    assert.match(String(early.body["message"]), /is NEW; wait until it is available/);
    while (at(await api.get(`/v2/images/${String(image)}`), "image.status") !== "available")
      await new Promise((resolve) => setTimeout(resolve, 20));
    const elsewhere = await api.request("POST", "/v2/droplets", { ...dropletFields, image, region: "nyc3" });
    assert.match(String(elsewhere.body["message"]), /is not available in region nyc3, only in fra1/);
    const { url } = await api.droplet({ image });
    assert.equal(at(await api.get(url), "droplet.image.name"), "flatcar");
  });

  it("leaves its volumes in the account when it is deleted", async () => {
    const volume = await api.volume();
    const machine = await api.droplet();
    await api.attach(volume, machine);
    assert.deepEqual(at(await api.get(machine.url), "droplet.volume_ids"), [volume]);
    assert.equal((await api.request("DELETE", `/v2/volumes/${volume}`)).status, 409);
    await api.delete(machine.url);
    await api.settled();
    assert.deepEqual(at(await api.get(`/v2/volumes/${volume}`), "volume.droplet_ids"), []);
    assert.equal((await api.request("DELETE", `/v2/volumes/${volume}`)).status, 204);
    assert.equal(api.driver.names().at(-1), "removeVolume");
  });

  it("takes 15 volumes and no more", async () => {
    const machine = await api.droplet();
    for (let index = 0; index < 16; index += 1) {
      const volume = await api.volume({ name: `data-${index}` });
      const answer = await api.request("POST", `/v2/volumes/${volume}/actions`, {
        type: "attach",
        droplet_id: machine.id,
      });
      assert.equal(answer.status, index < 15 ? 202 : 422, JSON.stringify(answer.body));
      await api.settled();
    }
  });
});

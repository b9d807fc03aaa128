import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createPlugin } from "../../../lab/standins/digitalocean/plugin.js";
import { config, publicKey, TestApi } from "../clouds/digitalocean/support.js";
import { type Bag, partialOf, type Resource, TestEngine, unknown } from "./engine.js";

const type = (name: string): string => `digitalocean:index/${name.charAt(0).toLowerCase()}${name.slice(1)}:${name}`;

const inbound: Bag[] = [
  { protocol: "tcp", portRange: "6443", sourceTags: ["worker", "controller"], sourceAddresses: ["192.0.2.1/32"] },
  { protocol: "icmp", sourceTags: ["controller"] },
];
const outbound: Bag[] = [{ protocol: "tcp", portRange: "1-65535", destinationAddresses: ["0.0.0.0/0", "::/0"] }];

const network: Bag = { name: "net", region: "nyc3", ipRange: "10.10.0.0/20", description: "x" };

describe("digitalocean stand-in", () => {
  let cloud: TestApi;
  let engine: TestEngine;
  let endpoint: string;
  let vpc: Resource;

  async function start(settings: Bag = {}): Promise<void> {
    engine = await TestEngine.start(createPlugin({}), { apiEndpoint: endpoint, token: config.token, ...settings });
  }

  async function listen(options: ConstructorParameters<typeof TestApi>[0] = {}): Promise<void> {
    cloud = await new TestApi(options).start();
    await cloud.api.app.listen({ host: "127.0.0.1", port: 0 });
    endpoint = `http://127.0.0.1:${(cloud.api.app.server.address() as AddressInfo).port}`;
  }

  beforeEach(async () => {
    await listen();
    await start();
    vpc = await engine.create(type("Vpc"), "net", network);
  });

  afterEach(async () => {
    engine.stop();
    await cloud.stop();
  });

  const dropletInputs = (more: Bag = {}): Bag => ({
    name: "one",
    region: "nyc3",
    size: "s-1vcpu-1gb",
    image: "debian-12-x64",
    vpcUuid: vpc.id,
    tags: ["worker"],
    userData: "#!/bin/sh\n",
    ...more,
  });

  /** Firewalls take only tags that exist. */
  async function tags(...names: string[]): Promise<void> {
    for (const name of names) await engine.create(type("Tag"), name, { name });
  }

  it("answers what the program asks: the region's sizes now, the account, its droplets and tags, an image", async () => {
    const scarce = { withdrawn: { "s-1vcpu-1gb": ["nyc3"] }, droplets: 1 };
    engine.stop();
    await cloud.stop();
    await listen({ scarcity: () => scarce });
    await start();
    vpc = await engine.create(type("Vpc"), "net", network);
    const region = await engine.invoke("digitalocean:index/getRegion:getRegion", { slug: "nyc3" });
    const sizes = region["sizes"] as string[];
    assert.deepEqual(
      [region["available"], sizes.includes("s-1vcpu-2gb"), sizes.includes("s-1vcpu-1gb")],
      [true, true, false],
    );
    await assert.rejects(
      engine.create(type("Droplet"), "one", dropletInputs()),
      /422 unprocessable_entity: Size is not available in this region\./,
    );
    await engine.create(type("Droplet"), "one", dropletInputs({ size: "s-1vcpu-2gb" }));
    await assert.rejects(
      engine.create(type("Droplet"), "two", dropletInputs({ size: "s-1vcpu-2gb" })),
      /will exceed your droplet limit of 1/,
    );
    const { dropletLimit } = await engine.invoke("digitalocean:index/getAccount:getAccount", {});
    const { droplets } = await engine.invoke("digitalocean:index/getDroplets:getDroplets", {});
    assert.deepEqual([dropletLimit, (droplets as Bag[]).map(({ name }) => name)], [1, ["one"]]);
    const filters = [{ key: "name", values: ["worker", "none"], matchBy: "exact" }];
    const { tags: found } = await engine.invoke("digitalocean:index/getTags:getTags", { filters });
    assert.deepEqual(
      (found as Bag[]).map(({ name, dropletsCount }) => [name, dropletsCount]),
      [["worker", 1]],
    );
    const image = await engine.invoke("digitalocean:index/getImage:getImage", { slug: "debian-12-x64" });
    assert.ok((image["regions"] as string[]).includes("nyc3"));
    await assert.rejects(engine.invoke("digitalocean:index/getImage:getImage", { id: 7 }), /could not find image 7/);
  });

  async function everything(): Promise<[Resource, Bag][]> {
    const made: [Resource, Bag][] = [];
    const make = async (name: string, inputs: Bag): Promise<Resource> => {
      const resource = await engine.create(type(name), name.toLowerCase(), inputs);
      made.push([resource, inputs]);
      return resource;
    };
    made.push([vpc, network]);
    await make("Tag", { name: "controller" });
    const key = await make("SshKey", { name: "admin", publicKey: `${publicKey}\n` });
    const image = await make("CustomImage", { name: "own", url: "https://example.com/image.bz2", regions: ["nyc3"] });
    const droplet = await make(
      "Droplet",
      dropletInputs({
        image: String(image.outputs["imageId"]),
        sshKeys: [key.id],
        monitoring: false,
        dropletAgent: false,
      }),
    );
    const volume = await make("Volume", { name: "data", region: "nyc3", size: 10, tags: ["worker"] });
    await make("VolumeAttachment", { dropletId: Number(droplet.id), volumeId: volume.id });
    await make("Firewall", { name: "fw", tags: ["controller"], inboundRules: inbound, outboundRules: outbound });
    const balancer = await make("LoadBalancer", {
      name: "api",
      region: "nyc3",
      vpcUuid: vpc.id,
      network: "EXTERNAL",
      sizeUnit: 2,
      dropletTag: "controller",
      forwardingRules: [{ entryProtocol: "tcp", entryPort: 6443, targetProtocol: "tcp", targetPort: 6443 }],
      healthcheck: { protocol: "https", port: 6443, path: "/readyz", checkIntervalSeconds: 5 },
      firewall: { allows: ["cidr:192.0.2.1/32"] },
    });
    await make("Firewall", {
      name: "lb",
      tags: ["controller"],
      inboundRules: [{ protocol: "tcp", portRange: "6443", sourceLoadBalancerUids: [balancer.id] }],
    });
    return made;
  }

  it("makes each resource, and finds nothing to change after a refresh", async () => {
    for (const [resource, inputs] of await everything()) {
      const fresh = await engine.refresh(resource);
      assert.ok(fresh, resource.type);
      assert.deepEqual(fresh.inputs, resource.inputs, resource.type);
      assert.deepEqual(
        await engine.diff(fresh, inputs),
        { changes: false, replaces: [], paths: [], deleteBeforeReplace: false },
        resource.type,
      );
    }
  });

  it("deletes each resource, and again", async () => {
    const made = (await everything()).reverse();
    for (const [resource] of made) {
      await engine.delete(resource);
      assert.equal(await engine.refresh(resource), undefined, resource.type);
    }
    for (const [resource] of made) await engine.delete(resource);
    assert.deepEqual(
      [
        cloud.api.store.state.droplets.length,
        cloud.api.store.state.volumes.length,
        cloud.api.store.state.firewalls.length,
      ],
      [0, 0, 0],
    );
  });

  it("knows a droplet's computed outputs when it is active, and none of them before", async () => {
    const preview = await engine.preview(type("Droplet"), "one", dropletInputs());
    for (const output of ["ipv4Address", "ipv4AddressPrivate", "dropletUrn", "status"])
      assert.equal(preview[output], unknown, output);
    const { id, outputs } = await engine.create(type("Droplet"), "one", dropletInputs());
    assert.match(String(outputs["ipv4Address"]), /^\d+\.\d+\.\d+\.\d+$/);
    assert.deepEqual(
      [outputs["status"], outputs["dropletUrn"], outputs["userData"]],
      ["active", `do:droplet:${id}`, "bd971bec88149956458a10fc9c5ecb3eb99dd452"],
      "user data is kept as its SHA-1, as by the official provider",
    );
  });

  it("changes in place what can be changed", async () => {
    const droplet = await engine.create(type("Droplet"), "one", dropletInputs());
    const tagged = await engine.update(droplet, dropletInputs({ tags: ["worker", "spare"] }));
    assert.deepEqual([...(tagged.outputs["tags"] as string[])].sort(), ["spare", "worker"]);
    const larger = dropletInputs({ size: "s-2vcpu-2gb" });
    assert.deepEqual((await engine.diff(droplet, larger)).paths, ["size"]);
    await assert.rejects(
      engine.update(droplet, larger),
      /cannot change size of a droplet in place; replace the droplet/,
    );

    await tags("controller");
    const firewall = await engine.create(type("Firewall"), "fw", { name: "fw", inboundRules: inbound });
    const fewer = await engine.update(firewall, { name: "fw", inboundRules: inbound.slice(1) });
    assert.equal((fewer.outputs["inboundRules"] as unknown[]).length, 1);

    const volume = await engine.create(type("Volume"), "data", { name: "data", region: "nyc3", size: 10 });
    assert.equal((await engine.update(volume, { name: "data", region: "nyc3", size: 20 })).outputs["size"], 20);
    await assert.rejects(
      engine.update(volume, { name: "data", region: "nyc3", size: 5 }),
      /size: it is 20 GB and cannot shrink to 5 GB/,
    );
  });

  it("replaces a droplet for another image, after deleting the one of the same name", async () => {
    const droplet = await engine.create(type("Droplet"), "one", dropletInputs());
    const { replaces, deleteBeforeReplace } = await engine.diff(droplet, dropletInputs({ image: "ubuntu-24-04-x64" }));
    assert.deepEqual([replaces, deleteBeforeReplace], [["image"], true]);
  });

  it("shows drift, and what is gone", async () => {
    await tags("controller", "worker");
    const inputs = { name: "fw", tags: ["controller"], inboundRules: inbound };
    const firewall = await engine.create(type("Firewall"), "fw", { ...inputs });
    await cloud.put(`/v2/firewalls/${firewall.id}`, {
      name: "fw",
      inbound_rules: [{ protocol: "tcp", ports: "22", sources: { addresses: ["0.0.0.0/0"] } }],
    });
    const fresh = await engine.refresh(firewall);
    assert.ok(fresh);
    assert.deepEqual((await engine.diff(fresh, { ...inputs })).changes, true);
    await cloud.request("DELETE", `/v2/firewalls/${firewall.id}`);
    assert.equal(await engine.refresh(firewall), undefined);
  });

  it("ignores the order of rules, tags and addresses, and the ways to write all ports", async () => {
    await tags("a", "b", "controller", "worker");
    const rules = [
      { protocol: "tcp", portRange: "1-65535", sourceAddresses: ["10.0.0.0/8", "192.0.2.0/24"] },
      ...inbound,
    ];
    const firewall = await engine.create(type("Firewall"), "fw", { name: "fw", tags: ["a", "b"], inboundRules: rules });
    const turned = [
      ...rules.slice(1),
      { protocol: "tcp", portRange: "all", sourceAddresses: ["192.0.2.0/24", "10.0.0.0/8"] },
    ];
    assert.equal((await engine.diff(firewall, { name: "fw", tags: ["b", "a"], inboundRules: turned })).changes, false);
  });

  it("remembers a droplet whose creation was interrupted, and resumes", async () => {
    let release = (): void => undefined;
    cloud.driver.wait = (name) =>
      name === "machine" ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
    const creating = engine.create(type("Droplet"), "one", dropletInputs()).then(
      () => undefined,
      (error: unknown) => error,
    );
    while (cloud.driver.argumentsOf("machine").length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await engine.cancel();
    const partial = partialOf(await creating);
    assert.ok(partial);
    assert.equal(partial.id, String(cloud.api.store.state.droplets[0]?.id));
    assert.match(
      partial.reasons.join(),
      /cannot create droplet "one": interrupted while waiting for droplet \d+ to be usable/,
    );
    release();
    engine.stop();
    await start();
    const state: Resource = {
      type: type("Droplet"),
      name: "one",
      id: partial.id,
      inputs: dropletInputs(),
      outputs: partial.outputs,
      secrets: [],
    };
    assert.equal((await engine.update(state, dropletInputs())).outputs["status"], "active");
    assert.equal(cloud.api.store.state.droplets.length, 1);
  });

  it("gives up after the program's time, and says what it waited for", async () => {
    cloud.driver.wait = (name) => (name === "machine" ? new Promise(() => undefined) : Promise.resolve());
    await assert.rejects(
      engine.create(type("Droplet"), "one", dropletInputs(), 1),
      /cannot create droplet "one": waited 1 s for droplet \d+ to be usable: new/,
    );
  });

  it("tries again as late as the API asks", async () => {
    const times: number[] = [];
    const busy = createServer((request, response) => {
      if (request.method === "GET") return void response.writeHead(200).end(JSON.stringify({ tag: { name: "t" } }));
      times.push(Date.now());
      if (times.length === 2) response.writeHead(201).end(JSON.stringify({ tag: { name: "t" } }));
      else response.writeHead(429, { "retry-after": "1" }).end(JSON.stringify({ id: "too_many_requests" }));
    });
    await new Promise<void>((resolve) => busy.listen(0, "127.0.0.1", resolve));
    try {
      engine.stop();
      await start({ apiEndpoint: `http://127.0.0.1:${(busy.address() as AddressInfo).port}` });
      await engine.create(type("Tag"), "t", { name: "t" });
      assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 990, `tried again after ${(times[1] ?? 0) - (times[0] ?? 0)} ms`);
    } finally {
      busy.closeAllConnections();
      busy.close();
    }
  });

  it("names the resource, the status and the API's own words in errors", async () => {
    await assert.rejects(
      engine.create(type("Droplet"), "one", dropletInputs({ size: "s-none" })),
      /cannot create droplet "one": POST \/v2\/droplets: HTTP 422 unprocessable_entity: .+/,
    );
    engine.stop();
    await start({ token: "wrong" });
    await assert.rejects(engine.create(type("Tag"), "t", { name: "t" }), /HTTP 401 unauthorized/);
    engine.stop();
    await assert.rejects(
      TestEngine.start(createPlugin({}), { apiEndpoint: endpoint }),
      /no token for DigitalOcean's API; set digitalocean:token/,
    );
  });

  const refused: readonly [string, string, Bag, RegExp][] = [
    [
      "an input that the program does not use",
      "Droplet",
      { backups: true },
      /backups: .* not support this input of a droplet/,
    ],
    [
      "one inside a list",
      "Firewall",
      { name: "fw", inboundRules: [{ protocol: "tcp", portRange: "1", sourceDropletIds: [1] }] },
      /inboundRules\.sourceDropletIds: .* not support/,
    ],
    ["a missing name", "Volume", { region: "nyc3", size: 10 }, /name is missing/],
  ];
  for (const [what, name, inputs, message] of refused) {
    it(`refuses ${what}`, async () => {
      assert.match((await engine.check(type(name), "wrong", inputs)).failures.join("\n"), message);
    });
  }

  it("refuses settings that it does not support, and endpoints that are no address", async () => {
    assert.match((await engine.checkConfig({ httpRetryMax: "1" })).join(), /does not support the setting httpRetryMax/);
    assert.match((await engine.checkConfig({ apiEndpoint: "example" })).join(), /got "example"; it must be a URL/);
    assert.deepEqual(await engine.checkConfig({ apiEndpoint: endpoint, token: "x" }), []);
  });
});

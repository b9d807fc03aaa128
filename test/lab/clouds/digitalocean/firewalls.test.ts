import assert from "node:assert/strict";
import type { MachineFirewall, PortRule, Rules } from "../../../../lab/region/spec.js";
import { at, type Droplet, type Json, TestApi, textAt } from "./support.js";

describe("lab API: firewalls", () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await new TestApi().start();
  });
  afterEach(() => api.stop());

  const firewall = async (fields: Json): Promise<string> => {
    const made = await api.post("/v2/firewalls", { name: `guard-${Math.random()}`, ...fields });
    await api.settled();
    return textAt(made, "firewall.id");
  };
  const inbound = (sources: Json, ports = "22", protocol = "tcp"): Json => ({ protocol, ports, sources });
  const of = (droplet: Droplet): MachineFirewall | undefined =>
    api.driver.firewalls.find((one) => one.machineId === droplet.id);
  const cidrs = (droplet: Droplet): readonly string[] => of(droplet)?.inbound.flatMap((rule) => rule.cidrs) ?? [];
  const both = (...droplets: readonly Droplet[]): string[] =>
    droplets.flatMap((droplet) => [`${droplet.public}/32`, `${droplet.private}/32`]);

  const forms: readonly [protocol: string, ports: string, expected: PortRule["ports"], shown: string][] = [
    ["tcp", "22", { from: 22, to: 22 }, "22"],
    ["tcp", "2379-2380", { from: 2379, to: 2380 }, "2379-2380"],
    ["udp", "0", null, "0"],
    ["tcp", "all", null, "0"],
    ["icmp", "", null, "0"],
    ["icmp", "0", null, "0"],
  ];
  for (const [protocol, ports, expected, shown] of forms) {
    it(`${protocol} ports "${ports}" reach the driver as ${JSON.stringify(expected)} and are shown as "${shown}"`, async () => {
      const machine = await api.droplet();
      const id = await firewall({
        droplet_ids: [machine.id],
        inbound_rules: [inbound({ addresses: ["192.0.2.7"] }, ports, protocol)],
      });
      assert.deepEqual(of(machine)?.inbound, [{ protocol, ports: expected, cidrs: ["192.0.2.7/32"] }]);
      assert.equal(at(await api.get(`/v2/firewalls/${id}`), "firewall.inbound_rules.0.ports"), shown);
    });
  }

  it("leaves a droplet open that is in no firewall, and closes one whose firewall has no inbound rule", async () => {
    const open = await api.droplet({ name: "open" });
    const closed = await api.droplet({ name: "closed" });
    await firewall({
      droplet_ids: [closed.id],
      outbound_rules: [{ protocol: "tcp", ports: "0", destinations: { addresses: ["0.0.0.0/0", "::/0"] } }],
    });
    assert.equal(of(open), undefined);
    assert.deepEqual(of(closed), {
      machineId: closed.id,
      inbound: [],
      outbound: [{ protocol: "tcp", ports: null, cidrs: ["0.0.0.0/0"] }],
    });
  });

  it("writes ranges by their first address, and leaves out IPv6, which no machine has", async () => {
    const machine = await api.droplet();
    await firewall({
      droplet_ids: [machine.id],
      inbound_rules: [
        inbound({ addresses: ["10.1.2.3/8", "::/0", "2001:db8::1"] }),
        inbound({ addresses: ["::/0"] }, "80"),
      ],
    });
    assert.deepEqual(of(machine)?.inbound, [{ protocol: "tcp", ports: { from: 22, to: 22 }, cidrs: ["10.0.0.0/8"] }]);
  });

  it("resolves sources by tag and by id to both addresses of each droplet", async () => {
    const guarded = await api.droplet({ name: "guarded" });
    const tagged = await api.droplet({ name: "tagged", tags: ["client"] });
    const named = await api.droplet({ name: "named" });
    await firewall({
      droplet_ids: [guarded.id],
      inbound_rules: [inbound({ tags: ["client"], droplet_ids: [named.id] })],
    });
    assert.deepEqual(cidrs(guarded), both(tagged, named));
  });

  it("resolves a load balancer to both of its addresses, and forgets it when it is deleted", async () => {
    const guarded = await api.droplet();
    const rules = [{ entry_protocol: "tcp", entry_port: 80, target_protocol: "tcp", target_port: 80 }];
    const id = textAt(
      await api.post("/v2/load_balancers", {
        name: "lb",
        region: "fra1",
        droplet_ids: [guarded.id],
        forwarding_rules: rules,
      }),
      "load_balancer.id",
    );
    await firewall({ droplet_ids: [guarded.id], inbound_rules: [inbound({ load_balancer_uids: [id] })] });
    const [spec] = api.driver.loadBalancers;
    assert.deepEqual(cidrs(guarded), [`${spec?.ip}/32`, `${spec?.privateIpv4}/32`]);
    await api.delete(`/v2/load_balancers/${id}`);
    await api.settled();
    assert.deepEqual(of(guarded)?.inbound, []);
  });

  it("follows its tags: droplets that come, are tagged, are untagged and go", async () => {
    const first = await api.droplet({ name: "first", tags: ["web"] });
    await firewall({ tags: ["web"], inbound_rules: [inbound({ tags: ["web"] })] });
    assert.deepEqual(cidrs(first), both(first));

    const second = await api.droplet({ name: "second", tags: ["web"] });
    assert.deepEqual(cidrs(first), both(first, second));
    assert.deepEqual(cidrs(second), both(first, second));

    const third = await api.droplet({ name: "third" });
    assert.equal(of(third), undefined);
    const resources = [{ resource_id: String(third.id), resource_type: "droplet" }];
    await api.post("/v2/tags/web/resources", { resources });
    await api.settled();
    assert.deepEqual(cidrs(third), both(first, second, third));

    await api.delete("/v2/tags/web/resources", { resources });
    await api.delete(second.url);
    await api.settled();
    assert.deepEqual(cidrs(first), both(first));
    assert.equal(of(third), undefined);
    assert.equal(of(second), undefined);

    await api.delete("/v2/tags/web");
    await api.settled();
    assert.deepEqual(api.driver.firewalls, []);
  });

  it("is in force before its droplet's machine starts", async () => {
    await api.post("/v2/tags", { name: "web" });
    await firewall({ tags: ["web"], inbound_rules: [inbound({ addresses: ["192.0.2.1"] })] });
    const machine = await api.droplet({ tags: ["web"] });
    const names = api.driver.calls.map((call) => call.name);
    const rules = api.driver.calls.slice(0, names.indexOf("machine")).findLast(({ name }) => name === "rules");
    assert.equal((rules?.arguments[0] as Rules).firewalls[0]?.machineId, machine.id);
  });

  it("does not let a machine start when its firewall cannot be put in force", async () => {
    await api.post("/v2/tags", { name: "web" });
    await firewall({ tags: ["web"], inbound_rules: [inbound({ addresses: ["192.0.2.1"] })] });
    api.driver.failure = (name) => (name === "rules" ? new Error("nft failed") : undefined);
    const made = await api.post("/v2/droplets", {
      name: "open",
      region: "fra1",
      size: "s-1vcpu-1gb",
      image: "debian-12-x64",
      tags: ["web"],
    });
    await api.settled();
    assert.equal(at(await api.get(`/v2/droplets/${textAt(made, "droplet.id")}`), "droplet.status"), "new");
    assert.equal(api.driver.names().includes("machine"), false);
  });

  it("holds for a machine until it is gone", async () => {
    const machine = await api.droplet();
    await firewall({ droplet_ids: [machine.id], inbound_rules: [inbound({ addresses: ["192.0.2.1"] })] });
    let gone = (): void => undefined;
    api.driver.wait = (name) =>
      name === "removeMachine" ? new Promise((resolve) => (gone = resolve)) : Promise.resolve();
    await api.delete(machine.url);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(of(machine));
    gone();
    await api.settled();
    assert.equal(of(machine), undefined);
  });

  it("merges the rules of all firewalls of a droplet, each once", async () => {
    const machine = await api.droplet({ tags: ["web"] });
    const ssh = inbound({ addresses: ["192.0.2.1/32"] });
    await firewall({ droplet_ids: [machine.id], inbound_rules: [ssh] });
    await firewall({ tags: ["web"], inbound_rules: [ssh, inbound({ addresses: ["0.0.0.0/0"] }, "443")] });
    assert.deepEqual(
      of(machine)?.inbound.map((rule) => rule.ports?.from),
      [22, 443],
    );
  });

  it("is waiting until its rules are in force, and failed when they cannot be", async () => {
    const machine = await api.droplet();
    let applied = (): void => undefined;
    api.driver.wait = (name) => (name === "rules" ? new Promise((resolve) => (applied = resolve)) : Promise.resolve());
    const made = await api.post("/v2/firewalls", {
      name: "guard",
      droplet_ids: [machine.id],
      inbound_rules: [inbound({ addresses: ["192.0.2.1"] })],
    });
    assert.equal(at(made, "firewall.status"), "waiting");
    assert.deepEqual(at(made, "firewall.pending_changes"), [
      { droplet_id: machine.id, removing: false, status: "waiting" },
    ]);
    const url = `/v2/firewalls/${textAt(made, "firewall.id")}`;
    applied();
    await api.settled();
    assert.equal(at(await api.get(url), "firewall.status"), "succeeded");
    api.driver.wait = () => Promise.resolve();
    api.driver.failure = (name) => (name === "rules" ? new Error("nft failed") : undefined);
    await api.put(url, {
      name: "guard",
      droplet_ids: [machine.id],
      inbound_rules: [inbound({ addresses: ["192.0.2.2"] })],
    });
    await api.settled();
    assert.equal(at(await api.get(url), "firewall.status"), "failed");
    assert.deepEqual(api.errors, ["firewall: nft failed"]);
  });
});

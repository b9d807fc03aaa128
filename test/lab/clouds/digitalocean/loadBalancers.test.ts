import assert from "node:assert/strict";
import { allowedCidrs } from "../../../../lab/clouds/digitalocean/desired.js";
import type { LoadBalancerSpec } from "../../../../lab/region/spec.js";
import { at, type Json, TestApi, textAt } from "./support.js";

describe("lab API: load balancers", () => {
  let api: TestApi;
  beforeEach(async () => {
    api = await new TestApi().start();
  });
  afterEach(() => api.stop());

  const rule = { entry_protocol: "tcp", entry_port: 443, target_protocol: "tcp", target_port: 6443 };
  const balancer = async (fields: Json): Promise<string> => {
    const made = await api.post("/v2/load_balancers", {
      name: "lb",
      region: "fra1",
      forwarding_rules: [rule],
      ...fields,
    });
    assert.equal(at(made, "load_balancer.status"), "new");
    await api.settled();
    return `/v2/load_balancers/${textAt(made, "load_balancer.id")}`;
  };
  const spec = (): LoadBalancerSpec => {
    const [first] = api.driver.loadBalancers;
    assert.ok(first);
    return first;
  };
  const targets = (): number[] => spec().targets.map((target) => target.machineId);

  it("tells the driver what to forward, to whom, and from where", async () => {
    const vpc = await api.vpc();
    const machine = await api.droplet({ vpc_uuid: vpc });
    const url = await balancer({
      vpc_uuid: vpc,
      droplet_ids: [machine.id],
      health_check: {
        protocol: "https",
        port: 6443,
        path: "/readyz",
        check_interval_seconds: 3,
        response_timeout_seconds: 4,
        healthy_threshold: 2,
        unhealthy_threshold: 6,
      },
      firewall: { allow: ["cidr:192.0.2.0/24", "ip:203.0.113.9"] },
    });
    assert.deepEqual(spec(), {
      id: url.split("/").at(-1),
      name: "lb",
      ip: "198.51.100.3",
      network: "EXTERNAL",
      vpcId: vpc,
      privateIpv4: "10.10.0.11",
      forwarding: [{ entryPort: 443, targetPort: 6443 }],
      healthCheck: {
        protocol: "https",
        port: 6443,
        path: "/readyz",
        interval: 3,
        timeout: 4,
        healthyThreshold: 2,
        unhealthyThreshold: 6,
      },
      targets: [{ machineId: machine.id, privateIpv4: "10.10.0.10" }],
      allow: ["192.0.2.0/24", "203.0.113.9/32"],
    });
    const shown = await api.get(url);
    assert.deepEqual([at(shown, "load_balancer.status"), at(shown, "load_balancer.ip")], ["active", "198.51.100.3"]);
  });

  it("has its address in the VPC when it is internal", async () => {
    await balancer({ network: "INTERNAL" });
    assert.equal(spec().ip, spec().privateIpv4);
    assert.match(spec().ip, /^10\./);
  });

  it("checks and forwards as the original does when nothing is said", async () => {
    await balancer({});
    assert.deepEqual(spec().healthCheck, {
      protocol: "http",
      port: 80,
      path: "/",
      interval: 10,
      timeout: 5,
      healthyThreshold: 3,
      unhealthyThreshold: 5,
    });
    assert.deepEqual(spec().allow, []);
  });

  it("follows its tag: droplets that come, are tagged, go, and those of other networks not", async () => {
    const vpc = await api.vpc();
    const other = await api.vpc("10.30.0.0/20");
    const first = await api.droplet({ name: "first", vpc_uuid: vpc, tags: ["web"] });
    await api.droplet({ name: "stranger", vpc_uuid: other, tags: ["web"] });
    const url = await balancer({ vpc_uuid: vpc, tag: "web" });
    assert.deepEqual(targets(), [first.id]);

    const second = await api.droplet({ name: "second", vpc_uuid: vpc, tags: ["web"] });
    await api.settled();
    assert.deepEqual(targets(), [first.id, second.id]);
    assert.deepEqual(at(await api.get(url), "load_balancer.droplet_ids"), [first.id, second.id]);

    const third = await api.droplet({ name: "third", vpc_uuid: vpc });
    await api.post("/v2/tags/web/resources", {
      resources: [{ resource_id: String(third.id), resource_type: "droplet" }],
    });
    await api.settled();
    assert.deepEqual(targets(), [first.id, second.id, third.id]);

    // A droplet that is going gets nothing more, though its machine still runs.
    let gone = (): void => undefined;
    api.driver.wait = (name) =>
      name === "removeMachine" ? new Promise((resolve) => (gone = resolve)) : Promise.resolve();
    await api.delete(first.url);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(targets(), [second.id, third.id]);
    gone();
    await api.settled();
  });

  it("resets on update what is not given, and keeps its address", async () => {
    const machine = await api.droplet();
    const url = await balancer({
      droplet_ids: [machine.id],
      firewall: { allow: ["ip:192.0.2.1"] },
      health_check: { protocol: "tcp", port: 443 },
    });
    const { ip } = spec();
    await api.put(url, { name: "renamed", forwarding_rules: [rule] });
    await api.settled();
    assert.deepEqual(
      [spec().name, spec().ip, spec().targets, spec().allow, spec().healthCheck.protocol],
      ["renamed", ip, [], [], "http"],
    );
  });

  it("has a name that no other in the account has", async () => {
    await balancer({});
    const other = await balancer({ name: "other", region: "nyc3" });
    const taken = { name: "lb", region: "nyc3", forwarding_rules: [rule] };
    for (const [method, url] of [
      ["POST", "/v2/load_balancers"],
      ["PUT", other],
    ] as const) {
      const answer = await api.request(method, url, taken);
      assert.deepEqual([answer.status, answer.body["message"]], [422, "name is not unique"]);
    }
    await api.put(other, { ...taken, name: "other" });
  });

  it("keeps network, region and VPC for life", async () => {
    const url = await balancer({});
    for (const change of [{ network: "INTERNAL" }, { region: "nyc3" }, { vpc_uuid: "other" }]) {
      const answer = await api.request("PUT", url, { name: "lb", forwarding_rules: [rule], ...change });
      assert.match(String(answer.body["message"]), /cannot be modified/);
    }
  });

  it("is errored when the driver cannot make it, and active again when it can", async () => {
    api.driver.failure = (name) => (name === "balancers" ? new Error("no haproxy") : undefined);
    const url = await balancer({});
    assert.equal(at(await api.get(url), "load_balancer.status"), "errored");
    api.driver.failure = () => undefined;
    await api.put(url, { name: "lb", forwarding_rules: [rule] });
    await api.settled();
    assert.equal(at(await api.get(url), "load_balancer.status"), "active");
  });

  const access: readonly [allow: string[], expected: string[]][] = [
    [[], []],
    [["cidr:10.0.0.0/8"], ["10.0.0.0/8"]],
    [["ip:10.0.0.1"], ["10.0.0.1/32"]],
    // Nothing left is nobody, not everybody.
    [["cidr:::/0"], ["255.255.255.255/32"]],
  ];
  for (const [allow, expected] of access) {
    it(`allow ${JSON.stringify(allow)} lets in ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(allowedCidrs(allow), expected);
    });
  }
});

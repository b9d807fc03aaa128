/** Firewalls and load balancers, with real machines' networks and real packets. The machines themselves need not boot. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { MachineFirewall, MachineSpec, LoadBalancerSpec, PortRule } from "../../../lab/region/spec.js";
import { applyBalancers, balancerTargets } from "../../../lab/region/balancers.js";
import { run } from "../../../lab/process/run.js";
import { vpcBridge } from "../../../lab/region/names.js";
import { TestRegion, traces, vpcA, vpcB } from "./support/region.js";

const everywhere = ["0.0.0.0/0", "::/0"];
const tcp = (port: number, cidrs: readonly string[]): PortRule => ({
  protocol: "tcp",
  ports: { from: port, to: port },
  cidrs,
});
const all: readonly PortRule[] = [
  { protocol: "tcp", ports: null, cidrs: everywhere },
  { protocol: "udp", ports: null, cidrs: everywhere },
  { protocol: "icmp", ports: null, cidrs: everywhere },
];

describe("networks of machines", function () {
  this.timeout(120_000);
  let untouched: string;
  let region: TestRegion;
  let first: MachineSpec;
  let second: MachineSpec;
  const stops: (() => void)[] = [];

  before(async function () {
    this.timeout(600_000);
    untouched = await traces();
    region = await TestRegion.start();
    first = region.machine(21);
    second = region.machine(22);
    await region.boot(first, second);
    for (const port of [8000, 8001]) for (const spec of [first, second]) stops.push(await region.serve(spec, port));
  });

  after(async () => {
    for (const stop of stops) stop();
    await region?.stop();
    assert.equal(await traces(), untouched, "the region left something behind");
  });

  const protect = (
    spec: MachineSpec,
    inbound: readonly PortRule[],
    outbound: readonly PortRule[] = all,
  ): MachineFirewall => ({ machineId: spec.id, inbound, outbound });

  const wantFirewalls = (firewalls: readonly MachineFirewall[]) => region.want({ firewalls });
  const wantBalancers = (loadBalancers: readonly LoadBalancerSpec[]) => region.want({ loadBalancers });

  it("are open without a firewall", async () => {
    assert.equal(await region.connects(region.config.strangerAddress, first.publicIpv4, 8000), true);
    assert.equal(await region.connects(second, first.privateIpv4, 8001), true);
  });

  it("let through what a rule names, and nothing else", async () => {
    await wantFirewalls([
      protect(first, [tcp(8000, [`${region.config.adminAddress}/32`]), tcp(8001, [vpcA.cidr]), tcp(22, everywhere)]),
    ]);
    const { adminAddress, strangerAddress } = region.config;
    const seen = await Promise.all([
      region.connects(adminAddress, first.publicIpv4, 8000),
      region.connects(strangerAddress, first.publicIpv4, 8000),
      region.connects(adminAddress, first.publicIpv4, 8001),
      region.connects(second, first.privateIpv4, 8001),
      region.connects(second, first.privateIpv4, 8000),
      region.connects(second, first.publicIpv4, 8000),
      // The other machine is in no firewall: open.
      region.connects(strangerAddress, second.publicIpv4, 8000),
      // What the protected machine opens itself gets its answers.
      region.connects(first, second.privateIpv4, 8000),
    ]);
    assert.deepEqual(seen, [true, false, false, true, false, false, true, true]);
    assert.equal(
      (
        await region.try(
          first,
          "ping -c1 -W1 " + second.privateIpv4 + " || curl -s http://169.254.169.254/metadata/v1/id",
        )
      ).code,
      0,
    );
  });

  it("hold back what outbound rules do not name, but never the metadata", async () => {
    await wantFirewalls([protect(first, [tcp(22, everywhere)], [tcp(8000, [`${second.privateIpv4}/32`])])]);
    assert.equal(await region.connects(first, second.privateIpv4, 8000), true);
    assert.equal(await region.connects(first, second.privateIpv4, 8001), false);
    assert.equal(await region.connects(first, second.publicIpv4, 8000), false);
    assert.equal(await region.fetch(first, "http://169.254.169.254/metadata/v1/id"), `${first.id} 200`);
  });

  it("carry vxlan only while UDP 8472 is allowed, even in the middle of a flow", async () => {
    const vxlan: PortRule = { protocol: "udp", ports: { from: 8472, to: 8472 }, cidrs: [vpcA.cidr] };
    for (const [self, peer, address] of [
      [first, second, "10.99.0.1/24"],
      [second, first, "10.99.0.2/24"],
    ] as const) {
      const namespace = `${region.config.namespace}-${self.id}`;
      await run([
        "ip",
        "-n",
        namespace,
        "link",
        "add",
        "flannel.1",
        "type",
        "vxlan",
        "id",
        "1",
        "dstport",
        "8472",
        "local",
        self.privateIpv4,
        "remote",
        peer.privateIpv4,
        "dev",
        "eth1",
      ]);
      await run(["ip", "-n", namespace, "addr", "add", address, "dev", "flannel.1"]);
      await run(["ip", "-n", namespace, "link", "set", "flannel.1", "up"]);
    }
    const rules = (inbound: readonly PortRule[]) =>
      [first, second].map((spec) => protect(spec, [tcp(22, everywhere), ...inbound]));
    await wantFirewalls(rules([vxlan]));
    assert.equal(await region.connects(first, "10.99.0.2", 8000), true);
    assert.equal(await region.datagramArrives(first, second, 8473), false);
    await wantFirewalls(rules([]));
    assert.equal(await region.connects(first, "10.99.0.2", 8000), false);
    await wantFirewalls(rules([{ ...vxlan, cidrs: [vpcB.cidr] }]));
    assert.equal(await region.connects(first, "10.99.0.2", 8000), false);
    await wantFirewalls([]);
    assert.equal(await region.connects(first, "10.99.0.2", 8000), true);
  });

  it("drop packets with another machine's source address, or to the host", async () => {
    const namespace = `${region.config.namespace}-${first.id}`;
    assert.equal(await region.connects(first, second.privateIpv4, 8000), true);
    await run(["ip", "-n", namespace, "addr", "add", "10.110.0.77/32", "dev", "eth1"]);
    await run([
      "ip",
      "-n",
      namespace,
      "route",
      "replace",
      `${second.privateIpv4}/32`,
      "dev",
      "eth1",
      "src",
      "10.110.0.77",
    ]);
    assert.equal(await region.connects(first, second.privateIpv4, 8000), false);
    await run(["ip", "-n", namespace, "route", "del", `${second.privateIpv4}/32`]);
    assert.equal(await region.connects(first, second.privateIpv4, 8000), true);
    // The host itself may reach its own port; a machine may not.
    const { createServer } = await import("node:net");
    const server = createServer((socket) => socket.end()).listen(0, region.config.adminAddress);
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    assert.equal(await region.connects(region.config.adminAddress, region.config.adminAddress, port), true);
    assert.equal(await region.connects(first, region.config.adminAddress, port), false);
    server.close();
  });

  it("are balanced over healthy targets only, from the balancer's private address", async () => {
    const { publicCidr, adminAddress, strangerAddress } = region.config;
    const balancer: LoadBalancerSpec = {
      id: "44444444-0000-4000-8000-000000000001",
      name: "api",
      ip: publicCidr.replace(".0/24", ".200"),
      network: "EXTERNAL",
      vpcId: vpcA.id,
      privateIpv4: "10.110.0.200",
      forwarding: [{ entryPort: 443, targetPort: 8000 }],
      healthCheck: {
        protocol: "http",
        port: 8002,
        path: "/ready",
        interval: 1,
        timeout: 1,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
      },
      targets: [first, second].map((spec) => ({ machineId: spec.id, privateIpv4: spec.privateIpv4 })),
      allow: [`${adminAddress}/32`, vpcA.cidr],
    };
    const internal: LoadBalancerSpec = {
      ...balancer,
      id: "44444444-0000-4000-8000-000000000002",
      network: "INTERNAL",
      ip: "10.110.0.201",
      privateIpv4: "10.110.0.202",
      healthCheck: { ...balancer.healthCheck, protocol: "tcp", port: 8000 },
      allow: [],
    };
    // Targets that admit their balancer only.
    await wantFirewalls(
      [first, second].map((spec) =>
        protect(spec, [tcp(8000, ["10.110.0.200/32", "10.110.0.202/32"]), tcp(8002, ["10.110.0.200/32"])]),
      ),
    );
    const stop = await region.serve(first, 8002);
    await wantBalancers([balancer, internal]);
    const until = async (wanted: readonly boolean[]): Promise<void> => {
      const end = Date.now() + 15_000;
      for (;;) {
        const health = await balancerTargets(region.config);
        const external = [first.id, second.id].map((id) =>
          health.some((server) => server.machineId === id && !server.healthy),
        );
        if (JSON.stringify(external) === JSON.stringify(wanted)) return;
        assert.ok(Date.now() < end, JSON.stringify(health));
        await sleep(100);
      }
    };
    // "Some balancer finds it unhealthy": only the second one, which does not serve 8002.
    await until([false, true]);
    for (let count = 0; count < 4; count += 1) {
      assert.equal(await region.fetch(adminAddress, `http://${balancer.ip}:443/`), `${first.name} to 10.110.0.200 200`);
    }
    assert.equal(await region.fetch(strangerAddress, `http://${balancer.ip}:443/`), null);
    const answers = new Set<string | null>();
    for (let count = 0; count < 4; count += 1) answers.add(await region.fetch(first, `http://${internal.ip}:443/`));
    assert.deepEqual([...answers].sort(), [`${first.name} to 10.110.0.202 200`, `${second.name} to 10.110.0.202 200`]);
    // Past the balancer there is no way.
    assert.equal(await region.connects(adminAddress, first.publicIpv4, 8000), false);

    // A reload drops no request and forgets no health.
    const requests = Promise.all(
      Array.from(
        { length: 20 },
        async (_, index) => (await sleep(index * 20), region.fetch(adminAddress, `http://${balancer.ip}:443/`)),
      ),
    );
    await wantBalancers([
      { ...balancer, name: "renamed", healthCheck: { ...balancer.healthCheck, interval: 2 } },
      internal,
    ]);
    assert.deepEqual([...new Set(await requests)], [`${first.name} to 10.110.0.200 200`]);

    stop();
    await until([true, true]);
    assert.equal(await region.fetch(adminAddress, `http://${balancer.ip}:443/`), null);
    await wantBalancers([]);
    assert.equal(await region.connects(adminAddress, balancer.ip, 443), false);
    await wantFirewalls([]);
  });

  it("keep the gateways of their subnets when load balancers follow an older list of VPCs", async () => {
    const gateways = ["10.120.0.1", "10.120.1.1"];
    await region.want({ vpcs: [vpcA, { ...vpcB, gateways }] });
    await applyBalancers(region.config, [], [vpcA, { ...vpcB, gateways: gateways.slice(0, 1) }]);
    await applyBalancers(region.config, [], [vpcA, { ...vpcB, gateways }]);
    const shown = ["ip", "-n", region.config.namespace, "-4", "-o", "addr", "show", "dev", vpcBridge(vpcB.id)];
    const addresses = await run(shown);
    for (const address of gateways) assert.ok(addresses.includes(` ${address}/32`), addresses);
  });
});

/** The nftables text of the lab's region. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Address4 } from "ip-address";
import type { PortRule } from "../../lab/region/spec.js";
import { firewallText, mergedNetworks, type FirewallInput } from "../../lab/region/firewall.js";

const machine = (id: number, vpcId: string) => ({
  id,
  publicIpv4: `203.0.113.${id}`,
  privateIpv4: `10.0.0.${id}`,
  vpcId,
});
const input = (changes: Partial<FirewallInput> = {}): FirewallInput => ({
  publicCidr: "203.0.113.0/24",
  vpcs: [
    { id: "a", cidr: "10.0.0.0/20" },
    { id: "empty", cidr: "10.1.0.0/20" },
  ],
  machines: [machine(12, "a"), machine(11, "a")],
  firewalls: [],
  ...changes,
});
const chain = (text: string, name: string): string[] => {
  const body = new RegExp(`chain ${name} \\{\\n([^}]*(?:\\{[^}]*\\}[^}]*)*?)\\n  \\}`).exec(text)?.[1];
  assert.ok(body !== undefined, `chain ${name} is missing:\n${text}`);
  return body.split("\n").map((line) => line.trim());
};

describe("lab firewall text", () => {
  it("replaces the table in one transaction", () => {
    assert.match(firewallText(input()), /^table inet corekube\ndelete table inet corekube\ntable inet corekube \{\n/);
  });

  it("drops what a load balancer does not allow before anything is let in", () => {
    const text = firewallText(
      input({ balancers: [{ address: "203.0.113.9", ports: [6443, 80], allow: ["192.0.2.0/24", "192.0.2.7/32"] }] }),
    );
    assert.equal(
      chain(text, "input")[1],
      "ip daddr 203.0.113.9 tcp dport { 6443, 80 } ip saddr != { 192.0.2.0/24 } drop",
    );
    assert.doesNotMatch(firewallText(input({ balancers: [] })), /tcp dport \{ 6443/);
  });

  it("is the same whatever the order of machines and firewalls", () => {
    const firewalls = [11, 12].map((machineId) => ({ machineId, inbound: [], outbound: [] }));
    const one = firewallText(input({ firewalls }));
    const other = firewallText(
      input({ machines: [...input().machines].reverse(), firewalls: [...firewalls].reverse() }),
    );
    assert.equal(one, other);
  });

  it("has no chain for a machine in no firewall, and drops by default for one that is in one", () => {
    const text = firewallText(input({ firewalls: [{ machineId: 11, inbound: [], outbound: [] }] }));
    assert.deepEqual(chain(text, "in_11"), ["drop"]);
    assert.deepEqual(chain(text, "out_11"), ["drop"]);
    assert.doesNotMatch(text, /in_12/);
    assert.match(text, /"e0-11" : jump in_11, "e1-11" : jump in_11/);
  });

  it("leaves out firewalls of machines that are gone", () => {
    assert.doesNotMatch(firewallText(input({ firewalls: [{ machineId: 99, inbound: [], outbound: [] }] })), /99/);
  });

  it("writes each kind of rule", () => {
    const inbound: PortRule[] = [
      { protocol: "tcp", ports: { from: 22, to: 22 }, cidrs: ["192.0.2.1/32"] },
      { protocol: "tcp", ports: { from: 30000, to: 32767 }, cidrs: ["0.0.0.0/0", "::/0"] },
      { protocol: "udp", ports: null, cidrs: ["10.0.0.0/20", "10.0.1.5/32"] },
      { protocol: "icmp", ports: null, cidrs: ["10.0.0.0/20"] },
      { protocol: "tcp", ports: { from: 1, to: 2 }, cidrs: ["::/0"] },
      { protocol: "tcp", ports: { from: 1, to: 2 }, cidrs: [] },
    ];
    const text = firewallText(
      input({
        firewalls: [
          {
            machineId: 11,
            inbound,
            outbound: [{ protocol: "tcp", ports: { from: 443, to: 443 }, cidrs: ["198.51.100.0/24"] }],
          },
        ],
      }),
    );
    assert.deepEqual(chain(text, "in_11"), [
      "ip saddr { 192.0.2.1/32 } tcp dport 22 return",
      "tcp dport 30000-32767 return",
      "ip saddr { 10.0.0.0/20 } meta l4proto udp return",
      "ip saddr { 10.0.0.0/20 } ip protocol icmp return",
      "drop",
    ]);
    assert.deepEqual(chain(text, "out_11"), ["ip daddr { 198.51.100.0/24 } tcp dport 443 return", "drop"]);
  });

  it("lets answers pass only in the direction of answers, so that a removed rule ends what it allowed", () => {
    assert.equal(chain(firewallText(input()), "checked")[1], "ct state established ct direction reply accept");
  });

  it("keeps exactly the addresses of the given networks when it merges them", () => {
    const cidr = fc
      .tuple(fc.nat({ max: 0xffffffff }), fc.integer({ min: 0, max: 32 }))
      .map(([address, prefix]) => `${[24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".")}/${prefix}`);
    fc.assert(
      fc.property(fc.array(cidr, { maxLength: 8 }), fc.nat({ max: 0xffffffff }), (cidrs, probe) => {
        const address = new Address4([24, 16, 8, 0].map((shift) => (probe >>> shift) & 255).join("."));
        const merged = mergedNetworks(cidrs);
        const inside = (networks: readonly string[]): boolean =>
          networks.some((network) => address.isInSubnet(new Address4(network)));
        assert.equal(inside(merged), inside(cidrs));
        for (const one of merged)
          for (const other of merged)
            assert.ok(one === other || !new Address4(one).isInSubnet(new Address4(other)), `${one} lies in ${other}`);
        // Each first address of a given network stays allowed.
        for (const given of cidrs)
          assert.ok(
            merged.some((network) => new Address4(given).isInSubnet(new Address4(network))),
            given,
          );
      }),
    );
  });
});

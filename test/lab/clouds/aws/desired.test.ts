/** What machines, rules and load balancers follow from the state of AWS, and the rules' text for machines with one interface. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  balancerSpecs,
  instanceFirewalls,
  instanceSpec,
  nameSpecs,
  volumeSpecs,
  vpcSpecs,
} from "../../../../lab/clouds/aws/desired.js";
import { leftOf } from "../../../../lab/clouds/cloud.js";
import { type AwsBalancer, type AwsListener, type AwsRule } from "../../../../lab/clouds/aws/state.js";
import { firewallText, type FirewallPort } from "../../../../lab/region/firewall.js";
import { instance, state } from "./support/state.js";

const numbers = (id: string): number => ({ "i-0123456789abcdef0": 1, "i-2": 2 })[id] ?? 9;
const rule = (changes: Partial<AwsRule>): AwsRule => ({
  protocol: "tcp",
  from: null,
  to: null,
  cidr: null,
  group: null,
  ...changes,
});
const listener = (changes: Partial<AwsListener> = {}): AwsListener => ({
  protocol: "TCP",
  port: 6443,
  group: "arn:group",
  targetType: "instance",
  targets: [{ id: "i-0123456789abcdef0", port: 6443 }],
  health: {
    protocol: "HTTPS",
    port: "traffic-port",
    path: "/readyz",
    interval: 10,
    timeout: 10,
    healthy: 2,
    unhealthy: 2,
  },
  ...changes,
});
const balancer = (changes: Partial<AwsBalancer> = {}): AwsBalancer => ({
  id: "arn:lb",
  name: "api",
  dnsName: "API-0123456789abcdef.elb.eu-central-1.amazonaws.com",
  internal: false,
  vpc: "vpc-1",
  publicAddress: "198.18.35.20",
  privateAddress: "10.4.0.20",
  groups: [],
  listeners: [listener()],
  ...changes,
});

describe("AWS in the lab: machines", () => {
  it("have one interface in their subnet, and the public address that their route table lets them have", () => {
    const open = instanceSpec(state(), instance(), numbers);
    assert.equal(open.publicIpv4, "198.18.35.9");
    assert.deepEqual(open.single, {
      subnetCidr: "10.4.0.0/24",
      gateway: "10.4.0.1",
      egress: { kind: "public" },
      hopLimit: 1,
    });
    assert.equal(open.name, "cluster-worker-0");
    assert.equal(open.hostname, "ip-10-4-0-5");
    assert.equal(open.userData, "{}");
    const noRoute = instanceSpec(state({ routeTables: [] }), instance(), numbers);
    assert.equal(noRoute.publicIpv4, "");
    assert.deepEqual(noRoute.single?.egress, { kind: "none" });
  });

  it("without a public address get out through a NAT gateway, or not", () => {
    const hidden = instance({ subnet: "subnet-2", publicAddress: null, privateAddress: "10.4.1.7" });
    assert.deepEqual(instanceSpec(state(), hidden, numbers).single?.egress, { kind: "none" });
    const routes = [{ cidr: "0.0.0.0/0", internet: null, nat: "nat-1" }];
    const routed = state({
      natGateways: [{ id: "nat-1", subnet: "subnet-1", publicAddress: "198.18.35.3" }],
      routeTables: [{ id: "rtb-2", vpc: "vpc-1", main: false, subnets: ["subnet-2"], routes }],
    });
    assert.deepEqual(instanceSpec(routed, hidden, numbers).single?.egress, { kind: "nat", address: "198.18.35.3" });
  });

  it("find each subnet's gateway in their VPC, and volumes under the names of both kinds", () => {
    assert.deepEqual(vpcSpecs(state())[0]?.gateways, ["10.4.0.1", "10.4.1.1"]);
    const here = { instance: "i-0123456789abcdef0", attachment: "attached" } as const;
    const volumes = [
      { ...here, id: "vol-root", size: 20, device: "/dev/xvda" },
      { ...here, id: "vol-1", size: 5, device: "/dev/sdf" },
    ];
    const specs = volumeSpecs(state({ volumes }), numbers);
    assert.deepEqual(
      specs.map(({ id, machineId, links }) => ({ id, machineId, links })),
      [{ id: "vol-1", machineId: 1, links: ["/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol1", "/dev/xvdf"] }],
    );
  });
});

describe("AWS in the lab: security groups", () => {
  it("become rules by address: networks as they are, groups as the private addresses of their members and load balancers", () => {
    const ingress = [rule({ from: 22, to: 22, cidr: "192.0.2.1/32" }), rule({ protocol: "-1", group: "sg-2" })];
    const all = state({
      instances: [
        instance(),
        instance({ id: "i-2", privateAddress: "10.4.1.7", groups: [{ id: "sg-2", name: "controller" }] }),
      ],
      balancers: [balancer({ groups: ["sg-2"] })],
      groups: [{ id: "sg-1", vpc: "vpc-1", ingress, egress: [rule({ protocol: "-1", cidr: "0.0.0.0/0" })] }],
    });
    const [first, second] = instanceFirewalls(all, numbers);
    const members = ["10.4.1.7/32", "10.4.0.20/32"];
    assert.deepEqual(first?.inbound, [
      { protocol: "tcp", ports: { from: 22, to: 22 }, cidrs: ["192.0.2.1/32"] },
      ...(["tcp", "udp", "icmp"] as const).map((protocol) => ({ protocol, ports: null, cidrs: members })),
    ]);
    assert.equal(first?.outbound.length, 3);
    assert.deepEqual(second, { machineId: 2, inbound: [], outbound: [] });
  });

  it("close load balancers too, port by port; one without any is open", () => {
    const groups = [
      { id: "sg-lb", vpc: "vpc-1", ingress: [rule({ from: 6443, to: 6443, cidr: "192.0.2.0/24" })], egress: [] },
    ];
    const allow = (changes: Partial<AwsBalancer>): readonly string[] =>
      balancerSpecs(state({ groups, balancers: [balancer(changes)] }), numbers)[0]!.allow;
    assert.deepEqual(allow({}), []);
    assert.deepEqual(allow({ groups: ["sg-lb"] }), ["192.0.2.0/24"]);
    assert.deepEqual(allow({ groups: ["sg-lb"], listeners: [listener({ port: 80 })] }), ["255.255.255.255/32"]);
  });
});

describe("AWS in the lab: load balancers", () => {
  it("forward to their targets' private addresses and check health as the target group says", () => {
    const [spec] = balancerSpecs(state({ balancers: [balancer()] }), numbers);
    assert.equal(spec?.ip, "198.18.35.20");
    assert.equal(spec?.network, "EXTERNAL");
    assert.deepEqual(spec?.forwarding, [{ entryPort: 6443, targetPort: 6443 }]);
    assert.deepEqual(spec?.targets, [{ machineId: 1, privateIpv4: "10.4.0.5" }]);
    assert.deepEqual(
      [spec?.healthCheck.protocol, spec?.healthCheck.port, spec?.healthCheck.path],
      ["https", 6443, "/readyz"],
    );
  });

  it("that are internal have their private address; listeners that cannot be forwarded are left out", () => {
    const [spec] = balancerSpecs(
      state({
        balancers: [
          balancer({
            internal: true,
            publicAddress: null,
            listeners: [listener(), listener({ protocol: "UDP", port: 53 })],
          }),
        ],
      }),
      numbers,
    );
    assert.equal(spec?.ip, "10.4.0.20");
    assert.equal(spec?.network, "INTERNAL");
    assert.equal(
      balancerSpecs(state({ balancers: [balancer({ listeners: [listener({ protocol: "UDP" })] })] }), numbers).length,
      0,
    );
  });
});

describe("AWS in the lab: names", () => {
  const api = "api-0123456789abcdef.elb.eu-central-1.amazonaws.com";

  it("of load balancers lead where they answer: to a public address, or into the VPC", () => {
    const addresses = (changes: Partial<AwsBalancer>): readonly string[] | undefined =>
      nameSpecs(state({ balancers: [balancer(changes)] })).find(({ name }) => name === api)?.addresses;
    assert.deepEqual(addresses({}), ["198.18.35.20"]);
    assert.deepEqual(addresses({ internal: true, publicAddress: null }), ["10.4.0.20"]);
  });

  it("of machines are the private ones, and machines ask the name server of their VPC", () => {
    assert.deepEqual(nameSpecs(state()), [
      { name: "ip-10-4-0-5.eu-central-1.compute.internal", addresses: ["10.4.0.5"], inside: true },
    ]);
    const { names } = instanceSpec(state(), instance(), numbers);
    assert.deepEqual(names, { server: "10.4.0.2", domain: "eu-central-1.compute.internal" });
    assert.equal(vpcSpecs(state())[0]?.nameServer, names?.server);
  });
});

describe("AWS in the lab: the account", () => {
  it("is empty when no kind has anything", () => {
    assert.deepEqual(leftOf({ kinds: { VPCs: [], roles: [] } }), []);
    assert.deepEqual(leftOf({ kinds: { VPCs: ["vpc-1"], roles: [] } }), ["VPCs: vpc-1"]);
  });
});

describe("lab firewall text for machines with one interface", () => {
  const machine = (id: number, kind: "public" | "nat" | "none", hopLimit = 1): FirewallPort => ({
    id,
    publicIpv4: kind === "public" ? `198.18.35.${id}` : "",
    privateIpv4: `10.4.0.${id}`,
    vpcId: "vpc-1",
    single: {
      subnetCidr: "10.4.0.0/24",
      gateway: "10.4.0.1",
      egress: kind === "nat" ? { kind, address: "198.18.35.99" } : { kind },
      hopLimit,
    },
  });
  const text = (machines: readonly FirewallPort[]): string =>
    firewallText({
      publicCidr: "198.18.35.0/24",
      vpcs: [{ id: "vpc-1", cidr: "10.4.0.0/20", nameServer: "10.4.0.2" }],
      machines,
      firewalls: machines.map(({ id }) => ({ machineId: id, inbound: [], outbound: [] })),
    });

  it("maps public addresses one to one, lets others out through their NAT gateway, and the rest not at all", () => {
    const all = text([machine(1, "public"), machine(2, "nat"), machine(3, "none")]);
    assert.match(all, /map public_of \{\n.*\n\s+elements = \{ 10\.4\.0\.1 : 198\.18\.35\.1 \}/);
    assert.match(all, /map private_of \{\n.*\n\s+elements = \{ 198\.18\.35\.1 : 10\.4\.0\.1 \}/);
    assert.match(all, /map nat_of \{\n.*\n\s+elements = \{ 10\.4\.0\.2 : 198\.18\.35\.99 \}/);
    assert.match(all, /iifname @single ip saddr != @public_of drop/);
    assert.match(all, /"e0-1" : jump in_1, "e0-2" : jump in_2/);
    assert.doesNotMatch(all, /e1-\d/);
  });

  it("lets machines ask their VPC's name server, before any firewall is asked", () => {
    assert.match(
      text([machine(1, "none")]),
      /chain input \{(?:(?!jump checked)[^])*iifname @vpc_\w+ ip daddr 10\.4\.0\.2 meta l4proto \{ tcp, udp \} th dport 53 accept/,
    );
  });

  it("keeps the metadata service's answers from going past a machine whose hop limit is 1", () => {
    assert.match(text([machine(1, "public"), machine(2, "public", 2)]), /set near \{\n.*\n\s+elements = \{ "e0-1" \}/);
  });

  it("has nothing of it for machines with two interfaces, and is what nftables takes", function () {
    assert.doesNotMatch(
      text([{ id: 1, publicIpv4: "198.18.35.1", privateIpv4: "10.4.0.1", vpcId: "vpc-1" }]),
      /public_of|near|single/,
    );
    if (process.getuid?.() !== 0) this.skip();
    const result = spawnSync("unshare", ["--net", "nft", "--check", "--file", "-"], {
      input: text([machine(1, "public"), machine(2, "nat"), machine(3, "none")]),
      encoding: "utf8",
    });
    assert.equal(result.status, 0, result.stderr);
  });
});

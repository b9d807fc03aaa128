/**
 * The region's nftables rules as text: isolation of networks, protection against forged sources, cloud firewalls.
 *
 * Packets in the direction in which a connection was opened are checked against the rules each time; only answers pass
 * by connection tracking. A rule that is taken away so ends what it allowed, long-lived UDP tunnels included.
 */
import { Address4 } from "ip-address";
import type { MachineFirewall, PortRule, SingleInterface, VpcSpec } from "./spec.js";
import { addressLines, type SinglePort } from "./addresses.js";
import { identifier, metadataAddress, privatePort, publicPort, uplink } from "./names.js";

/** What the rules need to know of a machine. */
export interface FirewallPort {
  readonly id: number;
  readonly publicIpv4: string;
  readonly privateIpv4: string;
  readonly vpcId: string;
  readonly single?: SingleInterface;
}

export interface FirewallInput {
  readonly publicCidr: string;
  readonly vpcs: readonly Pick<VpcSpec, "id" | "cidr" | "nameServer">[];
  readonly machines: readonly FirewallPort[];
  readonly firewalls: readonly MachineFirewall[];
  /** Load balancers that only some networks may reach: a connection of others gets no answer, not even a refusal. @default none */
  readonly balancers?: readonly {
    readonly address: string;
    readonly ports: readonly number[];
    readonly allow: readonly string[];
  }[];
  /** What machines may not reach by themselves, since a proxy does it for them. @default nothing */
  readonly behindProxy?: { readonly address: string; readonly ports: readonly number[] };
}

const tableName = "corekube";

/** Text for one `nft -f`: replaces all rules at once, with no moment in between without any. */
export function firewallText(input: FirewallInput): string {
  const machines = [...input.machines].sort((a, b) => a.id - b.id);
  const present = new Set(machines.map((machine) => machine.id));
  const firewalls = [...input.firewalls]
    .filter((firewall) => present.has(firewall.machineId))
    .sort((a, b) => a.machineId - b.machineId);
  const vpcs = input.vpcs.filter((vpc) => machines.some((machine) => machine.vpcId === vpc.id));

  const single = machines.filter((machine): machine is SinglePort => machine.single !== undefined);
  const inner = (machine: FirewallPort): string => (machine.single ? publicPort(machine.id) : privatePort(machine.id));
  const sources = machines.flatMap((machine) => [
    ...(machine.publicIpv4 === "" ? [] : [`"${publicPort(machine.id)}" . ${machine.publicIpv4}`]),
    `"${inner(machine)}" . ${machine.privateIpv4}`,
  ]);
  const verdicts = (direction: "in" | "out"): string[] =>
    firewalls.flatMap(({ machineId }) => {
      const ports = single.some(({ id }) => id === machineId)
        ? [publicPort(machineId)]
        : [publicPort(machineId), privatePort(machineId)];
      return ports.map((port) => `"${port}" : jump ${direction}_${machineId}`);
    });

  return [
    `table inet ${tableName}`,
    `delete table inet ${tableName}`,
    `table inet ${tableName} {`,
    ...set("sources", "type ifname . ipv4_addr", sources),
    ...vpcs.flatMap((vpc) =>
      set(
        `vpc_${identifier(vpc.id)}`,
        "type ifname",
        machines.filter((machine) => machine.vpcId === vpc.id).map((machine) => `"${inner(machine)}"`),
      ),
    ),
    ...set("outbound", "type ifname : verdict", verdicts("out"), "map"),
    ...set("inbound", "type ifname : verdict", verdicts("in"), "map"),
    ...firewalls.flatMap((firewall) => [
      ...chain(`in_${firewall.machineId}`, [...firewall.inbound.flatMap((rule) => ruleLines(rule, "saddr")), "drop"]),
      ...chain(`out_${firewall.machineId}`, [...firewall.outbound.flatMap((rule) => ruleLines(rule, "daddr")), "drop"]),
    ]),
    ...addressLines(single, vpcs),
    ...chain("genuine", [
      'iifname "e0-*" iifname . ip saddr != @sources drop',
      'iifname "e1-*" iifname . ip saddr != @sources drop',
    ]),
    ...chain("checked", [
      "ct state related accept",
      "ct state established ct direction reply accept",
      "iifname vmap @outbound",
      "oifname vmap @inbound",
      "accept",
    ]),
    ...chain("forward", [
      "type filter hook forward priority filter; policy drop;",
      "jump genuine",
      ...vpcs.map((vpc) => `iifname @vpc_${identifier(vpc.id)} oifname @vpc_${identifier(vpc.id)} jump checked`),
      'iifname "e0-*" oifname "e0-*" jump checked',
      `iifname "${uplink}" oifname "e0-*" jump checked`,
      // Machines answer the host but open nothing to it: what the host listens on is none of the region's.
      `iifname "e0-*" oifname "${uplink}" ct state established,related ct direction reply accept`,
    ]),
    ...chain("input", [
      "type filter hook input priority filter; policy drop;",
      ...(input.balancers ?? []).map(
        ({ address, ports, allow }) =>
          `ip daddr ${address} tcp dport { ${ports.join(", ")} } ip saddr != { ${mergedNetworks(allow).join(", ")} } drop`,
      ),
      `iifname { "lo", "${uplink}" } accept`,
      "jump genuine",
      `iifname "e0-*" ip daddr ${metadataAddress} tcp dport 80 accept`,
      // Firewalls do not see what machines ask their VPC's name server.
      ...vpcs.flatMap(({ id, nameServer }) =>
        nameServer === undefined
          ? []
          : [`iifname @vpc_${identifier(id)} ip daddr ${nameServer} meta l4proto { tcp, udp } th dport 53 accept`],
      ),
      ...(input.behindProxy
        ? [
            `iifname { "e0-*", "e1-*" } ip daddr ${input.behindProxy.address} tcp dport { ${input.behindProxy.ports.join(", ")} } reject with tcp reset`,
          ]
        : []),
      `iifname "e0-*" ip daddr ${input.publicCidr} jump checked`,
      ...vpcs.map((vpc) => `iifname @vpc_${identifier(vpc.id)} ip daddr ${vpc.cidr} jump checked`),
      // Answers to what the region itself asked (health checks).
      "ct state established ct direction reply accept",
    ]),
    ...chain("output", [
      "type filter hook output priority filter; policy accept;",
      // What comes from here has passed no router yet: the machine itself gets it, a pod behind it does not.
      ...(single.length === 0 ? [] : [`oifname @near ip saddr ${metadataAddress} ip ttl set 1`]),
      "jump checked",
    ]),
    "}",
    "",
  ].join("\n");
}

/** Lines that let a rule's packets through to the next check. */
function ruleLines(rule: PortRule, direction: "saddr" | "daddr"): string[] {
  const networks = mergedNetworks(rule.cidrs);
  if (networks.length === 0) return [];
  const address = networks.includes("0.0.0.0/0") ? "" : `ip ${direction} { ${networks.join(", ")} } `;
  if (rule.protocol === "icmp") return [`${address}ip protocol icmp return`];
  if (rule.ports === null) return [`${address}meta l4proto ${rule.protocol} return`];
  const { from, to } = rule.ports;
  return [`${address}${rule.protocol} dport ${from === to ? from : `${from}-${to}`} return`];
}

/** IPv4 networks without those that others contain (nftables refuses overlaps). IPv6 is left out: the region routes none. */
export function mergedNetworks(cidrs: readonly string[]): readonly string[] {
  const networks = cidrs
    .filter((cidr) => !cidr.includes(":"))
    .map((cidr) => {
      const address = new Address4(cidr);
      return {
        address,
        text: `${address.startAddress().correctForm()}/${address.subnetMask}`,
        prefix: address.subnetMask,
      };
    })
    .sort((a, b) => a.prefix - b.prefix || (a.text < b.text ? -1 : 1));
  const kept: typeof networks = [];
  for (const network of networks) {
    if (!kept.some((wider) => network.address.isInSubnet(wider.address))) kept.push(network);
  }
  return kept.map((network) => network.text);
}

const chain = (name: string, lines: readonly string[]): string[] => [
  `  chain ${name} {`,
  ...lines.map((line) => `    ${line}`),
  "  }",
];

const set = (name: string, type: string, elements: readonly string[], kind: "set" | "map" = "set"): string[] => [
  `  ${kind} ${name} {`,
  `    ${type}`,
  ...(elements.length === 0 ? [] : [`    elements = { ${elements.join(", ")} }`]),
  "  }",
];

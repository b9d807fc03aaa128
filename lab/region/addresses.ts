/**
 * Rules for machines with one interface, as EC2 has them: the region maps their public addresses to the private ones, and back.
 *
 * The mapping is one to one and without memory, at the region's ends of the machines' links, so that everything in between (cloud
 * firewalls, load balancers, other machines) sees the addresses that the cloud's network would show. Only machines behind a NAT
 * gateway share an address, which takes connection tracking.
 */
import type { SingleInterface } from "./spec.js";
import { identifier, metadataAddress, publicPort } from "./names.js";

export interface SinglePort {
  readonly id: number;
  readonly publicIpv4: string;
  readonly privateIpv4: string;
  readonly vpcId: string;
  readonly single: SingleInterface;
}

/** Marks packets that leave through a NAT gateway. */
const natMark = "0xc0e";

/** Networks that no route of a VPC leads to but its own. */
const privateNetworks = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16";

/** Sets, maps and chains; none without such machines. */
export function addressLines(
  machines: readonly SinglePort[],
  vpcs: readonly { readonly id: string; readonly cidr: string }[],
): string[] {
  if (machines.length === 0) return [];
  const open = machines.filter((machine) => machine.publicIpv4 !== "" && machine.single.egress.kind === "public");
  const behindNat = machines.flatMap(({ privateIpv4, single: { egress } }) =>
    egress.kind === "nat" ? [`${privateIpv4} : ${egress.address}`] : [],
  );
  return [
    ...block("set single", ["type ifname", elements(machines.map(({ id }) => `"${publicPort(id)}"`))]),
    ...block("set own", [
      "type ifname . ipv4_addr",
      elements(machines.map(({ id, privateIpv4 }) => `"${publicPort(id)}" . ${privateIpv4}`)),
    ]),
    ...block("map public_of", [
      "type ipv4_addr : ipv4_addr",
      elements(open.map(({ publicIpv4, privateIpv4 }) => `${privateIpv4} : ${publicIpv4}`)),
    ]),
    ...block("map private_of", [
      "type ipv4_addr : ipv4_addr",
      elements(open.map(({ publicIpv4, privateIpv4 }) => `${publicIpv4} : ${privateIpv4}`)),
    ]),
    ...block("map nat_of", ["type ipv4_addr : ipv4_addr", elements(behindNat)]),
    ...block("set near", [
      "type ifname",
      elements(machines.filter(({ single }) => single.hopLimit === 1).map(({ id }) => `"${publicPort(id)}"`)),
    ]),
    ...block("chain leave", [
      "type filter hook prerouting priority raw; policy accept;",
      "iifname @single iifname . ip saddr != @own drop",
      `iifname @single ip daddr ${metadataAddress} accept`,
      ...vpcs.map((vpc) => `iifname @vpc_${identifier(vpc.id)} iifname @single ip daddr ${vpc.cidr} accept`),
      `iifname @single ip daddr { ${privateNetworks} } drop`,
      `iifname @single ip saddr @nat_of meta mark set ${natMark} accept`,
      "iifname @single ip saddr != @public_of drop",
      "iifname @single ip saddr set ip saddr map @public_of",
    ]),
    ...block("chain arrive", [
      "type filter hook postrouting priority 300; policy accept;",
      "oifname @single ip daddr set ip daddr map @private_of",
    ]),
    ...["input", "postrouting"].flatMap((hook) =>
      block(`chain nat_${hook}`, [
        `type nat hook ${hook} priority 100; policy accept;`,
        `meta mark ${natMark} snat ip to ip saddr map @nat_of`,
      ]),
    ),
  ];
}

const elements = (items: readonly string[]): string => (items.length === 0 ? "" : `elements = { ${items.join(", ")} }`);

const block = (head: string, lines: readonly string[]): string[] => [
  `  ${head} {`,
  ...lines.filter((line) => line !== "").map((line) => `    ${line}`),
  "  }",
];

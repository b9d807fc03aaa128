/** Network of one machine: its namespace with eth0 and eth1 (or eth0 alone), and the region's ends of both. */
import type { MachineSpec, VpcSpec } from "./spec.js";
import type { LabConfig } from "../config.js";
import {
  isVpcBridge,
  machineName,
  metadataAddress,
  privatePort,
  publicBridge,
  publicPort,
  vpcBridge,
} from "./names.js";
import { tryRun, run } from "../process/run.js";
import { ip, setSysctls } from "./run.js";
import { namespaces, removeNamespace, removePropagation } from "./region.js";

/** Makes the machine's namespace with its links, addresses and routes; an existing complete one is kept. */
export async function createMachineNetwork(config: LabConfig, machine: MachineSpec): Promise<void> {
  const { id, single, publicIpv4, privateIpv4, macs } = machine;
  const namespace = machineName(config, id);
  const outer = {
    name: "eth0",
    port: publicPort(id),
    mac: macs.public,
    address: publicIpv4,
    network: config.publicCidr,
  };
  const inner = single
    ? { name: "eth0", port: publicPort(id), mac: macs.private, address: privateIpv4, network: single.subnetCidr }
    : { name: "eth1", port: privatePort(id), mac: macs.private, address: privateIpv4, network: machine.vpcCidr };
  if ((await namespaces()).includes(namespace)) {
    const found = ["ip", "-n", config.namespace, "-o", "route", "show", privateIpv4, "dev", inner.port];
    const route = await tryRun(found);
    if (route.code === 0 && route.stdout.trim() !== "" && !(await isUnplugged(namespace)))
      return single && setPublicRoute(config, machine);
    await removeMachineNetwork(config, id);
  }
  const wires = single ? [inner] : [outer, inner];
  await run(["ip", "netns", "add", namespace]);
  await ip(
    config.namespace,
    wires.map(
      ({ name, port, mac }) => `link add ${port} type veth peer name ${name} address ${mac} netns ${namespace}`,
    ),
  );
  await ip(namespace, [
    "link set lo up",
    ...wires.map(({ name, address, network }) => `addr add ${address}/${network.split("/")[1]} dev ${name}`),
    ...wires.map(({ name }) => `link set ${name} up`),
    `route add default via ${single?.gateway ?? config.gateway} dev eth0`,
    `route add ${metadataAddress} dev eth0`,
  ]);
  await setSysctls(
    config.namespace,
    Object.fromEntries(wires.flatMap(({ port }) => Object.entries(proxySettings(port)))),
  );
  await ip(
    config.namespace,
    wires.map(({ port }) => `link set ${port} up`),
  );
  if (single) await setPublicRoute(config, machine);
  else await ip(config.namespace, [`route add ${publicIpv4} dev ${outer.port}`]);
  // The route to the private address is made last: when it is there, so is all the rest.
  await ip(config.namespace, [`route add ${privateIpv4} dev ${inner.port}`]);
}

/** The region answers ARP for all machines behind it, at once: by default a proxy waits up to 0.8 s. */
const proxySettings = (port: string): Record<string, number> => ({
  [`net/ipv4/conf/${port}/proxy_arp`]: 1,
  [`net/ipv4/neigh/${port}/proxy_delay`]: 0,
  [`net/ipv4/conf/${port}/rp_filter`]: 0,
});

/** Makes the route to the public address of a machine with one interface equal to what it has now: one, or none. */
export async function setPublicRoute(config: LabConfig, machine: MachineSpec): Promise<void> {
  const port = publicPort(machine.id);
  const listed = await tryRun(["ip", "-n", config.namespace, "-o", "route", "show", "dev", port]);
  if (listed.code !== 0) return;
  const present = listed.stdout
    .split("\n")
    .map((line) => line.split(" ")[0]!)
    .filter((address) => address !== "" && address !== machine.privateIpv4);
  const wanted = machine.publicIpv4 === "" ? [] : [machine.publicIpv4];
  await ip(config.namespace, [
    ...present.filter((address) => !wanted.includes(address)).map((address) => `route del ${address} dev ${port}`),
    ...wanted.filter((address) => !present.includes(address)).map((address) => `route replace ${address} dev ${port}`),
    // The region's own answers to a NAT gateway's address find their way back only after they have been routed.
    ...(machine.single?.egress.kind === "nat"
      ? [`route replace ${machine.single.egress.address} dev ${publicBridge}`]
      : []),
  ]);
}

/**
 * Cuts both wires, as the loss of power does: what comes for the machine vanishes without an answer, and what it would still say
 * (its kernel ends the connections of processes that are killed) is lost. The next `createMachineNetwork` makes a
 * new network.
 */
export async function unplugMachineNetwork(config: LabConfig, id: number): Promise<void> {
  const namespace = machineName(config, id);
  if (!(await namespaces()).includes(namespace) || (await isUnplugged(namespace))) return;
  // Without a neighbour that answers, the region would answer the senders with an error within seconds; a cloud's network does not.
  const wires = await wiresOf(namespace);
  const ports: Readonly<Record<string, string>> = { eth0: publicPort(id), eth1: privatePort(id) };
  const neighbours = await Promise.all(
    wires.map(async (inside) => {
      const port = ports[inside];
      const links = JSON.parse(
        await run(["ip", "-n", namespace, "-j", "-4", "addr", "show", "dev", inside]),
      ) as readonly Address[];
      const hardware = JSON.parse(await run(["ip", "-n", namespace, "-j", "link", "show", "dev", inside])) as readonly {
        readonly address: string;
      }[];
      return links
        .flatMap((link) => link.addr_info)
        .map(({ local }) => `neigh replace ${local} lladdr ${hardware[0]!.address} dev ${port} nud permanent`);
    }),
  );
  await ip(config.namespace, neighbours.flat());
  await ip(
    namespace,
    wires.map((wire) => `link set ${wire} down`),
  );
}

/** Interfaces of a machine towards the region: the last one is made last. */
async function wiresOf(namespace: string): Promise<readonly string[]> {
  const links = await run(["ip", "-n", namespace, "-o", "link"]);
  return ["eth0", "eth1"].filter((name) => links.includes(` ${name}@`));
}

interface Address {
  readonly addr_info: readonly { readonly local: string }[];
}

async function isUnplugged(namespace: string): Promise<boolean> {
  const wire = (await wiresOf(namespace)).at(-1);
  const up =
    wire === undefined ? undefined : await tryRun(["ip", "-n", namespace, "-o", "link", "show", "dev", wire, "up"]);
  return up === undefined || up.stdout.trim() === "";
}

/** Removes the machine's namespace; its links and routes go with it. */
export async function removeMachineNetwork(config: LabConfig, id: number): Promise<void> {
  // The links by name: a namespace that something still holds would keep their names taken.
  for (const port of [publicPort(id), privatePort(id)])
    await tryRun(["ip", "-n", config.namespace, "link", "del", port]);
  await removeNamespace(machineName(config, id));
  removePropagation(config, id);
}

/** Addresses of a VPC that the region itself answers at, besides those of load balancers. */
export const ownAddresses = ({ gateways = [], nameServer }: VpcSpec): readonly string[] =>
  nameServer === undefined ? gateways : [...gateways, nameServer];

/** A VPC in the region is a bridge without ports, which carries the addresses of its load balancers, its subnets' gateways and its name server. */
export async function setVpcNetworks(config: LabConfig, vpcs: readonly VpcSpec[]): Promise<void> {
  const listed = JSON.parse(
    (await run(["ip", "-n", config.namespace, "-json", "link", "show", "type", "bridge"])) || "[]",
  ) as readonly { readonly ifname?: string }[];
  const present = listed.flatMap(({ ifname = "" }) => (isVpcBridge(ifname) ? ifname : []));
  const wanted = new Map(vpcs.map((vpc) => [vpcBridge(vpc.id), vpc]));
  await ip(config.namespace, [
    ...[...wanted.keys()]
      .filter((bridge) => !present.includes(bridge))
      .flatMap((bridge) => [`link add ${bridge} type bridge`, `link set ${bridge} up`]),
    // One that is no gateway any more goes with the next change of the load balancers.
    ...[...wanted].flatMap(([bridge, vpc]) =>
      ownAddresses(vpc).map((address) => `addr replace ${address}/32 dev ${bridge}`),
    ),
    ...present.filter((bridge) => !wanted.has(bridge)).map((bridge) => `link del ${bridge}`),
  ]);
}

/** Makes the addresses of a bridge equal to `wanted` plus `kept`; existing connections to those that stay are kept. */
export async function setAddresses(
  config: LabConfig,
  bridge: string,
  wanted: readonly string[],
  kept: readonly string[] = [],
): Promise<void> {
  const listed = await run(["ip", "-n", config.namespace, "-4", "-o", "addr", "show", "dev", bridge]);
  const present = [...listed.matchAll(/ inet ([0-9.]+)\//g)].map((match) => match[1]!);
  await ip(config.namespace, [
    ...[...new Set(wanted)]
      .filter((address) => !present.includes(address))
      .map((address) => `addr add ${address}/32 dev ${bridge}`),
    ...present
      .filter((address) => !wanted.includes(address) && !kept.includes(address))
      .map((address) => `addr del ${address}/32 dev ${bridge}`),
  ]);
}

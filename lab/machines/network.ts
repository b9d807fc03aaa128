/** Network of one droplet: its namespace with eth0 and eth1, and the region's ends of both. */
import type { DropletSpec } from "../api/driver.js";
import type { LabConfig } from "../config.js";
import { machineName, metadataAddress, privatePort, publicPort, vpcBridge } from "./names.js";
import { attempt, ip, run, setSysctls } from "./run.js";
import { namespaces, removeNamespace, removePropagation } from "./region.js";

/** Makes the droplet's namespace with its links, addresses and routes; an existing complete one is kept. */
export async function createMachineNetwork(config: LabConfig, droplet: DropletSpec): Promise<void> {
  const namespace = machineName(config, droplet.id);
  const [port0, port1] = [publicPort(droplet.id), privatePort(droplet.id)];
  if ((await namespaces()).includes(namespace)) {
    const route = await attempt(["ip", "-n", config.namespace, "-o", "route", "show", droplet.privateIpv4, "dev", port1]);
    if (route.code === 0 && route.stdout.trim() !== "" && !(await isUnplugged(namespace))) return;
    await removeMachineNetwork(config, droplet.id);
  }
  const publicPrefix = config.publicCidr.split("/")[1];
  const privatePrefix = droplet.vpcCidr.split("/")[1];
  await run(["ip", "netns", "add", namespace]);
  await ip(config.namespace, [
    `link add ${port0} type veth peer name eth0 address ${droplet.macs.public} netns ${namespace}`,
    `link add ${port1} type veth peer name eth1 address ${droplet.macs.private} netns ${namespace}`,
  ]);
  await ip(namespace, [
    "link set lo up",
    `addr add ${droplet.publicIpv4}/${publicPrefix} dev eth0`,
    `addr add ${droplet.privateIpv4}/${privatePrefix} dev eth1`,
    "link set eth0 up",
    "link set eth1 up",
    `route add default via ${config.gateway} dev eth0`,
    `route add ${metadataAddress} dev eth0`,
  ]);
  // The region answers ARP for everybody behind it, at once: by default a proxy waits up to 0.8 s.
  const proxy = (port: string): Record<string, number> => ({
    [`net/ipv4/conf/${port}/proxy_arp`]: 1,
    [`net/ipv4/neigh/${port}/proxy_delay`]: 0,
    [`net/ipv4/conf/${port}/rp_filter`]: 0,
  });
  await setSysctls(config.namespace, { ...proxy(port0), ...proxy(port1) });
  // The route to the private address is made last: when it is there, so is all the rest.
  await ip(config.namespace, [
    `link set ${port0} up`,
    `link set ${port1} up`,
    `route add ${droplet.publicIpv4} dev ${port0}`,
    `route add ${droplet.privateIpv4} dev ${port1}`,
  ]);
}

/**
 * Cuts both wires, as the loss of power does: what comes for the machine vanishes without an answer, and what it would still say
 * (its kernel ends the connections of processes that are killed) is heard by nobody. The next `createMachineNetwork` makes the
 * network anew.
 */
export async function unplugMachineNetwork(config: LabConfig, id: number): Promise<void> {
  const namespace = machineName(config, id);
  if (!(await namespaces()).includes(namespace) || (await isUnplugged(namespace))) return;
  // Without a neighbour that answers, the region would tell the senders so within seconds; a cloud's network does not.
  const neighbours = await Promise.all(
    [["eth0", publicPort(id)], ["eth1", privatePort(id)]].map(async ([inside, port]) => {
      const links = JSON.parse(await run(["ip", "-n", namespace, "-j", "-4", "addr", "show", "dev", inside!])) as readonly Address[];
      const hardware = JSON.parse(await run(["ip", "-n", namespace, "-j", "link", "show", "dev", inside!])) as readonly { readonly address: string }[];
      return links.flatMap((link) => link.addr_info).map(({ local }) => `neigh replace ${local} lladdr ${hardware[0]!.address} dev ${port} nud permanent`);
    }),
  );
  await ip(config.namespace, neighbours.flat());
  await ip(namespace, ["link set eth0 down", "link set eth1 down"]);
}

interface Address {
  readonly addr_info: readonly { readonly local: string }[];
}

async function isUnplugged(namespace: string): Promise<boolean> {
  const up = await attempt(["ip", "-n", namespace, "-o", "link", "show", "dev", "eth1", "up"]);
  return up.stdout.trim() === "";
}

/** Removes the droplet's namespace; its links and routes go with it. */
export async function removeMachineNetwork(config: LabConfig, id: number): Promise<void> {
  // The links by name: a namespace that something still holds would keep their names taken.
  for (const port of [publicPort(id), privatePort(id)]) await attempt(["ip", "-n", config.namespace, "link", "del", port]);
  await removeNamespace(machineName(config, id));
  removePropagation(config, id);
}

/** A VPC in the region: a bridge without ports, which carries the addresses of the VPC's load balancers. */
export async function createVpcNetwork(config: LabConfig, vpcUuid: string): Promise<void> {
  const bridge = vpcBridge(vpcUuid);
  if ((await attempt(["ip", "-n", config.namespace, "link", "show", bridge])).code === 0) return;
  await ip(config.namespace, [`link add ${bridge} type bridge`, `link set ${bridge} up`]);
}

export async function removeVpcNetwork(config: LabConfig, vpcUuid: string): Promise<void> {
  await attempt(["ip", "-n", config.namespace, "link", "del", vpcBridge(vpcUuid)]);
}

/** Makes the addresses of a bridge equal to `wanted` plus `kept`; existing connections to those that stay go on. */
export async function setAddresses(config: LabConfig, bridge: string, wanted: readonly string[], kept: readonly string[] = []): Promise<void> {
  const listed = await run(["ip", "-n", config.namespace, "-4", "-o", "addr", "show", "dev", bridge]);
  const present = [...listed.matchAll(/ inet ([0-9.]+)\//g)].map((match) => match[1]!);
  await ip(config.namespace, [
    ...[...new Set(wanted)].filter((address) => !present.includes(address)).map((address) => `addr add ${address}/32 dev ${bridge}`),
    ...present.filter((address) => !wanted.includes(address) && !kept.includes(address)).map((address) => `addr del ${address}/32 dev ${bridge}`),
  ]);
}

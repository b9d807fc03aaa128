/** Network of one machine: its namespace with eth0 and eth1 (or eth0 alone), and the region's ends of both. */
import type { DropletSpec, SingleInterface, VpcSpec } from "../clouds/digitalocean/driver.js";
import type { LabConfig } from "../config.js";
import { machineName, metadataAddress, privatePort, publicBridge, publicPort, vpcBridge } from "./names.js";
import { attempt, ip, run, setSysctls } from "./run.js";
import { namespaces, removeNamespace, removePropagation } from "./region.js";

/** Makes the droplet's namespace with its links, addresses and routes; an existing complete one is kept. */
export async function createMachineNetwork(config: LabConfig, droplet: DropletSpec): Promise<void> {
  if (droplet.single) return createSingleNetwork(config, droplet, droplet.single);
  const namespace = machineName(config, droplet.id);
  const [port0, port1] = [publicPort(droplet.id), privatePort(droplet.id)];
  if ((await namespaces()).includes(namespace)) {
    const route = await attempt([
      "ip",
      "-n",
      config.namespace,
      "-o",
      "route",
      "show",
      droplet.privateIpv4,
      "dev",
      port1,
    ]);
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
  await setSysctls(config.namespace, { ...proxySettings(port0), ...proxySettings(port1) });
  // The route to the private address is made last: when it is there, so is all the rest.
  await ip(config.namespace, [
    `link set ${port0} up`,
    `link set ${port1} up`,
    `route add ${droplet.publicIpv4} dev ${port0}`,
    `route add ${droplet.privateIpv4} dev ${port1}`,
  ]);
}

/** The region answers ARP for everybody behind it, at once: by default a proxy waits up to 0.8 s. */
const proxySettings = (port: string): Record<string, number> => ({
  [`net/ipv4/conf/${port}/proxy_arp`]: 1,
  [`net/ipv4/neigh/${port}/proxy_delay`]: 0,
  [`net/ipv4/conf/${port}/rp_filter`]: 0,
});

async function createSingleNetwork(config: LabConfig, droplet: DropletSpec, single: SingleInterface): Promise<void> {
  const namespace = machineName(config, droplet.id);
  const port = publicPort(droplet.id);
  if ((await namespaces()).includes(namespace)) {
    const route = await attempt([
      "ip",
      "-n",
      config.namespace,
      "-o",
      "route",
      "show",
      droplet.privateIpv4,
      "dev",
      port,
    ]);
    if (route.code === 0 && route.stdout.trim() !== "" && !(await isUnplugged(namespace)))
      return setPublicRoute(config, droplet);
    await removeMachineNetwork(config, droplet.id);
  }
  await run(["ip", "netns", "add", namespace]);
  await ip(config.namespace, [
    `link add ${port} type veth peer name eth0 address ${droplet.macs.private} netns ${namespace}`,
  ]);
  await ip(namespace, [
    "link set lo up",
    `addr add ${droplet.privateIpv4}/${single.subnetCidr.split("/")[1]} dev eth0`,
    "link set eth0 up",
    `route add default via ${single.gateway} dev eth0`,
    `route add ${metadataAddress} dev eth0`,
  ]);
  await setSysctls(config.namespace, proxySettings(port));
  await ip(config.namespace, [`link set ${port} up`]);
  await setPublicRoute(config, droplet);
  await ip(config.namespace, [`route add ${droplet.privateIpv4} dev ${port}`]);
}

/** Makes the route to the public address of a machine with one interface equal to what it has now: one, or none. */
export async function setPublicRoute(config: LabConfig, droplet: DropletSpec): Promise<void> {
  const port = publicPort(droplet.id);
  const listed = await attempt(["ip", "-n", config.namespace, "-o", "route", "show", "dev", port]);
  if (listed.code !== 0) return;
  const present = listed.stdout
    .split("\n")
    .map((line) => line.split(" ")[0]!)
    .filter((address) => address !== "" && address !== droplet.privateIpv4);
  const wanted = droplet.publicIpv4 === "" ? [] : [droplet.publicIpv4];
  await ip(config.namespace, [
    ...present.filter((address) => !wanted.includes(address)).map((address) => `route del ${address} dev ${port}`),
    ...wanted.filter((address) => !present.includes(address)).map((address) => `route replace ${address} dev ${port}`),
    // The region's own answers to a NAT gateway's address find their way back only after they have been routed.
    ...(droplet.single?.egress.kind === "nat"
      ? [`route replace ${droplet.single.egress.address} dev ${publicBridge}`]
      : []),
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
    wire === undefined ? undefined : await attempt(["ip", "-n", namespace, "-o", "link", "show", "dev", wire, "up"]);
  return up === undefined || up.stdout.trim() === "";
}

/** Removes the droplet's namespace; its links and routes go with it. */
export async function removeMachineNetwork(config: LabConfig, id: number): Promise<void> {
  // The links by name: a namespace that something still holds would keep their names taken.
  for (const port of [publicPort(id), privatePort(id)])
    await attempt(["ip", "-n", config.namespace, "link", "del", port]);
  await removeNamespace(machineName(config, id));
  removePropagation(config, id);
}

/** A VPC in the region: a bridge without ports, which carries the addresses of the VPC's load balancers and of its subnets' gateways. */
export async function createVpcNetwork(config: LabConfig, vpc: VpcSpec): Promise<void> {
  const bridge = vpcBridge(vpc.id);
  if ((await attempt(["ip", "-n", config.namespace, "link", "show", bridge])).code !== 0) {
    await ip(config.namespace, [`link add ${bridge} type bridge`, `link set ${bridge} up`]);
  }
  // One that is no gateway any more goes with the next change of the load balancers.
  for (const address of vpc.gateways ?? []) await ip(config.namespace, [`addr replace ${address}/32 dev ${bridge}`]);
}

export async function removeVpcNetwork(config: LabConfig, vpcUuid: string): Promise<void> {
  await attempt(["ip", "-n", config.namespace, "link", "del", vpcBridge(vpcUuid)]);
}

/** Makes the addresses of a bridge equal to `wanted` plus `kept`; existing connections to those that stay go on. */
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

/**
 * Every name that the lab takes on this machine, made from the region's name and an id.
 *
 * Clean-up works from these names alone and compares them whole: the region `lab` never touches what belongs to
 * another region whose name merely starts the same way.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { LabConfig } from "../config.js";

/** Address of the metadata service, the same in every cloud region. */
export const metadataAddress = "169.254.169.254";

/** Bridge without ports that carries the gateway, the metadata address and the external load balancers. */
export const publicBridge = "public";

/** The region's end of the link to the host. */
export const uplink = "uplink";

/** Network namespace, machine name for systemd-nspawn and cgroup of a machine. */
export const machineName = (config: LabConfig, id: number): string => `${config.namespace}-${id}`;

/** Id of the machine that a network namespace belongs to; undefined when it is none of this region's. */
export function machineOfNamespace(config: LabConfig, namespace: string): number | undefined {
  const prefix = `${config.namespace}-`;
  if (!namespace.startsWith(prefix)) return undefined;
  const rest = namespace.slice(prefix.length);
  return /^[1-9][0-9]*$/.test(rest) ? Number(rest) : undefined;
}

/** The region's end of a machine's eth0. At most 15 characters, as the kernel wants it. */
export const publicPort = (id: number): string => interfaceName("e0", id);

/** The region's end of a machine's eth1. */
export const privatePort = (id: number): string => interfaceName("e1", id);

/** Bridge without ports that carries the addresses of a VPC's load balancers. */
export const vpcBridge = (vpcId: string): string => `vpc-${digest(vpcId, 10)}`;

export const isVpcBridge = (link: string): boolean => /^vpc-[0-9a-f]{10}$/.test(link);

/** Folder of a machine: its root, what it was made from, its process. */
export const machineDirectory = (config: LabConfig, id: number): string => join(machinesDirectory(config), String(id));

export const machinesDirectory = (config: LabConfig): string => join(config.directory, "machines");

export const volumesDirectory = (config: LabConfig): string => join(config.directory, "volumes");

export const balancersDirectory = (config: LabConfig): string => join(config.directory, "balancers");

export const nameServerDirectory = (config: LabConfig): string => join(config.directory, "names");

/** haproxy's socket; not in the region's folder, since a socket's path may have 107 characters at most. */
export const balancerSocket = (config: LabConfig): string => `/run/${config.namespace}-haproxy.sock`;

/** What the proxy is started with; its logs are with the others. */
export const proxyDirectory = (config: LabConfig): string => join(config.directory, "proxy");

/** Objects, key and process of the region's object storage. */
export const objectStorageDirectory = (config: LabConfig): string => join(config.directory, "objects");

export const logsDirectory = (config: LabConfig): string => join(config.directory, "logs");

/** Console of a machine since its last start; the start before that stands beside it as `.1`. */
export const consoleLog = (config: LabConfig, name: string): string =>
  join(logsDirectory(config), `${name}.console.log`);

/** File behind a volume. The id is the API's; anything but a plain id is refused, since it becomes a file name. */
export function volumeFile(config: LabConfig, id: string): string {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(id))
    throw new Error(`volume id: got "${id}", allowed are letters, digits and dashes`);
  return join(volumesDirectory(config), `${id}.img`);
}

/** Identifier for nftables and haproxy, from an id that may hold any character. */
export const identifier = (id: string): string => digest(id, 12);

function interfaceName(prefix: string, id: number): string {
  const name = `${prefix}-${id}`;
  if (name.length > 15)
    throw new Error(
      `machine id: got ${id}, allowed are ids of at most ${15 - prefix.length - 1} digits (they name a network link)`,
    );
  return name;
}

function digest(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}

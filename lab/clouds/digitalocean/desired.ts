/** What the machines must be, worked out from the records: pure functions, no I/O. */
import { hardwareAddress, ipv4Network } from "./addresses.js";
import { knownSize } from "./catalog/sizes.js";
import {
  type DesiredState,
  type LoadBalancerSpec,
  type MachineFirewall,
  type MachineSpec,
  type PortRule,
  noNetwork,
  unique,
} from "../../region/spec.js";
import type { FirewallTarget } from "./resources/firewallSchema.js";
import type { DropletRecord, FirewallRecord, LoadBalancerRecord, State, VpcRecord } from "./state.js";

export function vpcOf(state: State, id: string): VpcRecord {
  const vpc = state.vpcs.find((candidate) => candidate.id === id);
  if (!vpc) throw new Error(`VPC ${id} is used but not stored`);
  return vpc;
}

export function machineSpec(state: State, droplet: DropletRecord): MachineSpec {
  const { vcpus, memory, disk } = knownSize(droplet.sizeSlug);
  return {
    id: droplet.id,
    name: droplet.name,
    vcpus,
    memory,
    disk,
    publicIpv4: droplet.publicIpv4,
    privateIpv4: droplet.privateIpv4,
    vpcId: droplet.vpcId,
    vpcCidr: vpcOf(state, droplet.vpcId).ip_range,
    macs: { public: hardwareAddress(1, droplet.publicIpv4), private: hardwareAddress(2, droplet.privateIpv4) },
    userData: state.userData[droplet.userData] ?? "",
    sshKeys: droplet.sshKeys,
    power: droplet.power,
  };
}

/** Droplets that a firewall protects: those it names and those that carry one of its tags. */
export const protectedDroplets = (state: State, firewall: FirewallRecord): DropletRecord[] =>
  state.droplets.filter(
    (droplet) => firewall.droplet_ids.includes(droplet.id) || droplet.tags.some((tag) => firewall.tags.includes(tag)),
  );

/** All rules by machine. IPv6 ranges are left out: machines of the lab have no IPv6 address that one could reach. */
function machineFirewalls(state: State): MachineFirewall[] {
  const resolved = state.firewalls.map((firewall) => ({
    droplets: new Set(protectedDroplets(state, firewall).map((droplet) => droplet.id)),
    inbound: firewall.inbound_rules.flatMap((rule) => portRule(state, rule.protocol, rule.ports, rule.sources)),
    outbound: firewall.outbound_rules.flatMap((rule) => portRule(state, rule.protocol, rule.ports, rule.destinations)),
  }));
  return state.droplets.flatMap((droplet) => {
    const mine = resolved.filter((firewall) => firewall.droplets.has(droplet.id));
    if (mine.length === 0) return [];
    return [
      {
        machineId: droplet.id,
        inbound: unique(mine.flatMap((firewall) => firewall.inbound)),
        outbound: unique(mine.flatMap((firewall) => firewall.outbound)),
      },
    ];
  });
}

function portRule(state: State, protocol: PortRule["protocol"], ports: string, target: FirewallTarget): PortRule[] {
  const cidrs = targetCidrs(state, target);
  return cidrs.length === 0 ? [] : [{ protocol, ports: protocol === "icmp" ? null : portRange(ports), cidrs }];
}

/** "0" means all ports. */
function portRange(ports: string): PortRule["ports"] {
  if (ports === "0") return null;
  const [from, to] = ports.split("-").map(Number);
  return { from: from ?? 0, to: to ?? from ?? 0 };
}

function targetCidrs(state: State, target: FirewallTarget): string[] {
  const droplets = state.droplets.filter(
    (droplet) => target.droplet_ids?.includes(droplet.id) || droplet.tags.some((tag) => target.tags?.includes(tag)),
  );
  const balancers = state.loadBalancers.filter((balancer) => target.load_balancer_uids?.includes(balancer.id));
  return [
    ...new Set([
      ...(target.addresses ?? []).flatMap((text) => ipv4Network(text) ?? []),
      ...droplets.flatMap((droplet) => [`${droplet.publicIpv4}/32`, `${droplet.privateIpv4}/32`]),
      ...balancers.flatMap((balancer) => [`${balancer.ip}/32`, `${balancer.privateIpv4}/32`]),
    ]),
  ];
}

/** Droplets behind a load balancer: by tag (only those of its own network) or by id. */
export const targetDroplets = (state: State, balancer: LoadBalancerRecord): DropletRecord[] =>
  state.droplets.filter(
    (droplet) =>
      !droplet.deleting &&
      !droplet.failed &&
      droplet.vpcId === balancer.vpcId &&
      (balancer.tag === "" ? balancer.droplet_ids.includes(droplet.id) : droplet.tags.includes(balancer.tag)),
  );

const loadBalancerSpecs = (state: State): LoadBalancerSpec[] =>
  state.loadBalancers.map((balancer) => ({
    id: balancer.id,
    name: balancer.name,
    ip: balancer.ip,
    network: balancer.network,
    vpcId: balancer.vpcId,
    privateIpv4: balancer.privateIpv4,
    forwarding: balancer.forwarding_rules.map((rule) => ({ entryPort: rule.entry_port, targetPort: rule.target_port })),
    healthCheck: {
      protocol: balancer.health_check.protocol,
      port: balancer.health_check.port,
      path: balancer.health_check.path,
      interval: balancer.health_check.check_interval_seconds,
      timeout: balancer.health_check.response_timeout_seconds,
      healthyThreshold: balancer.health_check.healthy_threshold,
      unhealthyThreshold: balancer.health_check.unhealthy_threshold,
    },
    targets: targetDroplets(state, balancer).map((droplet) => ({
      machineId: droplet.id,
      privateIpv4: droplet.privateIpv4,
    })),
    allow: allowedCidrs(balancer.firewall.allow),
  }));

/** Rules have the form "cidr:10.0.0.0/8" or "ip:10.0.0.1"; no rule allows everyone. */
export function allowedCidrs(rules: readonly string[]): string[] {
  const allowed = rules.flatMap((rule) => ipv4Network(rule.slice(rule.indexOf(":") + 1)) ?? []);
  return rules.length > 0 && allowed.length === 0 ? [noNetwork] : allowed;
}

export function desiredState(state: State): DesiredState {
  const droplets = state.droplets.filter((droplet) => !droplet.deleting && !droplet.failed);
  const hasMembers = (vpc: VpcRecord): boolean =>
    [...state.droplets, ...state.loadBalancers].some((member) => member.vpcId === vpc.id);
  return {
    vpcs: state.vpcs
      .filter((vpc) => !vpc.implicit || hasMembers(vpc))
      .map((vpc) => ({ id: vpc.id, cidr: vpc.ip_range })),
    machines: droplets.map((droplet) => machineSpec(state, droplet)),
    volumes: state.volumes.map((volume) => ({
      id: volume.id,
      links: [`/dev/disk/by-id/scsi-0DO_Volume_${volume.name}`],
      size: volume.size_gigabytes,
      machineId: droplets.some(({ id }) => id === volume.dropletId) ? volume.dropletId : null,
    })),
    firewalls: machineFirewalls(state),
    loadBalancers: loadBalancerSpecs(state),
  };
}

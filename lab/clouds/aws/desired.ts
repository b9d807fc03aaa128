/** What the machines must be, worked out from the state of the region's AWS: pure functions, no I/O. */
import { nthAddress } from "../../../components/spec/cidr.js";
import {
  type DesiredState,
  type LoadBalancerSpec,
  type MachineFirewall,
  type MachineSpec,
  type NameSpec,
  type PortRule,
  type SingleInterface,
  type VolumeSpec,
  type VpcSpec,
  noNetwork,
  unique,
} from "../../region/spec.js";
import type { AwsBalancer, AwsInstance, AwsListener, AwsRule, AwsState } from "./state.js";

/** Number of an instance on this machine. */
export type Numbers = (instance: string) => number;

export const vpcSpecs = (state: AwsState): VpcSpec[] =>
  state.vpcs.map(({ id, cidr }) => ({
    id,
    cidr,
    gateways: state.subnets.filter((subnet) => subnet.vpc === id).map((subnet) => nthAddress(subnet.cidr, 1)),
    nameServer: nameServerOf(cidr),
  }));

/** https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html: the base of the VPC's network plus two. */
const nameServerOf = (cidr: string): string => nthAddress(cidr, 2);

/** Where a subnet's route table sends what is for the internet. */
function egressOf(state: AwsState, instance: AwsInstance): SingleInterface["egress"] {
  const tables = state.routeTables.filter((table) => table.vpc === instance.vpc);
  const table = tables.find(({ subnets }) => subnets.includes(instance.subnet)) ?? tables.find(({ main }) => main);
  const route = table?.routes.find(({ cidr }) => cidr === "0.0.0.0/0");
  if (route?.internet && instance.publicAddress !== null) return { kind: "public" };
  const address = route?.nat ? state.natGateways.find(({ id }) => id === route.nat)?.publicAddress : undefined;
  return address ? { kind: "nat", address } : { kind: "none" };
}

const privateDomain = (region: string): string =>
  region === "us-east-1" ? "ec2.internal" : `${region}.compute.internal`;

/** Host name that EC2 gives a machine until it gets another. */
export const privateName = (instance: Pick<AwsInstance, "privateAddress">, region: string): string =>
  `ip-${instance.privateAddress.replaceAll(".", "-")}.${privateDomain(region)}`;

/** Load balancers by their names, wherever they are asked for; machines by the names that EC2 gives them. */
export const nameSpecs = (state: AwsState): NameSpec[] => [
  ...state.balancers.map(({ dnsName, publicAddress, privateAddress }) => ({
    name: dnsName.toLowerCase(),
    addresses: [publicAddress ?? privateAddress],
  })),
  ...state.instances.map((instance) => ({
    name: privateName(instance, state.region),
    addresses: [instance.privateAddress],
    inside: true,
  })),
];

/** Name for logs and people: the instance's own, or its id. */
export function machineNameOf({ tags, id }: Pick<AwsInstance, "tags" | "id">): string {
  const name = tags["Name"] ?? "";
  return /^[a-zA-Z0-9][a-zA-Z0-9.-]{0,62}$/.test(name) ? name : id;
}

export function instanceSpec(state: AwsState, instance: AwsInstance, numbers: Numbers): MachineSpec {
  const subnet = state.subnets.find(({ id }) => id === instance.subnet);
  const vpc = state.vpcs.find(({ id }) => id === instance.vpc);
  if (!subnet || !vpc)
    throw new Error(
      `instance ${instance.id} is in subnet ${instance.subnet} of VPC ${instance.vpc}, which is not there`,
    );
  const egress = egressOf(state, instance);
  return {
    id: numbers(instance.id),
    name: machineNameOf(instance),
    hostname: privateName(instance, state.region).split(".")[0],
    vcpus: instance.cpus,
    memory: instance.memory,
    disk: instance.rootDisk,
    publicIpv4: egress.kind === "public" ? (instance.publicAddress ?? "") : "",
    privateIpv4: instance.privateAddress,
    vpcId: instance.vpc,
    vpcCidr: vpc.cidr,
    macs: { public: instance.mac, private: instance.mac },
    single: { subnetCidr: subnet.cidr, gateway: nthAddress(subnet.cidr, 1), egress, hopLimit: instance.hopLimit },
    names: { server: nameServerOf(vpc.cidr), domain: privateDomain(state.region) },
    userData: Buffer.from(instance.userData, "base64").toString("utf8"),
    sshKeys: instance.publicKey === null ? [] : [instance.publicKey],
    power: hasPower(instance) ? "on" : "shutdown",
  };
}

/** Block volumes beside the machines' own disks. */
export function volumeSpecs(state: AwsState, numbers: Numbers): VolumeSpec[] {
  const roots = new Set(state.instances.map(({ rootVolume }) => rootVolume));
  return state.volumes
    .filter(({ id }) => !roots.has(id))
    .map(({ id, size, instance, device, attachment }) => ({
      id,
      // As a machine of the Nitro kind shows it, and under the device's name as images with EC2's udev rules do.
      links: [
        `/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_${id.replace("-", "")}`,
        ...(device ? [device.replace(/^\/dev\/sd/, "/dev/xvd")] : []),
      ],
      size,
      machineId: instance !== null && state.instances.some((item) => item.id === instance) ? numbers(instance) : null,
      ...(attachment === "detaching" || attachment === "busy" ? { leaving: true } : {}),
    }));
}

/** Addresses of all members of a security group. */
function membersOf(state: AwsState, group: string): string[] {
  return [
    ...state.instances
      .filter(({ groups }) => groups.some(({ id }) => id === group))
      .map(({ privateAddress }) => `${privateAddress}/32`),
    ...state.balancers
      .filter(({ groups }) => groups.includes(group))
      .map(({ privateAddress }) => `${privateAddress}/32`),
  ];
}

const cidrsOf = (state: AwsState, rule: AwsRule): string[] => [
  ...(rule.cidr === null ? [] : [rule.cidr]),
  ...(rule.group === null ? [] : membersOf(state, rule.group)),
];

/** A rule of a security group; IPv6 is left out, since machines of the lab have no such address. */
function portRules(state: AwsState, rule: AwsRule): PortRule[] {
  const cidrs = cidrsOf(state, rule);
  if (cidrs.length === 0) return [];
  if (rule.protocol === "-1")
    return (["tcp", "udp", "icmp"] as const).map((protocol) => ({ protocol, ports: null, cidrs }));
  if (rule.protocol === "icmp") return [{ protocol: "icmp", ports: null, cidrs }];
  if (rule.protocol !== "tcp" && rule.protocol !== "udp") return [];
  return [{ protocol: rule.protocol, ports: { from: rule.from ?? 0, to: rule.to ?? 65_535 }, cidrs }];
}

/** Every instance is in a security group, so every one has rules. */
export const instanceFirewalls = (state: AwsState, numbers: Numbers): MachineFirewall[] =>
  state.instances.map((instance) => {
    const groups = state.groups.filter(({ id }) => instance.groups.some((group) => group.id === id));
    return {
      machineId: numbers(instance.id),
      inbound: unique(groups.flatMap(({ ingress }) => ingress.flatMap((rule) => portRules(state, rule)))),
      outbound: unique(groups.flatMap(({ egress }) => egress.flatMap((rule) => portRules(state, rule)))),
    };
  });

/** Who may connect to a listener: the load balancer's security groups; without any, everyone. */
function allowed(state: AwsState, balancer: AwsBalancer, listener: AwsListener): string[] {
  if (balancer.groups.length === 0) return [];
  const rules = state.groups.filter(({ id }) => balancer.groups.includes(id)).flatMap(({ ingress }) => ingress);
  const matching = rules.filter(
    ({ protocol, from, to }) =>
      protocol === "-1" || (protocol === "tcp" && (from ?? 0) <= listener.port && listener.port <= (to ?? 65_535)),
  );
  const cidrs = [...new Set(matching.flatMap((rule) => cidrsOf(state, rule)))];
  return cidrs.length === 0 ? [noNetwork] : cidrs;
}

/** Id of a listener's part of a load balancer: each has health checks and targets of its own. */
export const listenerId = (balancer: Pick<AwsBalancer, "id">, listener: Pick<AwsListener, "port">): string =>
  `${balancer.id}:${listener.port}`;

export const balancerSpecs = (state: AwsState, numbers: Numbers): LoadBalancerSpec[] =>
  state.balancers.flatMap((balancer) =>
    balancer.listeners
      // haproxy forwards connections; there is nothing here that forwards UDP.
      .filter(
        ({ protocol, targetType }) =>
          ["TCP", "TLS", "SSL", "HTTP", "HTTPS"].includes(protocol.toUpperCase()) && targetType === "instance",
      )
      .map((listener): LoadBalancerSpec => {
        const port = listener.targets[0]?.port ?? listener.port;
        const protocol = listener.health.protocol.toLowerCase();
        const targets = listener.targets.flatMap(({ id }) => state.instances.filter((instance) => instance.id === id));
        return {
          id: listenerId(balancer, listener),
          name: balancer.name,
          ip: balancer.publicAddress ?? balancer.privateAddress,
          network: balancer.publicAddress === null ? "INTERNAL" : "EXTERNAL",
          vpcId: balancer.vpc,
          privateIpv4: balancer.privateAddress,
          forwarding: [{ entryPort: listener.port, targetPort: port }],
          healthCheck: {
            protocol: protocol === "http" || protocol === "https" ? protocol : "tcp",
            port: /^[0-9]+$/.test(listener.health.port) ? Number(listener.health.port) : port,
            path: listener.health.path ?? "/",
            interval: listener.health.interval,
            timeout: listener.health.timeout,
            healthyThreshold: listener.health.healthy,
            unhealthyThreshold: listener.health.unhealthy,
          },
          targets: targets.map((instance) => ({
            machineId: numbers(instance.id),
            privateIpv4: instance.privateAddress,
          })),
          allow: allowed(state, balancer, listener),
        };
      }),
  );

export const hasPower = (instance: Pick<AwsInstance, "state">): boolean =>
  instance.state === "running" || instance.state === "pending";

export const desiredState = (state: AwsState, numbers: Numbers): DesiredState => ({
  vpcs: vpcSpecs(state),
  machines: state.instances.map((instance) => instanceSpec(state, instance, numbers)),
  volumes: volumeSpecs(state, numbers),
  firewalls: instanceFirewalls(state, numbers),
  loadBalancers: balancerSpecs(state, numbers),
  names: nameSpecs(state),
});

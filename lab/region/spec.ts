/**
 * What a cloud asks of a region, in no cloud's words, and what makes it real on this machine.
 *
 * A cloud works out a `DesiredState` from its API's state. The synchroniser compares it with what was applied before and
 * calls the driver for what differs. Every verb of the driver is idempotent and says how something shall be, so that a
 * restart only has to apply everything again.
 */

export interface MachineSpec {
  readonly id: number;
  /** Name of the machine, for its host name and its logs. */
  readonly name: string;
  /** Host name until the user-data sets another one. @default name */
  readonly hostname?: string;
  readonly vcpus: number;
  /** MB */
  readonly memory: number;
  /** GB */
  readonly disk: number;
  /** Empty: none. */
  readonly publicIpv4: string;
  readonly privateIpv4: string;
  readonly vpcId: string;
  /** Range of the VPC that the private interface belongs to. */
  readonly vpcCidr: string;
  readonly macs: { readonly public: string; readonly private: string };
  /** Set for a machine with one interface, as EC2 has them: eth0 has the private address, the region maps the public one to it. */
  readonly single?: SingleInterface;
  /** What DHCP says of names. @default nothing: the machine finds none */
  readonly names?: { readonly server: string; readonly domain: string };
  /** User-data exactly as it was given; empty: none. */
  readonly userData: string;
  /** Public keys in OpenSSH's format, for the metadata service. */
  readonly sshKeys: readonly string[];
  /** `shutdown`: the machine is asked to power off and loses its power after a while; `off`: it loses its power at once. */
  readonly power: "on" | "off" | "shutdown";
}

export interface SingleInterface {
  readonly subnetCidr: string;
  /** First address of the subnet. */
  readonly gateway: string;
  /** How the machine leaves its VPC: with its own public address, with a NAT gateway's address, or not at all. */
  readonly egress:
    { readonly kind: "public" } | { readonly kind: "nat"; readonly address: string } | { readonly kind: "none" };
  /** Hop limit of the metadata service's answers; 1 keeps them from pods. */
  readonly hopLimit: number;
}

export interface VolumeSpec {
  readonly id: string;
  /** Links under which the machine finds the volume. */
  readonly links: readonly string[];
  /** GB; may grow. */
  readonly size: number;
  /** Machine that it is attached to, if any. */
  readonly machineId: number | null;
  /** The machine shall let go of it, which it does not while it has its file system mounted. @default false */
  readonly leaving?: boolean;
}

/** How a machine has a volume: not at all, as a device, or with its file system mounted. */
export type VolumeSight = "absent" | "shown" | "mounted";

export interface PortRule {
  readonly protocol: "tcp" | "udp" | "icmp";
  /** Inclusive; null: all ports. */
  readonly ports: { readonly from: number; readonly to: number } | null;
  /** IPv4 networks (inbound: sources, outbound: destinations), never empty. */
  readonly cidrs: readonly string[];
}

/** What may reach and leave one machine: the union of all its firewalls. A machine that is not listed is open. */
export interface MachineFirewall {
  readonly machineId: number;
  readonly inbound: readonly PortRule[];
  readonly outbound: readonly PortRule[];
}

export interface LoadBalancerSpec {
  readonly id: string;
  readonly name: string;
  /** Address on the public network (EXTERNAL) or in the VPC (INTERNAL). */
  readonly ip: string;
  readonly network: "EXTERNAL" | "INTERNAL";
  readonly vpcId: string;
  /** Address in the VPC from which it talks to its targets. */
  readonly privateIpv4: string;
  readonly forwarding: readonly { readonly entryPort: number; readonly targetPort: number }[];
  readonly healthCheck: {
    readonly protocol: "tcp" | "http" | "https";
    readonly port: number;
    readonly path: string;
    /** seconds */
    readonly interval: number;
    readonly timeout: number;
    readonly healthyThreshold: number;
    readonly unhealthyThreshold: number;
  };
  readonly targets: readonly { readonly machineId: number; readonly privateIpv4: string }[];
  /** IPv4 networks that may connect; empty: all. */
  readonly allow: readonly string[];
}

/** Networks that a rule allows when it leaves none: an empty list would allow all. */
export const noNetwork = "255.255.255.255/32";

/** Each rule once. */
export const unique = <T>(items: readonly T[]): T[] => [
  ...new Map(items.map((item) => [JSON.stringify(item), item])).values(),
];

export interface VpcSpec {
  readonly id: string;
  readonly cidr: string;
  /** Addresses of its subnets' gateways, for machines with one interface. @default none */
  readonly gateways?: readonly string[];
  /** Address at which its machines find the region's name server. @default none */
  readonly nameServer?: string;
}

/** A name, with the addresses that it has now. */
export interface NameSpec {
  readonly name: string;
  readonly addresses: readonly string[];
  /** Only machines of the region find it. @default so does this host */
  readonly inside?: boolean;
}

/** All that should exist. */
export interface DesiredState {
  readonly vpcs: readonly VpcSpec[];
  readonly machines: readonly MachineSpec[];
  readonly volumes: readonly VolumeSpec[];
  readonly firewalls: readonly MachineFirewall[];
  readonly loadBalancers: readonly LoadBalancerSpec[];
  /** What the region's name server answers, here and on this host. @default nothing */
  readonly names?: readonly NameSpec[];
}

/** What the packet filter follows from. */
export interface Rules extends Pick<DesiredState, "vpcs" | "firewalls" | "loadBalancers"> {
  readonly machines: readonly Pick<MachineSpec, "id" | "publicIpv4" | "privateIpv4" | "vpcId" | "single">[];
}

export interface Driver {
  /** What this machine has of the region, whatever anyone remembers of it. */
  present(): Promise<{ readonly machines: readonly number[]; readonly volumes: readonly string[] }>;
  /** Makes the VPCs equal to the given ones. */
  networks(vpcs: readonly VpcSpec[]): Promise<void>;
  /** Replaces all rules at once; may name machines that are yet to be made, whose first packet then finds them. */
  rules(rules: Rules): Promise<void>;
  /** Makes the load balancers equal to the given ones. */
  balancers(balancers: readonly LoadBalancerSpec[], vpcs: readonly VpcSpec[]): Promise<void>;
  /** Makes the names of the region equal to the given ones, for machines and for this host. */
  resolve(names: readonly NameSpec[]): Promise<void>;
  /** Makes one machine as its spec says. Resolves when it has been started; its boot continues. */
  machine(spec: MachineSpec, volumes: readonly VolumeSpec[]): Promise<void>;
  /** Stops the machine and removes all of it except its volumes. */
  removeMachine(id: number): Promise<void>;
  /** Makes one volume as its spec says; an existing one keeps its content. @throws Error when a leaving one is mounted. */
  volume(spec: VolumeSpec): Promise<void>;
  /** How the volume's machine has it. */
  seen(spec: Pick<VolumeSpec, "id" | "machineId">): Promise<VolumeSight>;
  removeVolume(id: string): Promise<void>;
  /** Whether a machine that was started has power; false once it has powered itself off. */
  running(id: number): boolean;
}

/**
 * The border between the lab's cloud API and what makes its resources real on this machine.
 *
 * The API owns names, ids, addresses and the persisted state; a driver only carries it out. Every call is idempotent:
 * after a crash the API calls `reconcile` with all that should exist, and the driver makes it so.
 */

export interface DropletSpec {
  readonly id: number;
  /** Host name, and name of the machine. */
  readonly name: string;
  /** Host name that the machine has before its user-data gives it another. @default name */
  readonly hostname?: string;
  readonly region: string;
  readonly sizeSlug: string;
  readonly vcpus: number;
  /** MB */
  readonly memory: number;
  /** GB */
  readonly disk: number;
  readonly image: { readonly id: number; readonly slug: string | null; readonly name: string };
  /** Empty where a machine with one interface has none. */
  readonly publicIpv4: string;
  readonly privateIpv4: string;
  readonly vpcUuid: string;
  /** Range of the VPC that eth1 belongs to. */
  readonly vpcCidr: string;
  readonly macs: { readonly public: string; readonly private: string };
  /** Set for a machine with one interface, as EC2 has them: eth0 carries the private address, the region maps the public one to it. */
  readonly single?: SingleInterface;
  readonly tags: readonly string[];
  /** User-data exactly as it was given; empty when there is none. */
  readonly userData: string;
  /** Public keys in OpenSSH's format, from the droplet's ssh_keys. */
  readonly sshKeys: readonly string[];
}

export interface SingleInterface {
  readonly subnetCidr: string;
  /** First address of the subnet. */
  readonly gateway: string;
  /**
   * How the machine gets out of its VPC, as its subnet's route table says: with its own public address, with a NAT gateway's
   * address, or not at all.
   */
  readonly egress:
    { readonly kind: "public" } | { readonly kind: "nat"; readonly address: string } | { readonly kind: "none" };
  /** Routers that an answer of the metadata service gets past, and one: 1 keeps it from pods. */
  readonly hopLimit: number;
}

export interface VolumeSpec {
  readonly id: string;
  /** Appears in the machine as /dev/disk/by-id/scsi-0DO_Volume_<name>. */
  readonly name: string;
  /** Links under which the machine finds the volume instead. @default the one above */
  readonly links?: readonly string[];
  /** GB */
  readonly size: number;
  readonly filesystemType: "" | "ext4" | "xfs";
  readonly filesystemLabel: string;
  /** Droplet that it is attached to, if any. */
  readonly dropletId: number | null;
}

export interface PortRule {
  readonly protocol: "tcp" | "udp" | "icmp";
  /** Inclusive; null: all ports. */
  readonly ports: { readonly from: number; readonly to: number } | null;
  /**
   * IPv4 CIDRs that may talk (inbound: sources, outbound: destinations), never empty; tags and droplet or load balancer ids are
   * resolved by the API, which leaves IPv6 out.
   */
  readonly cidrs: readonly string[];
}

/** What may reach and leave one droplet: the union of all firewalls that name it. A droplet in no firewall is open. */
export interface DropletFirewall {
  readonly dropletId: number;
  readonly inbound: readonly PortRule[];
  readonly outbound: readonly PortRule[];
}

export interface LoadBalancerSpec {
  readonly id: string;
  readonly name: string;
  /** Address on the public network (EXTERNAL) or in the VPC (INTERNAL). */
  readonly ip: string;
  readonly network: "EXTERNAL" | "INTERNAL";
  readonly vpcUuid: string;
  readonly vpcCidr: string;
  /** Address in the VPC from which it talks to its targets. */
  readonly privateIpv4: string;
  readonly forwarding: readonly {
    readonly protocol: "tcp" | "http";
    readonly entryPort: number;
    readonly targetPort: number;
  }[];
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
  readonly targets: readonly { readonly dropletId: number; readonly privateIpv4: string }[];
  /** IPv4 CIDRs that may connect; empty: everyone. What the load balancer denies is taken out already. */
  readonly allow: readonly string[];
}

export interface VpcSpec {
  readonly id: string;
  readonly cidr: string;
  /** Addresses of the gateways of its subnets, for machines with one interface. @default none */
  readonly gateways?: readonly string[];
}

/** All that should exist. */
export interface DesiredState {
  readonly vpcs: readonly VpcSpec[];
  readonly droplets: readonly (DropletSpec & { readonly running: boolean })[];
  readonly volumes: readonly VolumeSpec[];
  readonly firewalls: readonly DropletFirewall[];
  readonly loadBalancers: readonly LoadBalancerSpec[];
}

export interface Driver {
  createVpc(vpc: VpcSpec): Promise<void>;
  deleteVpc(id: string): Promise<void>;
  /** Resolves when the machine was started; its boot goes on. */
  createDroplet(droplet: DropletSpec): Promise<void>;
  /** Stops the machine and removes all of it but its attached volumes. */
  deleteDroplet(id: number): Promise<void>;
  powerOn(droplet: DropletSpec): Promise<void>;
  /** Pulls the plug. */
  powerOff(id: number): Promise<void>;
  /** Asks the machine to stop, and pulls the plug after a while. */
  shutdown(id: number): Promise<void>;
  reboot(droplet: DropletSpec): Promise<void>;
  /** A machine with one interface has another public address, or another way out; it goes on running. */
  readdress(droplet: DropletSpec): Promise<void>;
  /** Whether a machine that was started has power; false once it has powered itself off. */
  running(id: number): boolean;
  /** Makes the volume; one that exists keeps its content and grows to the size given. */
  createVolume(volume: VolumeSpec): Promise<void>;
  deleteVolume(id: string): Promise<void>;
  attachVolume(volume: VolumeSpec, dropletId: number): Promise<void>;
  detachVolume(volume: VolumeSpec, dropletId: number): Promise<void>;
  /**
   * Replaces all rules of all droplets. May name droplets whose machine is yet to be made: the API calls it before
   * `createDroplet`, and the rules hold from the machine's first packet on.
   */
  applyFirewalls(firewalls: readonly DropletFirewall[]): Promise<void>;
  applyLoadBalancers(loadBalancers: readonly LoadBalancerSpec[]): Promise<void>;
  /** Makes what runs equal to what should. */
  reconcile(desired: DesiredState): Promise<void>;
  /** Stops and removes everything. */
  removeAll(): Promise<void>;
}

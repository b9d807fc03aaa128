/**
 * The seam between the cluster and its cloud. Everything on this side is written once; a cloud implements `Cloud`.
 *
 * What each cloud does behind it is in `docs/decisions/0001-cloud-interface.md`.
 */
import type * as pulumi from "@pulumi/pulumi";
import type { ClusterSpec, Role } from "../spec/cluster.js";
import type { FirewallRule } from "./firewall.js";
import type { CloudProfile, VolumeSuffix } from "./profile.js";

/** What the resources of a cloud need beside the description, which the factory has from the preflight. */
export interface CloudArgs {
  /** Public half of the key with which the program reaches machines, in OpenSSH's format. */
  readonly sshPublicKey: pulumi.Input<string>;
  /** Applied before the first machine is made, so that no machine is ever open. */
  readonly firewall: readonly FirewallRule[];
}

/** A block device that survives its machine. */
export interface VolumeArgs {
  /** Last part of its name, `<machine>-<suffix>`; machines find the device by that name. */
  readonly suffix: VolumeSuffix;
  /** GB; may grow, never shrink. */
  readonly size: number;
}

export interface MachineArgs {
  /** `<cluster>-<pool>-<index>`: name of the machine and its host name. */
  readonly name: string;
  readonly role: Role;
  /** The cloud's name of the machine size; changing it replaces the machine, the old one first. Its value is delayed until the rollout may change the machine. */
  readonly size: pulumi.Input<string>;
  /** Its place in the pool, from 0: machines of a pool are spread over failure domains by it. */
  readonly index: number;
  /** Failure domains to spread over. Empty: the cloud's choice. A machine that has volumes stays where they are. */
  readonly zones: readonly string[];
  /** GB of its own disk, where the cloud lets it be chosen. */
  readonly disk: number;
  /** Ignition; a change of it alone never replaces a machine. */
  readonly userData: string;
  /** @default none */
  readonly volumes?: readonly VolumeArgs[] | undefined;
  /** Load balancers that forward to the machine. @default none */
  readonly behind?: ApiLoadBalancers | undefined;
}

/** A machine as the rest of the program sees it. */
export interface Machine {
  readonly name: string;
  readonly role: Role;
  /** The cloud's id: another id is another machine. */
  readonly id: pulumi.Output<string>;
  /** Address for SSH from where the program runs: the public one, or the private one behind the bastion. */
  readonly host: pulumi.Output<string>;
  /** Public address of the machine through which `host` is reached; not set: it is reached directly. */
  readonly bastion?: pulumi.Output<string>;
  /** Empty where it has none. */
  readonly publicIpv4: pulumi.Output<string>;
  /** Where the cluster's other machines reach it. */
  readonly privateIpv4: pulumi.Output<string>;
  /** Resources without which it cannot become healthy (the machine itself, attached volumes). */
  readonly resources: readonly pulumi.Resource[];
}

/**
 * The API's load balancers; both forward TCP on `apiPort` to the healthy controllers. Machines are put behind them by `MachineArgs.behind`;
 * a cloud may return more than this for its own use there.
 */
export interface ApiLoadBalancers {
  /** For administrators only. */
  readonly external: pulumi.Output<string>;
  /** For the cluster's own machines, inside the private network. */
  readonly internal: pulumi.Output<string>;
  /** Resources without which they forward nothing. */
  readonly resources: readonly pulumi.Resource[];
}

/**
 * One cluster's place in a cloud: private network, machines' identity and firewall exist once this does.
 *
 * Machines belong to their role by a mark (tag, security group), never by a list, so that adding one changes nothing that exists.
 */
export interface Cloud {
  /** What user-data must know of the cloud. */
  readonly profile: CloudProfile;
  /** The cloud's id of the private network. */
  readonly network: pulumi.Output<string>;
  /** Address of the machine through which the others are reached for SSH. @default none: directly */
  readonly bastion?: pulumi.Output<string> | undefined;
  /** Makes a machine and its volumes, as children of `opts.parent`. Volumes are protected as `spec.deletionProtection` says. */
  createMachine(args: MachineArgs, opts: pulumi.CustomResourceOptions): Machine;
  /** Makes the load balancers of the API. Health is `/readyz` over HTTPS, so that a draining controller gets no new connections. */
  createApiLoadBalancers(opts: pulumi.CustomResourceOptions): ApiLoadBalancers;
}

export type CloudFactory = (args: CloudArgs, opts?: pulumi.ComponentResourceOptions) => Cloud;

/**
 * Asks the cloud what must be known before the first resource is registered, so that a mistake that only the cloud can find changes nothing.
 * The factory makes the cloud for the same description.
 * @throws pulumi.RunError naming the setting that the cloud rejects.
 */
export type CloudPreflight = (spec: ClusterSpec) => Promise<CloudFactory>;

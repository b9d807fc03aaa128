/** What the API remembers: plain records, one JSON file. */
import type { HealthCheck, ForwardingRule } from "./resources/loadBalancerSchema.js";
import type { FirewallRules } from "./resources/firewallSchema.js";

export interface ImageRecord {
  readonly id: number;
  name: string;
  readonly type: "base" | "custom";
  readonly distribution: string;
  readonly slug: string | null;
  readonly public: boolean;
  regions: string[];
  readonly created_at: string;
  min_disk_size: number | null;
  size_gigabytes: number | null;
  description: string;
  tags: string[];
  status: "NEW" | "pending" | "available";
  error_message: string;
}

export interface KeyRecord {
  readonly id: number;
  readonly fingerprint: string;
  readonly public_key: string;
  name: string;
}

export interface VpcRecord {
  readonly id: string;
  name: string;
  description: string;
  readonly region: string;
  readonly ip_range: string;
  readonly created_at: string;
  readonly default: boolean;
  /** A region's default network, which came with the account: it is made when it gets its first member. */
  readonly implicit: boolean;
}

export interface DropletRecord {
  readonly id: number;
  readonly name: string;
  readonly region: string;
  readonly sizeSlug: string;
  readonly image: ImageRecord;
  readonly created_at: string;
  status: "new" | "active" | "off";
  /** Target of the last action; `status` follows when the machine has reached it. */
  power: "on" | "off" | "shutdown";
  readonly publicIpv4: string;
  readonly privateIpv4: string;
  readonly vpcId: string;
  tags: string[];
  /** Key of the user-data in `State.userData`; empty when there is none. */
  readonly userData: string;
  readonly sshKeys: readonly string[];
  readonly monitoring: boolean;
  /** Actions that are under way; the droplet is locked while there are any. */
  pending: number;
  deleting: boolean;
  /** Its machine could not be made. */
  failed: boolean;
}

export interface ActionRecord {
  readonly id: number;
  status: "in-progress" | "completed" | "errored";
  readonly type: string;
  readonly started_at: string;
  completed_at: string | null;
  readonly resource_id: number | null;
  readonly resource_type: string;
  readonly region_slug: string | null;
  /** Volume that it belongs to; a volume has no numeric id. */
  readonly volume?: string;
}

export interface VolumeRecord {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  size_gigabytes: number;
  readonly description: string;
  readonly created_at: string;
  tags: string[];
  dropletId: number | null;
  /** An action is under way. */
  busy: boolean;
}

export interface FirewallRecord extends FirewallRules {
  readonly id: string;
  name: string;
  readonly created_at: string;
  droplet_ids: number[];
  tags: string[];
}

export interface LoadBalancerSettings {
  name: string;
  tag: string;
  droplet_ids: number[];
  size_unit: number;
  forwarding_rules: ForwardingRule[];
  health_check: HealthCheck;
  firewall: { readonly allow: readonly string[]; readonly deny: readonly never[] };
  network_stack: "IPV4" | "DUALSTACK";
}

export interface LoadBalancerRecord extends LoadBalancerSettings {
  readonly id: string;
  readonly region: string;
  readonly network: "EXTERNAL" | "INTERNAL";
  readonly vpcId: string;
  readonly ip: string;
  readonly privateIpv4: string;
  readonly created_at: string;
  status: "new" | "active" | "errored";
}

export interface State {
  readonly version: 1;
  readonly account: { readonly uuid: string; readonly team: string; readonly project: string };
  nextId: number;
  /** Where the search for a free address of a range continues. */
  cursors: Record<string, number>;
  images: ImageRecord[];
  keys: KeyRecord[];
  vpcs: VpcRecord[];
  tags: string[];
  droplets: DropletRecord[];
  /** User-data by its SHA-256, stored once for all droplets of a pool. */
  userData: Record<string, string>;
  actions: ActionRecord[];
  volumes: VolumeRecord[];
  firewalls: FirewallRecord[];
  loadBalancers: LoadBalancerRecord[];
}

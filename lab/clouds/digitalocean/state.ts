/** What the API remembers: plain records, one JSON file. */
import type { HealthCheck, ForwardingRule } from "./resources/loadBalancerSchema.js";
import type { FirewallRules } from "./resources/firewallSchema.js";

export interface ImageRecord {
  readonly id: number;
  name: string;
  readonly type: "base" | "snapshot" | "custom";
  distribution: string;
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
  /** Droplet that a snapshot was taken of. */
  readonly dropletId?: number;
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
  default: boolean;
  /** Whether the driver was told of it: a region's default network is made when it gets its first member. */
  made: boolean;
}

export interface BackupPolicy {
  readonly plan: "daily" | "weekly";
  readonly weekday: string;
  readonly hour: number;
}

export interface DropletRecord {
  readonly id: number;
  name: string;
  /** The name it was created with: its host name, which a rename does not change. */
  readonly hostname: string;
  readonly region: string;
  sizeSlug: string;
  /** GB; grows with a resize that includes the disk. */
  disk: number;
  image: ImageRecord;
  readonly created_at: string;
  status: "new" | "active" | "off";
  readonly publicIpv4: string;
  readonly privateIpv4: string;
  readonly publicIpv6: string | null;
  readonly vpcId: string;
  tags: string[];
  /** Key of the user-data in `State.userData`; empty when there is none. */
  readonly userData: string;
  readonly sshKeys: readonly string[];
  backups: BackupPolicy | null;
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
  /** Volume or reserved address that it belongs to; those have no numeric id. */
  readonly owner?: string;
}

export interface VolumeRecord {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  size_gigabytes: number;
  readonly description: string;
  readonly created_at: string;
  readonly filesystem_type: "" | "ext4" | "xfs";
  readonly filesystem_label: string;
  tags: string[];
  dropletId: number | null;
  /** An action or a deletion is under way. */
  busy: boolean;
}

export interface VolumeSnapshotRecord {
  readonly id: string;
  readonly name: string;
  readonly created_at: string;
  readonly regions: readonly string[];
  readonly min_disk_size: number;
  readonly size_gigabytes: number;
  readonly resource_id: string;
  tags: string[];
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
  enable_backend_keepalive: boolean;
  disable_lets_encrypt_dns_records: boolean;
  http_idle_timeout_seconds: number;
  project_id: string;
  firewall: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  tls_cipher_policy: "DEFAULT" | "STRONG";
}

export interface LoadBalancerRecord extends LoadBalancerSettings {
  readonly id: string;
  readonly region: string;
  readonly network: "EXTERNAL" | "INTERNAL";
  readonly type: "REGIONAL" | "REGIONAL_NETWORK";
  readonly vpcId: string;
  readonly ip: string;
  readonly privateIpv4: string;
  readonly created_at: string;
  status: "new" | "active" | "errored";
}

export interface ReservedIpRecord {
  readonly ip: string;
  readonly region: string;
  readonly project_id: string;
}

export interface ProjectRecord {
  readonly id: string;
  name: string;
  description: string;
  purpose: string;
  environment: string;
  is_default: boolean;
  readonly created_at: string;
  updated_at: string;
  /** Resources moved here by name (URN) and when; what no other project holds belongs to the default one. */
  resources: Record<string, string>;
}

export interface State {
  readonly version: 1;
  readonly account: { readonly uuid: string; readonly team: string };
  nextId: number;
  /** Where the search for a free address of a range goes on. */
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
  snapshots: VolumeSnapshotRecord[];
  firewalls: FirewallRecord[];
  loadBalancers: LoadBalancerRecord[];
  reservedIps: ReservedIpRecord[];
  projects: ProjectRecord[];
}

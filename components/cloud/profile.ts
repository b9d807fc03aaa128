/** Facts about a cloud for settings and user-data: plain data, no resources. The resources are made by `Cloud` in `cloud.ts`. */
import type { FirewallSource } from "./firewall.js";
import type { MachineSize } from "./sizes.js";

export interface Region {
  /** The cloud's name of it. */
  readonly name: string;
  /** Prefixes of the names of other clouds' regions nearby, such as `eu-central`. */
  readonly near: readonly string[];
}

/** Last parts of names of volumes: etcd's data and write-ahead log. */
export type VolumeSuffix = "data" | "wal";

export interface CloudProfile {
  /**
   * Bash that sets HOSTNAME, PRIVATE_IPV4, PUBLIC_IPV4 (empty: none), REGION, ZONE (empty: the cloud has none) and PROVIDER_ID (the node's
   * `spec.providerID` as the cloud controller manager writes it) from the cloud's metadata service. It may call `fetch [OPTION]... URL` with
   * options of curl, which prints the response, retries for a while, and then fails the script.
   */
  readonly metadata: string;
  /** Path of the block device of the machine's volume with the suffix. It stands between double quotes, and may hold `$HOSTNAME`. */
  readonly volumeDevice: (suffix: VolumeSuffix) => string;
  /** Image of machines of a new cluster, unless the stack names one. */
  readonly image: string;
  /** Regions that clusters can be made in. */
  readonly regions: readonly Region[];
  /** Sizes that machines may have. */
  readonly sizes: readonly MachineSize[];
  /** Pattern of the names of a region's failure domains (zones), in which machines can be placed; not set: it has none. */
  readonly zone?: (region: string) => RegExp;
  readonly privateNetwork: {
    /** Shortest and longest prefix that the cloud accepts. */
    readonly prefix: { readonly from: number; readonly to: number };
    /** Networks that the cloud reserves. */
    readonly reserved: readonly string[];
    /** Number of equal parts; each zone uses one of them for its machines. */
    readonly parts: number;
    /** Addresses of each part that are not available to machines. */
    readonly taken: number;
    /** Zones over which machines are spread where none are named. */
    readonly spread: number;
  };
  /** Sources of traffic from load balancers of Services, where the cloud controller manager does not open the firewall itself. */
  readonly balancersFrom: readonly FirewallSource[];
  /** Domain below which a region's load balancers have their names, such as `.example.com`; not set: they have addresses. */
  readonly balancerDomain?: (region: string) => string;
  /** Images as the stack may name them. */
  readonly images: { readonly accepts: RegExp; readonly allowed: string };
  /** Smallest and largest volume, in GB. */
  readonly volumeSize: { readonly from: number; readonly to: number };
  /** Tags that the cloud accepts. */
  readonly tags: {
    readonly key: RegExp;
    readonly value: RegExp;
    /** Names that are in use on every resource. */
    readonly taken: readonly string[];
    readonly allowed: string;
  };
}

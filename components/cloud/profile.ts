/**
 * What settings and user-data must know of a cloud: facts as plain data, no resources.
 *
 * The other half of the seam is `Cloud` in `cloud.ts`.
 */
import type { CloudName } from "../spec/cluster.js";
import type { FirewallSource } from "./firewall.js";
import type { MachineSize } from "./sizes.js";

export interface Region {
  /** The cloud's name of it. */
  readonly name: string;
  /** What other clouds call their regions nearby: beginnings of their names, such as `eu-central`. */
  readonly near: readonly string[];
}

/** Last parts of names of volumes: etcd's data and write-ahead log. */
export type VolumeSuffix = "data" | "wal";

export interface CloudProfile {
  readonly name: CloudName;
  /**
   * Bash that sets HOSTNAME, PRIVATE_IPV4, PUBLIC_IPV4 (empty: none), REGION, ZONE (empty: the cloud has none) and PROVIDER_ID (the node's
   * `spec.providerID` as the cloud controller manager writes it) from the cloud's metadata service. It may call `fetch [OPTION]... URL` with
   * options of curl, which prints what the address answers, tries again for a while, and ends the script when that was in vain.
   */
  readonly metadata: string;
  /** Path of the block device of the machine's volume with the suffix. It stands between double quotes, and may hold `$HOSTNAME`. */
  readonly volumeDevice: (suffix: VolumeSuffix) => string;
  /** Image of machines unless the stack names one. */
  readonly image: string;
  /** Regions that clusters can be made in. */
  readonly regions: readonly Region[];
  /** Sizes that machines may have. */
  readonly sizes: readonly MachineSize[];
  /** What names of a region's failure domains (zones) look like, in which machines can be placed; not set: it has none. */
  readonly zone?: (region: string) => RegExp;
  readonly privateNetwork: {
    /** Shortest and longest prefix that the cloud accepts. */
    readonly prefix: { readonly from: number; readonly to: number };
    /** Networks that the cloud keeps for itself. */
    readonly reserved: readonly string[];
    /** Parts of equal size, of which each zone has one for its machines. */
    readonly parts: number;
    /** Addresses of each part that machines do not get. */
    readonly taken: number;
    /** Zones over which machines are spread where none are named. */
    readonly spread: number;
  };
  /** Where load balancers of Services come from, as far as the cloud controller manager does not let them in itself. */
  readonly balancersFrom: readonly FirewallSource[];
  /** Images as the stack may name them. */
  readonly images: { readonly accepts: RegExp; readonly allowed: string };
  /** GB that a volume may have. */
  readonly volumeSize: { readonly from: number; readonly to: number };
  /** Tags as the cloud takes them. */
  readonly tags: {
    readonly key: RegExp;
    readonly value: RegExp;
    /** Names that resources have already. */
    readonly taken: readonly string[];
    readonly allowed: string;
  };
}

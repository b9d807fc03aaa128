/**
 * The settings of every cloud that are decided once, when a cluster is created: how the program reads each of them, and why a change
 * is refused. A cloud's definition adds its own (components/immutables/all.ts).
 */
import { z } from "zod";
import type { ClusterSpec } from "../spec/cluster.js";

export type SettingValue = string | number | boolean;

export interface ImmutableSetting {
  /** Where it is set, without the namespace, such as `etcd.count`. */
  readonly setting: string;
  /** Undefined: this cluster does not have it. */
  readonly value: (spec: ClusterSpec) => SettingValue | undefined;
  readonly schema: z.ZodType;
  /** Why it cannot change. */
  readonly reason: string;
  /** Changes that are allowed nevertheless. @default none */
  readonly accepts?: (before: SettingValue, after: SettingValue) => boolean;
  /** What to do instead. @default keep the value, or create a new stack for the other one */
  readonly advice?: (before: SettingValue) => string;
  /** Its unit, as a multiple of the setting's unit. @default 1 */
  readonly unit?: number;
}

const text = z.string().min(1, "must not be empty");

/** Command that sets a value; an empty one is unset. */
export function setCommand(setting: string, value: SettingValue): string {
  const path = setting.includes(".") ? `--path '${setting}'` : setting;
  return value === "" ? `pulumi config rm ${path}` : `pulumi config set ${path} ${String(value)}`;
}

const megabytes = 1024;

/** Size of etcd's volumes in GB; set in MB. */
function volume(
  setting: string,
  content: string,
  size: (disks: { readonly data: number; readonly wal: number }) => number,
): ImmutableSetting {
  return {
    setting,
    value: ({ etcd: { disks } }) => (disks.type === "volumes" ? size(disks) : undefined),
    schema: z.int().min(0).optional(),
    reason: `the volumes with ${content} may grow, but no cloud can shrink a volume`,
    accepts: (before, after) => after >= before,
    advice: (before) => `Keep at least the current size: ${setCommand(setting, Number(before) * megabytes)}.`,
    unit: megabytes,
  };
}

/** Those that every cloud has, by the name of the resource's input. */
export const clusterImmutables: Readonly<Record<string, ImmutableSetting>> = {
  clusterName: {
    setting: "cluster_name",
    value: (spec) => spec.name,
    schema: text,
    reason: "machines, certificates and cloud resources are named after it, and all of them would be recreated",
  },
  cloud: {
    setting: "cloud",
    value: (spec) => spec.cloud,
    schema: text,
    reason: "a cluster cannot move to another cloud",
  },
  region: {
    setting: "region",
    value: (spec) => spec.region,
    schema: text,
    reason: "machines, volumes and the private network belong to a region, and all of them would be recreated",
  },
  nodeCidr: {
    setting: "node_cidr",
    value: (spec) => spec.nodeCidr,
    schema: text,
    reason: "the private network cannot be changed under its machines; all of them would be recreated",
  },
  podCidr: {
    setting: "pod_cidr",
    value: (spec) => spec.podCidr,
    schema: text,
    reason: "every node has a part of it, and running pods keep their addresses",
  },
  serviceCidr: {
    setting: "service_cidr",
    value: (spec) => spec.serviceCidr,
    schema: text,
    reason: "Services keep their addresses, and those of the API and of DNS are in certificates and in every pod",
  },
  clusterDomain: {
    setting: "cluster_domain",
    value: (spec) => spec.clusterDomain,
    schema: text,
    reason:
      "it is in the names of all Services, in every pod's DNS settings and in the issuer of service account tokens",
  },
  networkProvider: {
    setting: "network_provider",
    value: (spec) => spec.networkProvider,
    schema: text,
    reason: "running pods would lose their network",
  },
  cloudProvider: {
    setting: "cloud_provider",
    value: (spec) => spec.cloudProvider,
    schema: text.optional(),
    reason:
      "a node gets the cloud's id of its machine only when it registers, so the cloud controller manager would not recognize existing nodes",
  },
  highAvailability: {
    setting: "high_availability",
    value: (spec) => spec.highAvailability,
    schema: z.boolean(),
    reason:
      "the number of etcd members and the API's address, which is in kubeconfigs and on every node, follow from it",
  },
  etcdCount: {
    setting: "etcd.count",
    value: (spec) => spec.etcd.count,
    schema: z.int(),
    reason: "members must join and leave a running etcd cluster one by one, which is not supported",
  },
  etcdDiskType: {
    setting: "etcd.disk_type",
    value: (spec) => (spec.etcd.disks.type === "volumes" ? "MOUNT" : "ROOT"),
    schema: text,
    reason: "the members' data would stay on the old disks",
  },
  etcdDataDisk: volume("etcd.data_disk", "etcd's data", ({ data }) => data),
  etcdWalDisk: volume("etcd.wal_disk", "etcd's write-ahead logs", ({ wal }) => wal),
  encryptionKey: {
    setting: "encryption_key",
    value: (spec) => spec.encryptionKey,
    schema: z.int(),
    reason: "Secrets encrypted with the previous key must stay readable until all of them are re-encrypted",
    // API servers have the keys before and after the one that they write with.
    accepts: (before, after) => Math.abs(Number(after) - Number(before)) === 1,
    advice: (before) =>
      `Keep it (${setCommand("encryption_key", before)}), or change it by one (${setCommand("encryption_key", Number(before) + 1)}), run pulumi up, and repeat.`,
  },
};

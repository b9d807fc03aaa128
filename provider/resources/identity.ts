/** `corekube:cluster:Identity`: what a cluster was made with and keeps. Refuses a change before anything else is touched. */
import { z } from "zod";
import { clouds } from "../../components/clouds.js";
import { isUnknown, type Properties, type Value } from "../rpc/properties.js";
import { changedInputs, checkInputs, text } from "./inputs.js";
import type { Failure, ResourceKind, State } from "./kind.js";

interface Kept {
  readonly schema: z.ZodType;
  /** The setting that it comes from. */
  readonly setting: string;
  /** Why it cannot be another one. */
  readonly reason: string;
  /** Whether the change is fine all the same. @default none is */
  readonly accepts?: (before: number, after: number) => boolean;
  /** What to do. @default back to what it was, and a new stack for the other value */
  readonly wayRound?: (before: Value) => string;
  /** The value as the setting has it. @default as it is */
  readonly asSetting?: (value: Value) => Value;
}

/** Only etcd on volumes has them. */
const gigabytes = { schema: z.int().min(0).optional(), asSetting: (value: Value) => Number(value) * 1024 };

function volume(setting: string, what: string): Kept {
  return {
    ...gigabytes,
    setting,
    reason: `the volumes with ${what} may grow, but no cloud makes a volume smaller`,
    accepts: (before, after) => after >= before,
    wayRound: (before) => `Keep at least what they have: ${setCommand(setting, Number(before) * 1024)}.`,
  };
}

/** Nodes, certificates and Services hold it everywhere: nothing of the kind of a rolling change leads to another one. */
const kept: Readonly<Record<string, Kept>> = {
  clusterName: {
    schema: text,
    setting: "cluster_name",
    reason: "machines, certificates and cloud resources are called by it, and all of them would be made anew",
  },
  cloud: { schema: text, setting: "cloud", reason: "a cluster cannot move to another cloud" },
  region: {
    schema: text,
    setting: "region",
    reason: "machines, volumes and the private network belong to a region, and all of them would be made anew",
  },
  nodeCidr: {
    schema: text,
    setting: "node_cidr",
    reason: "the private network cannot be changed under its machines; all of them would be made anew",
  },
  podCidr: {
    schema: text,
    setting: "pod_cidr",
    reason: "every node has its part of it, and pods keep their addresses as long as they live",
  },
  serviceCidr: {
    schema: text,
    setting: "service_cidr",
    reason: "Services keep their addresses, and the API's own and the DNS's are in certificates and in every pod",
  },
  clusterDomain: {
    schema: text,
    setting: "cluster_domain",
    reason:
      "it is in the names of all Services, in every pod's DNS settings and in the issuer of service account tokens",
  },
  networkProvider: { schema: text, setting: "network_provider", reason: "pods that run would lose their network" },
  cloudProvider: {
    schema: text.optional(),
    setting: "cloud_provider",
    reason:
      "a node gets the cloud's id of its machine only when it registers, so that the cloud controller manager would not know those that are there, or leave them without one",
  },
  ...Object.fromEntries(
    clouds.flatMap(({ immutable }) =>
      Object.entries(immutable).map(([name, { setting, reason }]) => [
        name,
        { schema: z.string().optional(), setting, reason },
      ]),
    ),
  ),
  highAvailability: {
    schema: z.boolean(),
    setting: "high_availability",
    reason:
      "the number of etcd members and the API's address, which is in kubeconfigs and on every node, follow from it",
  },
  etcdCount: {
    schema: z.int(),
    setting: "etcd.count",
    reason: "members join and leave a running etcd cluster one by one, which this release does not do",
  },
  etcdDiskType: {
    schema: text,
    setting: "etcd.disk_type",
    reason: "the members' data would stay on the disks that they leave",
  },
  etcdDataDisk: volume("etcd.data_disk", "etcd's data"),
  etcdWalDisk: volume("etcd.wal_disk", "etcd's write-ahead logs"),
  encryptionKey: {
    schema: z.int(),
    setting: "encryption_key",
    reason: "Secrets that are encrypted with the key before must stay readable until all of them are written again",
    accepts: (before, after) => after === before + 1,
    wayRound: (before) =>
      `Keep it (${setCommand("encryption_key", before)}), or go one further (${setCommand("encryption_key", Number(before) + 1)}), run pulumi up, and then the next one.`,
  },
};

const shape = Object.fromEntries(Object.entries(kept).map(([name, { schema }]) => [name, schema]));

/** The resource's id: a stack has one cluster. */
const id = "cluster";

export class Identity implements ResourceKind {
  readonly secretInputs = new Set<string>();

  check(given: Properties, before?: Properties): { inputs: Properties; failures: readonly Failure[] } {
    const { inputs, failures } = checkInputs(shape, given);
    return { inputs, failures: failures.length > 0 || before === undefined ? failures : refusals(before, inputs) };
  }

  diff(state: State, inputs: Properties) {
    return { changes: changedInputs(state.inputs, inputs, new Set()), deleteBeforeReplace: false };
  }

  preview(): Properties {
    return {};
  }

  create() {
    return Promise.resolve({ id, outputs: {} });
  }

  update(): Promise<Properties> {
    return Promise.resolve({});
  }

  read(): Promise<Properties> {
    return Promise.resolve({});
  }

  delete(): Promise<void> {
    return Promise.resolve();
  }
}

/** What an older release did not keep holds from now on. */
function refusals(before: Properties, after: Properties): Failure[] {
  return Object.entries(kept).flatMap(([property, rule]): Failure[] => {
    const had = before[property];
    const got = after[property];
    if (had === undefined || got === undefined || isUnknown(had) || isUnknown(got) || had === got) return [];
    return rule.accepts?.(Number(had), Number(got)) ? [] : [{ property, reason: refusal(rule, had, got) }];
  });
}

function refusal(
  { setting, reason, wayRound, asSetting = (value: Value) => value }: Kept,
  had: Value,
  got: Value,
): string {
  const remedy =
    wayRound?.(had) ??
    `Keep it: ${setCommand(setting, asSetting(had))}. For another one, make a second cluster beside this one (pulumi stack init <name>), move what runs here, and destroy this one.`;
  return `corekube:${setting}: got ${JSON.stringify(asSetting(got))}; this cluster was made with ${JSON.stringify(asSetting(had))}, and that cannot be changed in place: ${reason}. Nothing was created or changed. ${remedy}`;
}

function setCommand(setting: string, value: Value): string {
  const path = setting.includes(".") ? `--path '${setting}'` : setting;
  if (value === "") return `pulumi config rm ${path}`;
  return `pulumi config set ${path} ${String(value)}`;
}

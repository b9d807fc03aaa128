/** Makes the add-ons of a cluster in two steps: before workers join, and on workers. */
import { Provider } from "@pulumi/kubernetes/provider.js";
import * as pulumi from "@pulumi/pulumi";
import type { CloudProviderAddon } from "../cloud/addon.js";
import { apiPort } from "../cloud/firewall.js";
import { Certificate, type CertificateArgs } from "../pki/certificate.js";
import type { KeyPair } from "../pki/keyPair.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { type Addon, type AddonCluster, namespace as usualNamespace, publicWorkers, workers } from "./addon.js";
import { addonsOf, allAddons, splitByWorkers } from "./list.js";
import { createAddon } from "./objects.js";

/** By an add-on's name: the resources that add-ons which need it wait for. */
type Made = ReadonlyMap<string, readonly pulumi.Resource[]>;

/** A secret of the stack's configuration. Whether it is there was checked with the settings. */
function configured(key: string): pulumi.Output<string> {
  const [namespace, name = ""] = key.split(":");
  return new pulumi.Config(namespace).requireSecret(name);
}

interface Order {
  /** What is there already. @default nothing */
  readonly given?: Made;
  /** Of the workers, in the order of the machines. @default none */
  readonly joins?: readonly pulumi.Resource[];
  /** Of the public workers. @default none */
  readonly publicJoins?: readonly pulumi.Resource[];
  /** Each comes after the one before it in the list. @default those that do not need each other come together */
  readonly serial?: boolean;
}

function createAll(
  addons: readonly Addon[],
  cluster: AddonCluster,
  opts: pulumi.CustomResourceOptions,
  { given = new Map(), joins = [], publicJoins = [], serial = false }: Order = {},
): Made {
  const made = new Map(given);
  for (const [index, addon] of addons.entries()) {
    const before = serial ? addons[index - 1] : undefined;
    const after = [...addon.needs, ...(addon.after ?? []).filter((name) => made.has(name))].flatMap((need) => {
      if (need === publicWorkers) return publicJoins;
      // As many as it has pods, so that a further worker changes nothing here.
      return need === workers ? joins.slice(0, addon.replicas?.(cluster.spec) ?? 1) : made.get(need)!;
    });
    if (before) after.push(...made.get(before.name)!);
    const server = serverCertificate(addon, cluster, opts.parent);
    made.set(addon.name, createAddon(addon, { ...cluster, server }, opts, after));
  }
  return made;
}

/** API servers call a Service by this name, whatever the cluster's domain is. */
function serverCertificate(
  { name, server, namespace }: Addon,
  { spec, authority }: AddonCluster,
  parent?: pulumi.Resource,
): KeyPair | undefined {
  if (server === undefined) return undefined;
  const commonName = `${server}.${namespace?.name ?? usualNamespace}.svc`;
  const args: CertificateArgs = { authority, commonName, dnsNames: [commonName], uses: ["server_auth"] };
  return new Certificate(`${spec.name}-${name}`, args, { parent });
}

export interface NodeAddonsArgs {
  readonly spec: ClusterSpec;
  /** Host of the API for the cluster's own machines. */
  readonly apiHost: pulumi.Output<string>;
  /** The administrator's. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
  readonly etcdMetrics: AddonCluster["etcdMetrics"];
  /** The cluster's. */
  readonly authority: KeyPair;
  /** When they are done, the API answers. */
  readonly after: readonly pulumi.Resource[];
  /** The cloud's part. @default none */
  readonly cloudProvider?: CloudProviderAddon;
  /** The cloud's id of the machines' private network. @default not known */
  readonly network?: pulumi.Output<string>;
  /** Holds all objects of the API: a teardown that deletes it need not delete them one by one. */
  readonly store: pulumi.Resource;
  /** @default all */
  readonly addons?: readonly Addon[];
}

/** Add-ons that need no workers. Among them are those without which a node is not ready or takes no pods. */
export class NodeAddons extends pulumi.ComponentResource {
  /** Workers join after these. Few, because every worker lists them. */
  readonly joinAfter: readonly pulumi.Resource[];
  readonly provider: Provider;
  readonly cluster: AddonCluster;
  /** Made with this component. */
  readonly made: Made;
  /** Left for `ClusterAddons`. */
  readonly remaining: readonly Addon[];

  constructor(name: string, args: NodeAddonsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:addons:NodeAddons", name, {}, opts);
    this.provider = new Provider(
      name,
      {
        kubeconfig: args.kubeconfig,
        // The same cluster whatever its API's address is. Otherwise a new address, as after the replacement of the only controller,
        // would mean another cluster, and every object would be deleted and created again.
        clusterIdentifier: args.spec.name,
        enableServerSideApply: true,
        // A changed ConfigMap is updated in place; pods follow by the checksum in their template.
        enableConfigMapMutable: true,
        // After a run that was killed before the engine noted what it had created, the next run takes that over.
        upsertExistingObjects: true,
      },
      { parent: this, dependsOn: [...args.after] },
    );
    this.cluster = {
      spec: args.spec,
      api: { host: args.apiHost, port: apiPort },
      kubeconfig: args.kubeconfig,
      etcdMetrics: args.etcdMetrics,
      authority: args.authority,
      cloudProvider: args.cloudProvider,
      network: args.network,
      secret: configured,
    };
    const { without, on } = splitByWorkers(addonsOf(args.spec, args.addons ?? allAddons));
    const made = createAll(without, this.cluster, { parent: this, provider: this.provider, deletedWith: args.store });
    this.joinAfter = without.filter(({ beforeWorkers }) => beforeWorkers).flatMap((each) => made.get(each.name)!);
    this.made = made;
    this.remaining = on;
    this.registerOutputs({});
  }
}

export interface ClusterAddonsArgs {
  readonly nodeAddons: NodeAddons;
  /** Of the workers, in the order of the machines. */
  readonly joins: readonly pulumi.Resource[];
  /** Of the public workers. */
  readonly publicJoins: readonly pulumi.Resource[];
}

/**
 * Add-ons that need workers to run on, one after the other: the last phase of a run.
 *
 * Their pods wait for workers, since controllers take no such pods and the wait would time out. Workers also outlive them at a
 * teardown, so that their disruption budgets keep no node from draining.
 */
export class ClusterAddons extends pulumi.ComponentResource {
  constructor(
    name: string,
    { nodeAddons, joins, publicJoins }: ClusterAddonsArgs,
    opts?: pulumi.ComponentResourceOptions,
  ) {
    super("corekube:addons:ClusterAddons", name, {}, opts);
    const { cluster, made, provider, remaining } = nodeAddons;
    createAll(remaining, cluster, { parent: this, provider }, { given: made, joins, publicJoins, serial: true });
    this.registerOutputs({});
  }
}

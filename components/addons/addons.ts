/** What runs inside every cluster, in two steps: what nodes need before they join, and what needs nodes. */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { CloudProviderAddon } from "../cloud/addon.js";
import { apiPort } from "../cloud/firewall.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { createCloudProvider } from "./cloud/cloudProvider.js";
import type { AddonContext } from "./context.js";
import { corednsReplicas, createCoredns } from "./coredns.js";
import { createFlannel } from "./flannel.js";
import { createKubeProxy } from "./kubeProxy.js";
import { createRbac } from "./rbac.js";

export interface NodeAddonsArgs {
  readonly spec: ClusterSpec;
  /** Host of the API for the cluster's own machines. */
  readonly apiHost: pulumi.Output<string>;
  /** The administrator's. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /** When they are done, the API answers. */
  readonly after: readonly pulumi.Resource[];
  /** The cloud's part. @default none */
  readonly cloudProvider?: CloudProviderAddon;
  /** The cloud's id of the machines' private network. @default not known */
  readonly network?: pulumi.Output<string>;
  /** Holds all objects of the API: when it is deleted, they go with it, and a teardown need not take them away one by one. */
  readonly store: pulumi.Resource;
}

/** Rights, Service network, pod network and cloud controller manager: a node is not ready, or takes no pods, without them. */
export class NodeAddons extends pulumi.ComponentResource {
  /** A worker joins after these; few, since every worker lists them. */
  readonly joinAfter: readonly pulumi.Resource[];
  readonly provider: kubernetes.Provider;

  constructor(name: string, args: NodeAddonsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:addons:NodeAddons", name, {}, opts);
    this.provider = new kubernetes.Provider(
      name,
      // A ConfigMap that changes is updated in place; pods follow by the checksum in their template.
      {
        kubeconfig: args.kubeconfig,
        // The same cluster wherever its API is reached: another address, as when its only controller is replaced, would otherwise
        // be another cluster, and every object would be deleted and made anew.
        clusterIdentifier: args.spec.name,
        enableServerSideApply: true,
        enableConfigMapMutable: true,
        // A run that was killed between the cluster's answer and the engine's note of it must not stop at what it made itself.
        upsertExistingObjects: true,
      },
      { parent: this, dependsOn: [...args.after] },
    );
    const context: AddonContext = {
      spec: args.spec,
      api: { host: args.apiHost, port: apiPort },
      opts: { parent: this, provider: this.provider, deletedWith: args.store },
    };
    const rights = createRbac(context);
    const network = args.spec.networkProvider === "flannel" ? [createFlannel(context)] : [];
    const cloud = args.cloudProvider ? createCloudProvider(context, args.cloudProvider, args.network) : [];
    this.joinAfter = [...rights, createKubeProxy(context), ...network, ...cloud];
    this.registerOutputs({});
  }
}

export interface ClusterAddonsArgs {
  readonly spec: ClusterSpec;
  readonly apiHost: pulumi.Output<string>;
  readonly provider: kubernetes.Provider;
  /** In the order of the machines; add-ons wait only for as many as they have pods, so that a further worker changes nothing here. */
  readonly joins: readonly pulumi.Resource[];
}

/** What needs workers to run on. */
export class ClusterAddons extends pulumi.ComponentResource {
  constructor(name: string, args: ClusterAddonsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:addons:ClusterAddons", name, {}, opts);
    const context: AddonContext = {
      spec: args.spec,
      api: { host: args.apiHost, port: apiPort },
      opts: { parent: this, provider: args.provider },
    };
    createCoredns(context, args.joins.slice(0, corednsReplicas));
    this.registerOutputs({});
  }
}

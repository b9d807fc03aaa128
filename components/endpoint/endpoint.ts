/** Where the API is reached: at its load balancers if the cluster has them, otherwise at its one controller. */
import * as pulumi from "@pulumi/pulumi";
import type { ApiLoadBalancers, Cloud, Machine } from "../cloud/cloud.js";
import { apiPort } from "../cloud/firewall.js";
import type { ClusterSpec } from "../spec/cluster.js";

export interface ApiEndpointArgs {
  readonly spec: Pick<ClusterSpec, "apiLoadBalancers">;
  readonly cloud: Cloud;
}

/** Addresses of the API. */
export interface ApiAddresses {
  /** Host for administrators. */
  readonly external: pulumi.Output<string>;
  /** Host for the cluster's own machines. */
  readonly internal: pulumi.Output<string>;
  /** Addresses or names that belong to no controller, for the API servers' certificates. */
  readonly shared: readonly pulumi.Output<string>[];
  /** Whether the addresses are those of the first controller, and move with it. */
  readonly ofController: boolean;
}

export class ApiEndpoint extends pulumi.ComponentResource {
  /** Resources that the API needs to be reachable, besides the controllers. */
  readonly resources: readonly pulumi.Resource[];
  /** Undefined: the API is reached at its one controller. */
  readonly loadBalancers: ApiLoadBalancers | undefined;

  constructor(name: string, args: ApiEndpointArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:endpoint:ApiEndpoint", name, {}, opts);
    this.loadBalancers = args.spec.apiLoadBalancers ? args.cloud.createApiLoadBalancers({ parent: this }) : undefined;
    this.resources = this.loadBalancers?.resources ?? [];
    this.registerOutputs({});
  }

  /** Addresses of the API that these controllers serve; without load balancers, those of the first. */
  addresses(controllers: readonly Machine[]): ApiAddresses {
    if (this.loadBalancers) {
      const { external, internal } = this.loadBalancers;
      return { external, internal, shared: [external, internal], ofController: false };
    }
    const [first] = controllers;
    if (!first) {
      throw new Error("controllers: got none, a cluster needs at least one; this is a bug in the program");
    }
    return { external: first.publicIpv4, internal: first.privateIpv4, shared: [], ofController: true };
  }
}

/** Address of the API on a host, `https://<host>:<port>`. */
export function apiUrl(host: string): string {
  return `https://${host}:${apiPort}`;
}

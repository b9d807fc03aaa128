/** The workers: machines that join by themselves, with keys that never leave them. Two engine resources each: the machine and its join. */
import * as pulumi from "@pulumi/pulumi";
import type { Cloud, Machine } from "../cloud/cloud.js";
import { apiUrl } from "../endpoint/endpoint.js";
import { connection, type SshAccess } from "../machine/access.js";
import { Join } from "../machine/join.js";
import { createPool } from "../machine/pool.js";
import type { Rollout } from "../rollout/rollout.js";
import type { ClusterSpec } from "../spec/cluster.js";

export interface WorkersArgs {
  readonly spec: ClusterSpec;
  readonly cloud: Cloud;
  readonly ssh: SshAccess;
  /** Host of the API for the cluster's own machines. */
  readonly apiHost: pulumi.Input<string>;
  /** Of the Kubernetes authority, PEM. */
  readonly caCertificate: pulumi.Input<string>;
  /** The administrator's, with which the program mints tokens and drains nodes. Secret. */
  readonly kubeconfig: pulumi.Input<string>;
  /** What a node needs in the cluster before it can become ready. */
  readonly joinAfter: readonly pulumi.Resource[];
  readonly rollout: Rollout;
}

export class Workers extends pulumi.ComponentResource {
  readonly machines: readonly Machine[];
  /** One for each machine, in their order; done when the node is ready. */
  readonly joins: readonly Join[];

  constructor(name: string, args: WorkersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:workers:Workers", name, {}, opts);
    const { spec } = args;
    const child = { parent: this };
    this.machines = createPool({ spec, cloud: args.cloud, pool: spec.workers, rollout: args.rollout }, child);
    const server = pulumi.output(args.apiHost).apply(apiUrl);
    this.joins = this.machines.map((machine) => {
      const join = new Join(
          machine.name,
          {
            ...connection(machine, args.ssh),
            nodeName: machine.name,
            server,
            caCertificate: args.caCertificate,
            kubeconfig: pulumi.secret(args.kubeconfig),
            timeout: spec.bootTimeout,
            drainTimeout: spec.drainTimeout,
          },
          { ...child, dependsOn: [...machine.resources, ...args.joinAfter] },
      );
      args.rollout.servesWith(machine.name, join.nodeName);
      return join;
    });
    this.registerOutputs({});
  }
}

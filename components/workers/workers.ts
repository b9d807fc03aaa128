/** The workers: machines that join with keys that never leave them. Two engine resources each: the machine and its join. */
import * as pulumi from "@pulumi/pulumi";
import type { Cloud, Machine } from "../cloud/cloud.js";
import type { Configuration } from "../contract/configurations.js";
import { apiUrl } from "../endpoint/endpoint.js";
import { machineRef } from "../machine/access.js";
import { Join } from "../machine/join.js";
import { createPool, type ReachedMachine } from "../machine/pool.js";
import type { Provider } from "../machine/provider.js";
import type { MachineOrder } from "../rollout/program/rollout.js";
import type { ClusterSpec, WorkerPoolSpec } from "../spec/cluster.js";
import { nodeSettings } from "./nodeSettings.js";

export interface WorkersArgs {
  readonly spec: ClusterSpec;
  readonly pool: WorkerPoolSpec;
  readonly cloud: Cloud;
  /** Reaches the workers, creates tokens and drains nodes. */
  readonly provider: Provider;
  /** Host of the API for the cluster's own machines. */
  readonly apiHost: pulumi.Input<string>;
  /** Of the Kubernetes authority, PEM. */
  readonly caCertificate: pulumi.Input<string>;
  /** Resources that a node needs in the cluster before it can become ready. */
  readonly joinAfter: readonly pulumi.Resource[];
  readonly rollout: MachineOrder;
  /** What the machines run. */
  readonly configuration: Configuration;
}

export class Workers extends pulumi.ComponentResource {
  readonly machines: readonly ReachedMachine[];
  /** One for each machine; done when the node is ready. */
  readonly joins: readonly Join[];

  constructor(name: string, args: WorkersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:workers:Workers", name, {}, opts);
    const { spec } = args;
    const child = { parent: this };
    const machines = createPool({ spec, cloud: args.cloud, pool: args.pool, rollout: args.rollout }, child);
    const server = pulumi.output(args.apiHost).apply(apiUrl);
    const join = (machine: Machine): ReachedMachine & { join: Join } => {
      const joined = new Join(
        machine.name,
        {
          ...machineRef(machine),
          configuration: args.configuration.digest,
          nodeName: machine.name,
          server,
          caCertificate: args.caCertificate,
          timeout: spec.bootTimeout,
          drainTimeout: spec.drainTimeout,
          ...nodeSettings(spec, args.pool.role),
          podNetwork: spec.networkProvider !== "none",
        },
        { ...child, provider: args.provider, dependsOn: [...machine.resources, ...args.joinAfter] },
      );
      args.rollout.servesWith(machine.name, joined.nodeName);
      return { machine, join: joined, hostKey: joined.hostKey, configuration: joined.configuration };
    };
    const joined = machines.map(join);
    this.machines = joined;
    this.joins = joined.map(({ join }) => join);
    this.registerOutputs({});
  }
}

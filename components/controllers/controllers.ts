/** The controllers: machines that run the API servers, the controller managers and the schedulers. */
import * as pulumi from "@pulumi/pulumi";
import type { Cloud, Machine } from "../cloud/cloud.js";
import { type ApiAddresses, type ApiEndpoint, apiUrl } from "../endpoint/endpoint.js";
import type { EtcdCluster } from "../etcd/cluster.js";
import { connection, type SshAccess } from "../machine/access.js";
import { Delivery } from "../machine/delivery.js";
import { createPool } from "../machine/pool.js";
import { kubeconfig } from "../pki/kubeconfig.js";
import type { Pki } from "../pki/pki.js";
import type { Rollout } from "../rollout/rollout.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { EncryptionKey } from "./encryption.js";
import { controllerFiles } from "./files.js";

export interface ControllersArgs {
  readonly spec: ClusterSpec;
  readonly cloud: Cloud;
  readonly pki: Pki;
  readonly ssh: SshAccess;
  readonly etcd: EtcdCluster;
  readonly endpoint: ApiEndpoint;
  readonly rollout: Rollout;
}

export class Controllers extends pulumi.ComponentResource {
  readonly machines: readonly Machine[];
  /** One for each machine, in their order; done when its API server is ready. */
  readonly deliveries: readonly Delivery[];
  readonly api: ApiAddresses;
  /** The administrator's. Secret. */
  readonly kubeconfig: pulumi.Output<string>;

  constructor(name: string, args: ControllersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:controllers:Controllers", name, {}, opts);
    const { spec, pki, etcd } = args;
    const child = { parent: this };
    // Machines boot beside etcd's; only their secrets wait for it.
    this.machines = createPool(
      {
        spec,
        cloud: args.cloud,
        pool: spec.controllers,
        rollout: args.rollout,
        behind: args.endpoint.loadBalancers,
      },
      child,
    );
    this.api = args.endpoint.addresses(this.machines);
    this.kubeconfig = administration(spec.name, pki, this.api);
    const key = new EncryptionKey(name, { number: spec.encryptionKey, kubeconfig: this.kubeconfig }, child);
    this.deliveries = this.machines.map((machine) => {
      const files = controllerFiles({ spec, pki, machine, shared: this.api.shared, etcdUrls: etcd.clientUrls }, child);
      const delivery = new Delivery(
        machine.name,
        {
          ...connection(machine, args.ssh),
          address: machine.privateIpv4,
          files: pulumi.secret(files),
          hosts: etcd.hosts,
          timeout: spec.bootTimeout,
          // By turns: a renewal restarts one API server at a time, and a failure leaves the others alone.
          turn: "controller",
        },
        { ...child, dependsOn: [...machine.resources, ...etcd.deliveries, key] },
      );
      args.rollout.servesWith(machine.name, delivery.digest);
      return delivery;
    });
    this.registerOutputs({});
  }
}

function administration(cluster: string, pki: Pki, api: ApiAddresses): pulumi.Output<string> {
  const { certificate, key } = pki.admin;
  const made = pulumi
    .all([api.external, pki.kubernetes.certificate, certificate, key])
    .apply(([host, certificateAuthority, clientCertificate, clientKey]) =>
      kubeconfig({ cluster, server: apiUrl(host), certificateAuthority, user: "admin", clientCertificate, clientKey }),
    );
  return pulumi.secret(made);
}

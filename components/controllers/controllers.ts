/** The controllers: machines that run the API servers, the controller managers and the schedulers. */
import * as pulumi from "@pulumi/pulumi";
import type { Cloud } from "../cloud/cloud.js";
import type { Configuration } from "../contract/configurations.js";
import { type ApiAddresses, type ApiEndpoint, apiUrl } from "../endpoint/endpoint.js";
import type { EtcdCluster } from "../etcd/cluster.js";
import { sshTarget, type SshAccess } from "../machine/access.js";
import { Delivery } from "../machine/delivery.js";
import { createPool, type ReachedMachine } from "../machine/pool.js";
import { kubeconfig } from "../pki/kubeconfig.js";
import type { Pki } from "../pki/pki.js";
import type { MachineOrder } from "../rollout/program/rollout.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { EncryptionKeyGate } from "./secretsEncryption.js";
import { controllerFiles } from "./controllerFiles.js";

export interface ControllersArgs {
  readonly spec: ClusterSpec;
  readonly cloud: Cloud;
  readonly pki: Pki;
  readonly ssh: SshAccess;
  readonly etcd: EtcdCluster;
  readonly endpoint: ApiEndpoint;
  readonly rollout: MachineOrder;
  /** What the machines run. */
  readonly configuration: Configuration;
}

export class Controllers extends pulumi.ComponentResource {
  readonly machines: readonly ReachedMachine[];
  /** One for each machine; done when its API server is ready. */
  readonly deliveries: readonly Delivery[];
  readonly api: ApiAddresses;
  /** The administrator's. Secret. */
  readonly kubeconfig: pulumi.Output<string>;

  constructor(name: string, args: ControllersArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:controllers:Controllers", name, {}, opts);
    const { spec, pki, etcd } = args;
    const child = { parent: this };
    // The machines boot in parallel with etcd's; only their deliveries wait for it.
    const machines = createPool(
      {
        spec,
        cloud: args.cloud,
        pool: spec.controllers,
        rollout: args.rollout,
        behind: args.endpoint.loadBalancers,
      },
      child,
    );
    this.api = args.endpoint.addresses(machines);
    this.kubeconfig = administration(spec.name, pki, this.api);
    const { fingerprints } = pki.encryption;
    const keyGate = new EncryptionKeyGate(
      name,
      { number: spec.encryptionKey, fingerprints, kubeconfig: this.kubeconfig },
      child,
    );
    const delivered = machines.map((machine) => {
      const files = controllerFiles({ spec, pki, machine, shared: this.api.shared, etcdUrls: etcd.clientUrls }, child);
      const delivery = new Delivery(
        machine.name,
        {
          ...sshTarget(machine, args.ssh),
          configuration: args.configuration.digest,
          address: machine.privateIpv4,
          files: pulumi.secret(files),
          hosts: etcd.hosts,
          ...(this.api.ofController ? { apiServer: this.api.internal.apply(apiUrl) } : {}),
          timeout: spec.bootTimeout,
        },
        { ...child, dependsOn: [...machine.resources, ...etcd.deliveries, keyGate] },
      );
      args.rollout.servesWith(machine.name, delivery.digest);
      return { machine, delivery, hostKey: delivery.hostKey, configuration: delivery.configuration };
    });
    this.machines = delivered;
    this.deliveries = delivered.map(({ delivery }) => delivery);
    this.registerOutputs({});
  }
}

function administration(cluster: string, pki: Pki, api: ApiAddresses): pulumi.Output<string> {
  const { certificate, key } = pki.admin;
  const admin = pulumi
    .all([api.external, pki.kubernetes.certificate, certificate, key])
    .apply(([host, certificateAuthority, clientCertificate, clientKey]) =>
      kubeconfig({ cluster, server: apiUrl(host), certificateAuthority, user: "admin", clientCertificate, clientKey }),
    );
  return pulumi.secret(admin);
}

/** The etcd cluster: machines with data volumes, certificates, and the delivery that starts each member. */
import * as pulumi from "@pulumi/pulumi";
import type { Cloud, Machine, VolumeArgs } from "../cloud/cloud.js";
import type { Configuration } from "../contract/configurations.js";
import { sshTarget, type SshAccess } from "../machine/access.js";
import { Delivery } from "../machine/delivery.js";
import { createPool, type ReachedMachine } from "../machine/pool.js";
import { Certificate } from "../pki/certificate.js";
import { etcdSettings } from "../nodeconfig/etcd.js";
import { etcdNames } from "../pki/subjects.js";
import type { Pki } from "../pki/pki.js";
import type { MachineOrder } from "../rollout/program/rollout.js";
import type { ClusterSpec, EtcdSpec } from "../spec/cluster.js";

/** Volumes of each member; none where its data is on the machine's own disk. */
function volumesOf({ disks }: EtcdSpec): readonly VolumeArgs[] {
  return disks.type === "volumes"
    ? [
        { suffix: "data", size: disks.data },
        { suffix: "wal", size: disks.wal },
      ]
    : [];
}

/** Address for clients of the member on a machine. */
function clientUrl(machine: string): string {
  return `https://${machine}:2379`;
}

export interface EtcdClusterArgs {
  readonly spec: ClusterSpec;
  readonly cloud: Cloud;
  readonly pki: Pki;
  readonly ssh: SshAccess;
  readonly rollout: MachineOrder;
  /** What the machines run. */
  readonly configuration: Configuration;
}

export class EtcdCluster extends pulumi.ComponentResource {
  readonly machines: readonly ReachedMachine[];
  /** One for each machine; done when the member serves. */
  readonly deliveries: readonly Delivery[];
  /** Addresses for clients: by name, so that they stay the same when a machine is replaced. */
  readonly clientUrls: readonly string[];
  /** Those names and their addresses in the private network, for clients. */
  readonly hosts: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: EtcdClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:etcd:Cluster", name, {}, opts);
    const { spec } = args;
    const child = { parent: this };
    const machines = createPool(
      { spec, cloud: args.cloud, pool: spec.etcd, rollout: args.rollout, volumes: volumesOf(spec.etcd) },
      child,
    );
    this.clientUrls = machines.map(({ name }) => clientUrl(name));
    this.hosts = byName(machines, ({ privateIpv4 }) => privateIpv4);
    // Started together: no member of a new cluster serves before most of them do.
    const delivered = machines.map((machine) => {
      const delivery = this.deliver(machine, machines, args);
      args.rollout.servesWith(machine.name, delivery.digest);
      return { machine, delivery, hostKey: delivery.hostKey, configuration: delivery.configuration };
    });
    this.machines = delivered;
    this.deliveries = delivered.map(({ delivery }) => delivery);
    this.registerOutputs({});
  }

  private deliver(machine: Machine, members: readonly Machine[], args: EtcdClusterArgs): Delivery {
    const child = { parent: this };
    const names = { dnsNames: etcdNames(machine.name), ipAddresses: ["127.0.0.1", machine.privateIpv4] };
    const certificate = (purpose: string, uses: readonly ("server_auth" | "client_auth")[]): Certificate =>
      new Certificate(
        `${machine.name}-${purpose}`,
        { authority: args.pki.etcd, commonName: machine.name, uses, ...names },
        child,
      );
    // etcd's gateway calls its own server with the server's certificate, members call each other with the peer's: both are also clients.
    const server = certificate("server", ["server_auth", "client_auth"]);
    const peer = certificate("peer", ["server_auth", "client_auth"]);
    const files = {
      "etcd-ca.crt": args.pki.etcd.certificate,
      "server.crt": server.certificate,
      "server.key": server.key,
      "peer.crt": peer.certificate,
      "peer.key": peer.key,
      "etcd.env": etcdSettings(args.spec),
    };
    return new Delivery(
      machine.name,
      {
        ...sshTarget(machine, args.ssh),
        configuration: args.configuration.digest,
        address: machine.privateIpv4,
        files: pulumi.secret(files),
        // Never an output of a machine that may itself be waiting for this one.
        members: byName(members, (other) =>
          other === machine ? machine.privateIpv4 : args.rollout.addressOf(other.name, other.privateIpv4),
        ),
        timeout: args.spec.bootTimeout,
      },
      { ...child, dependsOn: [...machine.resources] },
    );
  }
}

function byName(
  machines: readonly Machine[],
  value: (machine: Machine) => pulumi.Output<string>,
): pulumi.Output<Record<string, string>> {
  return pulumi.output(Object.fromEntries(machines.map((machine) => [machine.name, value(machine)])));
}

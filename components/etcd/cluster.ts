/** The etcd cluster: machines with data volumes, certificates, and the delivery that starts each member. */
import * as pulumi from "@pulumi/pulumi";
import type { Cloud, Machine, VolumeArgs } from "../cloud/cloud.js";
import { connection, type SshAccess } from "../machine/access.js";
import { Delivery } from "../machine/delivery.js";
import { createPool } from "../machine/pool.js";
import { Certificate } from "../pki/certificate.js";
import { etcdNames } from "../pki/identities.js";
import type { Pki } from "../pki/pki.js";
import type { ClusterSpec, EtcdSpec } from "../spec/cluster.js";
import { clientUrl, memberEnvironment } from "./environment.js";

/** Volumes of each member; none where its data is on the machine's own disk. */
function volumesOf({ disks }: EtcdSpec): readonly VolumeArgs[] {
  return disks.type === "volumes" ? [{ suffix: "data", size: disks.data }, { suffix: "wal", size: disks.wal }] : [];
}

export interface EtcdClusterArgs {
  readonly spec: ClusterSpec;
  readonly cloud: Cloud;
  readonly pki: Pki;
  readonly ssh: SshAccess;
}

export class EtcdCluster extends pulumi.ComponentResource {
  readonly machines: readonly Machine[];
  /** One for each machine, in their order; done when the member serves. */
  readonly deliveries: readonly Delivery[];
  /** Addresses for clients. */
  readonly clientUrls: pulumi.Output<string[]>;

  constructor(name: string, args: EtcdClusterArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:etcd:Cluster", name, {}, opts);
    const { spec } = args;
    const child = { parent: this };
    this.machines = createPool(
      { spec, cloud: args.cloud, pool: spec.etcd, volumes: volumesOf(spec.etcd) },
      child,
    );
    const members = pulumi.all(this.machines.map((machine) => machine.privateIpv4)).apply((addresses) =>
      addresses.map((address, index) => ({ name: this.machines[index]!.name, address })),
    );
    this.clientUrls = members.apply((all) => all.map((member) => clientUrl(member.address)));
    const environment = members.apply(memberEnvironment);
    // Started side by side: no member of a new cluster serves before most of them do. Changed by turns.
    this.deliveries = this.machines.map((machine) => this.deliver(machine, environment, args));
    this.registerOutputs({});
  }

  private deliver(machine: Machine, environment: pulumi.Output<string>, args: EtcdClusterArgs): Delivery {
    const child = { parent: this };
    const names = { dnsNames: etcdNames(machine.name), ipAddresses: ["127.0.0.1", machine.privateIpv4] };
    const certificate = (purpose: string, uses: readonly ("server_auth" | "client_auth")[]): Certificate =>
      new Certificate(`${machine.name}-${purpose}`, { authority: args.pki.etcd, commonName: machine.name, uses, ...names }, child);
    // etcd's gateway calls its own server with the server's certificate, members call each other with the peer's: both are clients too.
    const server = certificate("server", ["server_auth", "client_auth"]);
    const peer = certificate("peer", ["server_auth", "client_auth"]);
    const files = {
      "etcd-ca.crt": args.pki.etcd.certificate,
      "server.crt": server.certificate,
      "server.key": server.key,
      "peer.crt": peer.certificate,
      "peer.key": peer.key,
      "cluster.env": environment,
    };
    return new Delivery(
      machine.name,
      { ...connection(machine, args.ssh), files: pulumi.secret(files), timeout: args.spec.bootTimeout, turn: "etcd" },
      { ...child, dependsOn: [...machine.resources] },
    );
  }
}

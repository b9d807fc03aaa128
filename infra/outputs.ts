/** What a stack tells about its cluster. Names are part of the product: scripts read them. */
import * as pulumi from "@pulumi/pulumi";
import type { Machine } from "../components/cloud/cloud.js";

export interface MachineOutput {
  readonly name: string;
  readonly role: string;
  /** The cloud's id. */
  readonly id: string;
  readonly public_ipv4: string;
  readonly private_ipv4: string;
  /** The machine's SSH host key as the program recorded it, `<type> <base64>`. */
  readonly host_key: string;
}

export interface ClusterOutputs {
  /** Address of the API for administrators. */
  readonly endpoint: pulumi.Output<string>;
  /** The administrator's. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /** etcd members, controllers, workers, public workers, each in the order of their index. */
  readonly machines: pulumi.Output<MachineOutput[]>;
  /** Key to all machines, in OpenSSH's format. Secret. */
  readonly ssh_private_key: pulumi.Output<string>;
  readonly ssh_user: pulumi.Output<string>;
}

/** The table of machines; `reached` holds the delivery or join of each machine, in the same order. */
export function machineTable(
  machines: readonly Machine[],
  reached: readonly { readonly hostKey: pulumi.Output<string> }[],
): pulumi.Output<MachineOutput[]> {
  return pulumi.all(
    machines.map((machine, index) => ({
      name: machine.name,
      role: machine.role,
      id: machine.id,
      public_ipv4: machine.publicIpv4,
      private_ipv4: machine.privateIpv4,
      host_key: reached[index]!.hostKey,
    })),
  );
}

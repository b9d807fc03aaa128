/** The outputs of a stack. Their names are part of the interface: scripts read them. */
import * as pulumi from "@pulumi/pulumi";
import type { ReachedMachine } from "../components/machine/pool.js";
import { keepCurrent } from "./keepCurrent.js";

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
  /** SSH key for all machines, in OpenSSH's format. Secret. */
  readonly ssh_private_key: pulumi.Output<string>;
  readonly ssh_user: pulumi.Output<string>;
}

function machineRow({ machine, hostKey }: ReachedMachine): pulumi.Output<MachineOutput> {
  return pulumi.output({
    name: machine.name,
    role: machine.role,
    id: machine.id,
    public_ipv4: machine.publicIpv4,
    private_ipv4: machine.privateIpv4,
    host_key: hostKey,
  });
}

/** The outputs, which are kept current while the run goes on. */
export function clusterOutputs(
  outputs: Omit<ClusterOutputs, "machines">,
  machines: readonly ReachedMachine[],
): ClusterOutputs {
  const rows = new Map(machines.map((reached) => [reached.machine.name, machineRow(reached)]));
  keepCurrent({ ...outputs }, rows);
  return { ...outputs, machines: pulumi.all([...rows.values()]) };
}

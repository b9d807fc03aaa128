/** The outputs of a stack. Their names are part of the interface: scripts read them. */
import * as pulumi from "@pulumi/pulumi";
import type { Role } from "../components/spec/cluster.js";
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
  /** It runs the configuration that the settings and this version of the program say. False after a run that failed before its turn. */
  readonly up_to_date: boolean;
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

function machineRow(
  { machine, hostKey, configuration }: ReachedMachine,
  current: Current,
): pulumi.Output<MachineOutput> {
  return pulumi.output({
    name: machine.name,
    role: machine.role,
    id: machine.id,
    public_ipv4: machine.publicIpv4,
    private_ipv4: machine.privateIpv4,
    host_key: hostKey,
    up_to_date: configuration.apply((digest) => digest === current[machine.role].digest),
  });
}

/** What machines of a role are to run. */
type Current = Readonly<Record<Role, { readonly digest: string }>>;

/** The outputs, which are kept current while the run goes on. */
export function clusterOutputs(
  outputs: Omit<ClusterOutputs, "machines">,
  machines: readonly ReachedMachine[],
  current: Current,
): ClusterOutputs {
  const rows = new Map(machines.map((reached) => [reached.machine.name, machineRow(reached, current)]));
  keepCurrent({ ...outputs }, rows);
  return { ...outputs, machines: pulumi.all([...rows.values()]) };
}

/** How the program reaches machines. */
import type * as pulumi from "@pulumi/pulumi";
import type { Machine } from "../cloud/cloud.js";
import type { MachineAccessArgs, MachinePlaceArgs } from "./delivery.js";

/** The key pair of the program's own SSH access. */
export interface SshAccess {
  readonly user: string;
  /** Secret, in OpenSSH's format. */
  readonly privateKey: pulumi.Output<string>;
  /** In OpenSSH's format. */
  readonly publicKey: pulumi.Output<string>;
}

/** The part of a join's inputs that says which machine it is for. */
export function place(machine: Machine): MachinePlaceArgs {
  return {
    machine: machine.name,
    machineId: machine.id,
    host: machine.host,
    ...(machine.bastion ? { bastion: machine.bastion } : {}),
  };
}

/** The part of a delivery's inputs that says which machine it is for, and how to reach it. */
export function connection(machine: Machine, ssh: SshAccess): MachineAccessArgs {
  return { ...place(machine), user: ssh.user, privateKey: ssh.privateKey };
}

/** How the program reaches machines. */
import type * as pulumi from "@pulumi/pulumi";
import type { Machine } from "../cloud/cloud.js";
import type { DeliveryArgs } from "./delivery.js";
import type { JoinArgs } from "./join.js";

/** The key pair of the program's own SSH access. */
export interface SshAccess {
  readonly user: string;
  /** Secret, in OpenSSH's format. */
  readonly privateKey: pulumi.Output<string>;
  /** In OpenSSH's format. */
  readonly publicKey: pulumi.Output<string>;
}

/** Which machine a resource is for, and where it answers. */
export function machineRef(machine: Machine): Pick<JoinArgs, "machine" | "machineId" | "host" | "bastion"> {
  return { machine: machine.name, machineId: machine.id, host: machine.host, bastion: machine.bastion };
}

/** The same, with the SSH login. */
export function sshTarget(
  machine: Machine,
  ssh: SshAccess,
): ReturnType<typeof machineRef> & Pick<DeliveryArgs, "user" | "privateKey"> {
  return { ...machineRef(machine), user: ssh.user, privateKey: ssh.privateKey };
}

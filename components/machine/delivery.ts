/** Secrets on a machine, and the machine serving with them. */
import * as pulumi from "@pulumi/pulumi";

/** Which machine, and where it answers. */
export interface MachinePlaceArgs {
  /** The machine's name, for messages. */
  machine: pulumi.Input<string>;
  /** The cloud's id of the machine. Another id is another machine: the resource is replaced. */
  machineId: pulumi.Input<string>;
  /** Address or name at which the machine answers SSH from here. */
  host: pulumi.Input<string>;
  /**
   * Address or name of the machine through which `host` is reached, for the same user with the same key; `:port` after it where that
   * is not 22. It need not be trusted: it passes on a connection that the machine itself answers. A change is proved by connecting once.
   * @default none, `host` is reached directly
   */
  bastion?: pulumi.Input<string>;
  /** TCP port of its SSH server. @default 22 */
  port?: pulumi.Input<number>;
  /**
   * Seconds for all of it, the machine's boot included, 1 to 7200. A unit that has failed for good ends the wait earlier.
   * A change is recorded and nothing else.
   * @default 600
   */
  timeout?: pulumi.Input<number>;
}

/** How the provider reaches a machine. */
export interface MachineAccessArgs extends MachinePlaceArgs {
  /** A user who may run `sudo -n`. @default core */
  user?: pulumi.Input<string>;
  /** The user's private key in OpenSSH's format. Always kept as a secret. */
  privateKey: pulumi.Input<string>;
}

export interface DeliveryArgs extends MachineAccessArgs {
  /**
   * File name to content, for `/etc/corekube/secrets`: all of them, each 0600 and root's, or none. Always kept as a secret.
   * Names have letters, digits, dot, dash and underscore; `complete` is the delivery's own.
   */
  files: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** The machine's address in the private network, kept for the next run. */
  address?: pulumi.Input<string>;
  /**
   * Of an etcd member: every member's name to its address in the private network. Read when the member is started or moves; a
   * change of it alone is none, for the members tell each other.
   */
  members?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Of a controller: names to addresses that its API server must resolve. A change reaches it without a restart. */
  hosts?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

/**
 * Delivers secrets to an etcd member or controller over SSH and waits until it serves (`/opt/corekube/bin/health`).
 *
 * A change of `files` delivers again and restarts `corekube-activate.service`. The host key is recorded at the first
 * connection and must be the same ever after. A failure names the machine, the failed unit and its last log lines; the
 * next `pulumi up` goes on from there.
 *
 * Deleting it as the first half of a replacement asks every other machine of the control plane whether it is healthy, refuses where
 * one is not or a quorum would be lost, and stops the machine's service in peace. Any other deletion does nothing: the secrets go
 * with the machine.
 */
export class Delivery extends pulumi.CustomResource {
  /** The machine's SSH host key, such as `ssh-ed25519 AAAA...`. */
  declare readonly hostKey: pulumi.Output<string>;
  /** `sha256:...` over names and contents of the files: tells that they changed, and nothing else of them. */
  declare readonly digest: pulumi.Output<string>;
  /** Where it answered SSH; read by the next run. */
  declare readonly host: pulumi.Output<string>;

  constructor(name: string, args: DeliveryArgs, opts?: pulumi.CustomResourceOptions) {
    const secret = { privateKey: pulumi.secret(args.privateKey), files: pulumi.secret(args.files) };
    super("corekube:machine:Delivery", name, { ...args, ...secret, hostKey: undefined, digest: undefined }, opts);
  }
}

/** Delivered files on a machine, and the machine serving with them. */
import * as pulumi from "@pulumi/pulumi";
import type { ArgsOf } from "../contract/args.js";
import { resourceTypes, type deliveryShape } from "../contract/resources.js";

export type DeliveryArgs = ArgsOf<typeof deliveryShape>;

/**
 * Delivers files to an etcd member or controller over SSH and waits until it serves (its health script succeeds).
 *
 * A change of `files` delivers again and restarts `corekube-activate.service`. The host key is recorded at the first connection and
 * must stay the same. A failure names the machine, the failed unit and its last log lines; the next `pulumi up` resumes there.
 *
 * Deleting it as the first half of a replacement checks the health of every other control-plane machine, refuses if one is unhealthy
 * or a quorum would be lost, and stops the machine's services cleanly. Any other deletion does nothing: the files go with the machine.
 */
export class Delivery extends pulumi.CustomResource {
  /** The machine's SSH host key, such as `ssh-ed25519 AAAA...`. */
  declare readonly hostKey: pulumi.Output<string>;
  /** `sha256:...` over names and contents of the files: shows that they changed, and reveals nothing of them. */
  declare readonly digest: pulumi.Output<string>;
  /** Digest of the configuration that the machine runs; empty if it was changed by hand. */
  declare readonly configuration: pulumi.Output<string>;
  /** Where it answered SSH; read by the next run. */
  declare readonly host: pulumi.Output<string>;

  constructor(name: string, args: DeliveryArgs, opts?: pulumi.CustomResourceOptions) {
    const secret = { privateKey: pulumi.secret(args.privateKey), files: pulumi.secret(args.files) };
    super(
      resourceTypes.delivery,
      name,
      { ...args, ...secret, hostKey: undefined, digest: undefined },
      // With `--replace` the engine does not ask the provider. Deleted last, the one before would undo what the new one has done.
      pulumi.mergeOptions(opts, { deleteBeforeReplace: true }),
    );
  }
}

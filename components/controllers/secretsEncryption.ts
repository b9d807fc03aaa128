/** The two ends of a rotation of the key that encrypts Secrets at rest: leave to use a key, and all Secrets written with it. */
import * as pulumi from "@pulumi/pulumi";

export interface EncryptionKeyArgs {
  /** Number of the key, at least 1; at most one more or less than before. */
  readonly number: pulumi.Input<number>;
  /** An administrator's. Always kept as a secret. */
  readonly kubeconfig: pulumi.Input<string>;
}

/**
 * Leave to encrypt with the key of this number. Controllers get their keys after it. A change is refused where API servers with it
 * could not read what is encrypted now: more than one step away, or before the last rotation has ended. Nothing is touched then.
 */
export class EncryptionKey extends pulumi.CustomResource {
  constructor(name: string, args: EncryptionKeyArgs, opts?: pulumi.CustomResourceOptions) {
    super("corekube:cluster:EncryptionKey", name, { ...args, kubeconfig: pulumi.secret(args.kubeconfig) }, opts);
  }
}

/**
 * Done when every Secret is encrypted with the key of this number. Must come after all API servers write with it. A new cluster costs
 * one request; a change of the number writes all Secrets again, unchanged, and may be interrupted and resumed.
 */
export class Rewrite extends pulumi.CustomResource {
  constructor(name: string, args: EncryptionKeyArgs, opts?: pulumi.CustomResourceOptions) {
    super("corekube:cluster:Rewrite", name, { ...args, kubeconfig: pulumi.secret(args.kubeconfig) }, opts);
  }
}

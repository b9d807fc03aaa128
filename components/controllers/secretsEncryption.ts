/** Both ends of a rotation of the key that encrypts Secrets at rest: permission to use a key, and re-encryption of all Secrets. */
import * as pulumi from "@pulumi/pulumi";
import type { ArgsOf } from "../contract/args.js";
import { resourceTypes, type encryptionKeyGateShape, type secretsReencryptionShape } from "../contract/resources.js";

export type EncryptionKeyGateArgs = ArgsOf<typeof encryptionKeyGateShape>;
export type SecretsReencryptionArgs = ArgsOf<typeof secretsReencryptionShape>;

/**
 * Permission to encrypt with the key of this number; controllers get their keys after it. A change is refused if API servers with it
 * could not read what is encrypted now: more than one step away, or before the last rotation has finished. Nothing is changed then.
 */
export class EncryptionKeyGate extends pulumi.CustomResource {
  constructor(name: string, args: EncryptionKeyGateArgs, opts?: pulumi.CustomResourceOptions) {
    super(resourceTypes.encryptionKeyGate, name, { ...args, kubeconfig: pulumi.secret(args.kubeconfig) }, opts);
  }
}

/**
 * Done when every Secret is encrypted with the key of this number. Must come after all API servers write with it. A new cluster costs
 * one request; a change of the number rewrites all Secrets, unchanged, and may be interrupted and resumed.
 */
export class SecretsReencryption extends pulumi.CustomResource {
  constructor(name: string, args: SecretsReencryptionArgs, opts?: pulumi.CustomResourceOptions) {
    super(resourceTypes.secretsReencryption, name, { ...args, kubeconfig: pulumi.secret(args.kubeconfig) }, opts);
  }
}

/** The provider `corekube`, configured with what all workers have in common. */
import * as pulumi from "@pulumi/pulumi";

export interface ProviderArgs {
  /** A user of the workers who may run `sudo -n`. @default core */
  sshUser?: pulumi.Input<string>;
  /** The user's private key in OpenSSH's format. Always kept as a secret. */
  sshPrivateKey: pulumi.Input<string>;
  /** An administrator's kubeconfig that works from here, also at deletion. Always kept as a secret; never sent to a machine. */
  kubeconfig: pulumi.Input<string>;
}

/**
 * Key and kubeconfig stand here once and not in every `Join`: they are most of what a worker would weigh in the state. A change of
 * them updates this resource in place and touches no worker. While they are not known (the preview of a new cluster) the engine
 * does not ask the provider about its resources, and shows their outputs as not known.
 */
export class Provider extends pulumi.ProviderResource {
  constructor(name: string, args: ProviderArgs, opts?: pulumi.ResourceOptions) {
    const secret = { sshPrivateKey: pulumi.secret(args.sshPrivateKey), kubeconfig: pulumi.secret(args.kubeconfig) };
    super("corekube", name, { ...args, ...secret }, opts);
  }
}

/** The provider `corekube`, configured with what all workers have in common. */
import * as pulumi from "@pulumi/pulumi";
import type { ArgsOf } from "../contract/args.js";
import type { providerShape } from "../contract/resources.js";

export type ProviderArgs = ArgsOf<typeof providerShape>;

/**
 * Key and kubeconfig are here once and not in every `Join`: they would be most of a worker's size in the state. A change of them
 * updates this resource in place and touches no worker. While they are unknown (the preview of a new cluster) the engine does not ask
 * the provider about its resources, and shows their outputs as unknown.
 */
export class Provider extends pulumi.ProviderResource {
  constructor(name: string, args: ProviderArgs, opts?: pulumi.ResourceOptions) {
    const secret = { sshPrivateKey: pulumi.secret(args.sshPrivateKey), kubeconfig: pulumi.secret(args.kubeconfig) };
    super("corekube", name, { ...args, ...secret }, opts);
  }
}

/** A worker's membership in the cluster. */
import * as pulumi from "@pulumi/pulumi";
import { type ArgsOf, defaultsOf } from "../contract/args.js";
import { joinShape, resourceTypes } from "../contract/resources.js";
import type { Provider } from "./provider.js";

export type JoinArgs = ArgsOf<typeof joinShape>;

/** Given here and not left to the provider: the engine does not ask it while its kubeconfig is unknown, and `pulumi up --plan` of a new cluster refuses inputs that its preview did not have. */
const defaults = defaultsOf(joinShape);

/**
 * Joins a worker by TLS bootstrap with a token created for this join, deleted right after it and valid for 15 minutes at most; done
 * when the Node is Ready. The worker's private key never leaves it.
 *
 * Deleting cordons the Node, evicts its pods within disruption budgets and removes the Node; pods that do not leave in time fail the
 * run with their names, and the machine stays. If the API cannot be reached for 30 s, a warning says so and the deletion continues.
 * When every worker leaves at once, pods held by budgets go with the machines, with a warning.
 */
export class Join extends pulumi.CustomResource {
  /** The machine's SSH host key, such as `ssh-ed25519 AAAA...`. */
  declare readonly hostKey: pulumi.Output<string>;
  /** Known once the Node is Ready. */
  declare readonly nodeName: pulumi.Output<string>;
  /** Digest of the configuration that the machine runs; empty if it was changed by hand. */
  declare readonly configuration: pulumi.Output<string>;
  /** The machine's `/etc/machine-id`: distinguishes this machine's Node from an earlier one's. */
  declare readonly systemId: pulumi.Output<string>;

  constructor(name: string, args: JoinArgs, opts: pulumi.CustomResourceOptions & { readonly provider: Provider }) {
    super(
      resourceTypes.join,
      name,
      { ...defaults, ...args, hostKey: undefined, systemId: undefined },
      // With `--replace` the engine does not ask the provider. Deleted last, the one before would undo what the new one has done.
      pulumi.mergeOptions(opts, { deleteBeforeReplace: true }),
    );
  }
}

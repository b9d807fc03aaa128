/** What the pods of an add-on leave on nodes. */
import * as pulumi from "@pulumi/pulumi";
import type { ArgsOf } from "../contract/args.js";
import { resourceTypes, type nodeCleanupShape } from "../contract/resources.js";

type NodeCleanupArgs = ArgsOf<typeof nodeCleanupShape>;

/**
 * Nothing while the add-on is there. When it goes, its pods go first: then a pod on each node runs the command. A node that cannot run
 * pods is left out with a warning: what is in its network ends with its next boot.
 */
export class NodeCleanup extends pulumi.CustomResource {
  constructor(name: string, args: NodeCleanupArgs, opts?: pulumi.CustomResourceOptions) {
    super(resourceTypes.nodeCleanup, name, { ...args, kubeconfig: pulumi.secret(args.kubeconfig) }, opts);
  }
}

/** The pods of a DaemonSet. */
import * as pulumi from "@pulumi/pulumi";
import type { ArgsOf } from "../contract/args.js";
import { resourceTypes, type nodePodsShape } from "../contract/resources.js";

export type NodePodsArgs = ArgsOf<typeof nodePodsShape>;

/**
 * Done when every node that can run pods has the DaemonSet's pod, made from this template, and it serves. A node that does not serve is
 * left out with a warning, and does not keep the others from getting theirs.
 */
export class NodePods extends pulumi.CustomResource {
  constructor(name: string, args: NodePodsArgs, opts?: pulumi.CustomResourceOptions) {
    super(resourceTypes.nodePods, name, { ...args, kubeconfig: pulumi.secret(args.kubeconfig) }, opts);
  }
}

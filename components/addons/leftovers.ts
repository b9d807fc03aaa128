/** Objects of a kind that an add-on brings, which people and the add-on's own program make. */
import * as pulumi from "@pulumi/pulumi";
import type { ArgsOf } from "../contract/args.js";
import { resourceTypes, type leftoversShape } from "../contract/resources.js";

type LeftoversArgs = ArgsOf<typeof leftoversShape>;

/**
 * Nothing while the add-on is there. When it goes, its pods go first: then the objects are deleted, without what only those pods would
 * have done, so that neither the kind nor the namespace waits for it for ever.
 */
export class Leftovers extends pulumi.CustomResource {
  constructor(name: string, args: LeftoversArgs, opts?: pulumi.CustomResourceOptions) {
    super(resourceTypes.leftovers, name, { ...args, kubeconfig: pulumi.secret(args.kubeconfig) }, opts);
  }
}

/** A worker's membership in the cluster. */
import * as pulumi from "@pulumi/pulumi";
import type { MachinePlaceArgs } from "./delivery.js";
import type { Provider } from "./provider.js";

export interface JoinArgs extends MachinePlaceArgs {
  /** The Node's name, which must be the machine's own; another one replaces the resource. */
  nodeName: pulumi.Input<string>;
  /** The API's address as the machine reaches it, `https://host:6443`. A change is applied in place. */
  server: pulumi.Input<string>;
  /** The cluster's CA certificate in PEM. A change is applied in place. */
  caCertificate: pulumi.Input<string>;
  /** The cluster brings the pods' network itself; false: a Node that lacks nothing else has joined. @default true */
  podNetwork?: pulumi.Input<boolean>;
  /** Seconds for the pods to leave at deletion, 0 (go without draining) to 7200. @default 300 */
  drainTimeout?: pulumi.Input<number>;
}

/**
 * Joins a worker by TLS bootstrap with a token minted for this join, deleted right after it and valid for 15 minutes at
 * most; done when the Node is Ready. The worker's private key never leaves it.
 *
 * Deleting cordons the Node, evicts its pods within disruption budgets and removes the Node; pods that do not leave in
 * time fail the run with their names, and the machine stays. Where the API cannot be reached for 30 s, a warning says so
 * and the deletion goes on. With every worker leaving at once, pods held by budgets go with the machines, with a warning.
 */
export class Join extends pulumi.CustomResource {
  /** The machine's SSH host key, such as `ssh-ed25519 AAAA...`. */
  declare readonly hostKey: pulumi.Output<string>;
  /** Known once the Node is Ready. */
  declare readonly nodeName: pulumi.Output<string>;
  /** The machine's `/etc/machine-id`: tells this machine's Node from an earlier one's. */
  declare readonly systemId: pulumi.Output<string>;

  constructor(name: string, args: JoinArgs, opts: pulumi.CustomResourceOptions & { readonly provider: Provider }) {
    super("corekube:machine:Join", name, { ...args, hostKey: undefined, systemId: undefined }, opts);
  }
}

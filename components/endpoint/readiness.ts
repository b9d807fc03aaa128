/** The API as seen from where the program runs. */
import * as pulumi from "@pulumi/pulumi";
import type { ArgsOf } from "../contract/args.js";
import { resourceTypes, type readinessShape } from "../contract/resources.js";

export type ReadinessArgs = ArgsOf<typeof readinessShape>;

/**
 * Done when the API's `/readyz` answers `ok` at its endpoint: through the firewall, and through the load balancer if there is one. The
 * controllers' own gates only know that they are ready themselves.
 */
export class Readiness extends pulumi.CustomResource {
  /** What it answered. */
  declare readonly answer: pulumi.Output<string>;

  constructor(name: string, args: ReadinessArgs, opts?: pulumi.CustomResourceOptions) {
    super(resourceTypes.readiness, name, { ...args, answer: undefined }, opts);
  }
}

/** The API seen from where the program runs. */
import * as pulumi from "@pulumi/pulumi";

export interface ReadinessArgs {
  /** The API's address for administrators, `https://host:port`. A change is waited for again. */
  readonly endpoint: pulumi.Input<string>;
  /** The cluster's CA certificate in PEM. */
  readonly caCertificate: pulumi.Input<string>;
  /** Seconds until it must answer, 1 to 7200. @default 600 */
  readonly timeout?: pulumi.Input<number>;
}

/**
 * Done when the API's `/readyz` answers `ok` at its endpoint: through the firewall, and through the load balancer where there
 * is one. The controllers' own gates only know that they are ready themselves.
 */
export class Readiness extends pulumi.CustomResource {
  /** What it answered. */
  declare readonly answer: pulumi.Output<string>;

  constructor(name: string, args: ReadinessArgs, opts?: pulumi.CustomResourceOptions) {
    super("corekube:cluster:Readiness", name, { ...args, answer: undefined }, opts);
  }
}

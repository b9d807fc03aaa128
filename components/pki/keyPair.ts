import type * as pulumi from "@pulumi/pulumi";

/** Certificate and key, both PEM. */
export interface KeyPair {
  readonly certificate: pulumi.Output<string>;
  /** Secret. */
  readonly key: pulumi.Output<string>;
}

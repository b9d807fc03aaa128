/** A certificate authority of the cluster. */
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { KeyPair } from "./keyPair.js";

/** Days that an authority's certificate is valid: longer than any cluster lives, because its replacement replaces every certificate. */
const authorityDays = 10_000;

export interface AuthorityArgs {
  readonly commonName: string;
  /** Refuse to delete or replace key and certificate. */
  readonly protect: boolean;
}

/** ECDSA P-256, `authorityDays` days; signs leaf certificates only. */
export class Authority extends pulumi.ComponentResource implements KeyPair {
  readonly certificate: pulumi.Output<string>;
  readonly key: pulumi.Output<string>;

  constructor(name: string, args: AuthorityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:pki:Authority", name, {}, opts);
    const child = { parent: this, protect: args.protect };
    const privateKey = new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, child);
    this.key = pulumi.secret(privateKey.privateKeyPem);
    const certificate = new tls.SelfSignedCert(
      name,
      {
        privateKeyPem: this.key,
        subject: { commonName: args.commonName },
        isCaCertificate: true,
        setSubjectKeyId: true,
        allowedUses: ["digital_signature", "cert_signing", "crl_signing"],
        validityPeriodHours: authorityDays * 24,
      },
      child,
    );
    this.certificate = certificate.certPem;
    this.registerOutputs({});
  }
}

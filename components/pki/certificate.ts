/** A certificate for one machine and one purpose, with its own key. */
import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { KeyPair } from "./keyPair.js";

const hoursPerDay = 24;

/** Days that a leaf certificate is valid. */
const leafDays = 365;

/**
 * In its last third `pulumi up` renews a leaf certificate, as kubelets renew theirs: a cluster that is changed a few times a year never
 * comes near the end.
 */
const renewalDays = Math.floor(leafDays / 3);

export interface CertificateArgs {
  readonly authority: KeyPair;
  /** Kubernetes reads it as the user's name. */
  readonly commonName: string;
  /** Kubernetes reads it as the user's group. @default none */
  readonly organization?: string;
  /** Whether the holder may be a server, a client, or both. */
  readonly uses: readonly ("server_auth" | "client_auth")[];
  /** @default none */
  readonly dnsNames?: readonly string[];
  /** @default none */
  readonly ipAddresses?: readonly pulumi.Input<string>[];
  /** Addresses or names, as a cloud may return either; empty ones are omitted. @default none */
  readonly hosts?: readonly pulumi.Input<string>[];
}

/** ECDSA P-256, `leafDays` days; renewed by `pulumi up` in its last `renewalDays` days. */
export class Certificate extends pulumi.ComponentResource implements KeyPair {
  readonly certificate: pulumi.Output<string>;
  readonly key: pulumi.Output<string>;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:pki:Certificate", name, {}, opts);
    const child = { parent: this };
    const privateKey = new tls.PrivateKey(name, { algorithm: "ECDSA", ecdsaCurve: "P256" }, child);
    this.key = pulumi.secret(privateKey.privateKeyPem);
    const request = new tls.CertRequest(
      name,
      {
        privateKeyPem: this.key,
        subject: { commonName: args.commonName, organization: args.organization },
        ...alternativeNames(args),
      },
      child,
    );
    const signed = new tls.LocallySignedCert(
      name,
      {
        certRequestPem: request.certRequestPem,
        caCertPem: args.authority.certificate,
        caPrivateKeyPem: args.authority.key,
        allowedUses: ["digital_signature", ...args.uses],
        validityPeriodHours: leafDays * hoursPerDay,
        earlyRenewalHours: renewalDays * hoursPerDay,
      },
      child,
    );
    this.certificate = signed.certPem;
    this.registerOutputs({});
  }
}

type Names = Partial<Record<"dnsNames" | "ipAddresses", pulumi.Input<pulumi.Input<string>[]> | undefined>>;

function alternativeNames({
  dnsNames = [],
  ipAddresses = [],
  hosts = [],
}: Pick<CertificateArgs, "dnsNames" | "ipAddresses" | "hosts">): Names {
  if (hosts.length === 0)
    return {
      dnsNames: dnsNames.length > 0 ? [...dnsNames] : undefined,
      ipAddresses: ipAddresses.length > 0 ? [...ipAddresses] : undefined,
    };
  const which = (wanted: (host: string) => boolean): pulumi.Output<string[]> =>
    pulumi.all([...hosts]).apply((known) => known.filter((host) => host !== "" && wanted(host)));
  const together = (fixed: readonly pulumi.Input<string>[], added: pulumi.Output<string[]>): pulumi.Output<string[]> =>
    pulumi.all([pulumi.all([...fixed]), added]).apply(([first, rest]) => [...new Set([...first, ...rest])]);
  return {
    dnsNames: together(
      dnsNames,
      which((host) => isIP(host) === 0),
    ),
    ipAddresses: together(
      ipAddresses,
      which((host) => isIP(host) !== 0),
    ),
  };
}

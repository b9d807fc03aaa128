/** The keys that belong to the cluster as a whole. Those of one machine are created with the machine. */
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { ClusterSpec } from "../spec/cluster.js";
import { Authority } from "./authority.js";
import { Certificate } from "./certificate.js";
import { encryptionKeys, type EncryptionKeys } from "./encryptionKeys.js";
import * as subjects from "./subjects.js";

export interface PkiArgs {
  readonly spec: Pick<ClusterSpec, "deletionProtection" | "encryptionKey">;
}

/** A key without a certificate, both halves PEM. */
export interface SigningKey {
  /** Secret. */
  readonly privateKey: pulumi.Output<string>;
  readonly publicKey: pulumi.Output<string>;
}

export class Pki extends pulumi.ComponentResource {
  /** Signs API servers, kubelets and all clients of the API. */
  readonly kubernetes: Authority;
  /** Signs etcd members and etcd's clients. */
  readonly etcd: Authority;
  /** Signs the client with which the API server calls extension API servers. */
  readonly frontProxy: Authority;
  /** Signs service account tokens. */
  readonly serviceAccount: SigningKey;
  /** Encrypt Secrets at rest. */
  readonly encryption: EncryptionKeys;
  /** Client certificate for the metrics of etcd members. */
  readonly etcdMetrics: Certificate;
  /** The administrator's client certificate. */
  readonly admin: Certificate;

  constructor(name: string, args: PkiArgs, opts?: pulumi.ComponentResourceOptions) {
    super("corekube:pki:Pki", name, {}, opts);
    const child = { parent: this };
    const protect = args.spec.deletionProtection;
    this.kubernetes = new Authority(`${name}-kubernetes-ca`, { commonName: "kube-ca", protect }, child);
    this.etcd = new Authority(`${name}-etcd-ca`, { commonName: "etcd-ca", protect }, child);
    this.frontProxy = new Authority(`${name}-front-proxy-ca`, { commonName: "front-proxy-ca", protect }, child);
    const signing = new tls.PrivateKey(
      `${name}-service-account`,
      { algorithm: "ECDSA", ecdsaCurve: "P256" },
      { ...child, protect },
    );
    this.serviceAccount = { privateKey: pulumi.secret(signing.privateKeyPem), publicKey: signing.publicKeyPem };
    this.encryption = encryptionKeys(name, args.spec.encryptionKey, protect, child);
    this.admin = new Certificate(
      `${name}-admin`,
      { authority: this.kubernetes, ...subjects.admin, uses: ["client_auth"] },
      child,
    );
    this.etcdMetrics = new Certificate(
      `${name}-etcd-metrics`,
      { authority: this.etcd, ...subjects.etcdMetrics, uses: ["client_auth"] },
      child,
    );
    this.registerOutputs({});
  }
}

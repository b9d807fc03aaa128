/** The keys with which API servers encrypt Secrets in etcd. */
import { createHash, hkdfSync } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { NumberedKey } from "../nodeconfig/security/encryption.js";

/** Bytes of a key. */
const keyBytes = 32;

export interface EncryptionKeys {
  /** The one that writes comes first. Secret. */
  readonly keys: pulumi.Output<NumberedKey[]>;
  /** Number of each key to the SHA-256 of its source's public half, which gives nothing of the key away. */
  readonly fingerprints: Readonly<Record<string, pulumi.Output<string>>>;
}

/**
 * Numbers of the keys that API servers have while they write with key `current`, which comes first. The next one lets a server read
 * what a server that has already rotated writes; the previous one is needed until all Secrets are re-encrypted.
 */
function keyNumbers(current: number): readonly number[] {
  return [current, current + 1, current - 1].filter((number) => number >= 1);
}

/**
 * One private key for each number, which is only the source of 32 random bytes. Those beside the current one are not protected: a
 * rotation deletes one of them, after `corekube:cluster:EncryptionKeyGate` has seen that nothing is encrypted with it any more.
 * @param protect The current key against a replacement, which would leave what it has encrypted unreadable.
 */
export function encryptionKeys(
  name: string,
  current: number,
  protect: boolean,
  opts: pulumi.CustomResourceOptions,
): EncryptionKeys {
  const sources = keyNumbers(current).map((number) => ({
    number,
    source: new tls.PrivateKey(
      `${name}-encryption-${number}`,
      { algorithm: "ECDSA", ecdsaCurve: "P256" },
      { ...opts, protect: protect && number === current },
    ),
  }));
  const keys = sources.map(({ number, source }) =>
    source.privateKeyPem.apply((pem): NumberedKey => {
      const secret = hkdfSync("sha256", pem, "", `corekube encryption at rest, ${name}, key ${number}`, keyBytes);
      return { number, secret: Buffer.from(secret).toString("base64") };
    }),
  );
  const fingerprints = sources.map(({ number, source }): [string, pulumi.Output<string>] => [
    String(number),
    source.publicKeyPem.apply((pem) => `sha256:${createHash("sha256").update(pem.trim()).digest("hex")}`),
  ]);
  return { keys: pulumi.secret(pulumi.all(keys)), fingerprints: Object.fromEntries(fingerprints) };
}

/** The keys with which API servers encrypt Secrets in etcd. */
import { hkdfSync } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import * as tls from "@pulumi/tls";
import type { NumberedKey } from "../nodeconfig/security/encryption.js";

/** Bytes of a key. */
const keyBytes = 32;

/**
 * Numbers of the keys that API servers have while they write with key `current`, which comes first. The next one lets a server read
 * what a server that has already rotated writes; the previous one is needed until all Secrets are re-encrypted.
 */
function keyNumbers(current: number): readonly number[] {
  return [current, current + 1, current - 1].filter((number) => number >= 1);
}

/**
 * One private key for each number, which is only the source of 32 random bytes. Not protected: a rotation deletes the previous key,
 * after `corekube:cluster:EncryptionKeyGate` has seen that nothing is encrypted with it any more.
 */
export function encryptionKeys(
  name: string,
  current: number,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<NumberedKey[]> {
  const keys = keyNumbers(current).map((number) => {
    const source = new tls.PrivateKey(`${name}-encryption-${number}`, { algorithm: "ECDSA", ecdsaCurve: "P256" }, opts);
    return source.privateKeyPem.apply((pem): NumberedKey => {
      const secret = hkdfSync("sha256", pem, "", `corekube encryption at rest, ${name}, key ${number}`, keyBytes);
      return { number, secret: Buffer.from(secret).toString("base64") };
    });
  });
  return pulumi.secret(pulumi.all(keys));
}

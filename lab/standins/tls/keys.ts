/** Keys and what signs with them. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export const algorithms = ["RSA", "ECDSA", "ED25519"] as const;
export type Algorithm = (typeof algorithms)[number];

/** The provider's names of curves, and OpenSSL's. */
export const curves: Readonly<Record<string, string>> = {
  P224: "secp224r1",
  P256: "prime256v1",
  P384: "secp384r1",
  P521: "secp521r1",
};

export function generateKey(algorithm: Algorithm, curve: string, bits: number): KeyObject {
  switch (algorithm) {
    case "RSA":
      return generateKeyPairSync("rsa", { modulusLength: bits }).privateKey;
    case "ECDSA":
      return generateKeyPairSync("ec", { namedCurve: curves[curve] ?? curve }).privateKey;
    case "ED25519":
      return generateKeyPairSync("ed25519").privateKey;
    default:
      return algorithm satisfies never;
  }
}

/** PKCS#1 for RSA, SEC1 for ECDSA, PKCS#8 for ED25519, as the official provider writes them. */
export function privatePem(key: KeyObject): string {
  const type = { RSA: "pkcs1", ECDSA: "sec1", ED25519: "pkcs8" } as const;
  return key.export({ format: "pem", type: type[algorithmOf(key)] }).toString();
}

/** @throws Error naming the input, without its content. */
export function parseKey(pem: string, input: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    algorithmOf(key);
    return key;
  } catch {
    throw new Error(
      `${input}: not a private key in PEM that can be used; allowed are RSA, ECDSA and ED25519 keys without a password`,
    );
  }
}

export function algorithmOf(key: KeyObject): Algorithm {
  const types: Readonly<Record<string, Algorithm>> = { rsa: "RSA", ec: "ECDSA", ed25519: "ED25519" };
  const algorithm = types[key.asymmetricKeyType ?? ""];
  if (algorithm === undefined)
    throw new Error(`a key of type ${String(key.asymmetricKeyType)} cannot sign; allowed are ${algorithms.join(", ")}`);
  return algorithm;
}

/** SubjectPublicKeyInfo. */
export function publicDer(key: KeyObject): Buffer {
  return (key.type === "private" ? createPublicKey(key) : key).export({ format: "der", type: "spki" });
}

export interface SignatureAlgorithm {
  readonly oid: string;
  /** RSA's identifiers carry a NULL, the others nothing (RFC 4055, 5758, 8410). */
  readonly withNull: boolean;
  readonly hash: string | null;
}

/** The hash follows the key's size, as in Go's crypto/x509. */
export function signatureAlgorithm(key: KeyObject): SignatureAlgorithm {
  const algorithm = algorithmOf(key);
  if (algorithm === "RSA") return { oid: "1.2.840.113549.1.1.11", withNull: true, hash: "sha256" };
  if (algorithm === "ED25519") return { oid: "1.3.101.112", withNull: false, hash: null };
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === "secp384r1") return { oid: "1.2.840.10045.4.3.3", withNull: false, hash: "sha384" };
  if (curve === "secp521r1") return { oid: "1.2.840.10045.4.3.4", withNull: false, hash: "sha512" };
  return { oid: "1.2.840.10045.4.3.2", withNull: false, hash: "sha256" };
}

export function signBytes(key: KeyObject, bytes: Uint8Array): Buffer {
  return sign(signatureAlgorithm(key).hash, bytes, key);
}

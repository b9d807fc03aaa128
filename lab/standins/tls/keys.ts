/** Private keys, and their forms in OpenSSH. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { createRequire } from "node:module";
import type sshpkModule from "sshpk";

const load = createRequire(__filename);

export function generateKey(algorithm: "ECDSA" | "ED25519"): KeyObject {
  return algorithm === "ECDSA"
    ? generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey
    : generateKeyPairSync("ed25519").privateKey;
}

/** SEC1 for ECDSA, PKCS#8 for ED25519, as the official plugin writes them. */
export function privatePem(key: KeyObject): string {
  return key.export({ format: "pem", type: key.asymmetricKeyType === "ec" ? "sec1" : "pkcs8" }).toString();
}

export function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ format: "pem", type: "spki" }).toString();
}

/** Without a comment; the private key without a password. */
export function openssh(key: KeyObject): { readonly privateKey: string; readonly publicKey: string } {
  const sshpk = load("sshpk") as typeof sshpkModule;
  const parsed = sshpk.parsePrivateKey(key.export({ format: "pem", type: "pkcs8" }).toString(), "pkcs8");
  parsed.comment = "";
  const shown = parsed.toPublic();
  shown.comment = "";
  return { privateKey: parsed.toString("ssh-private"), publicKey: `${shown.toString("ssh").trim()}\n` };
}

/** @throws Error naming the input, without its content. */
export function parseKey(pem: string, input: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
  } catch {
    // The parser's message may quote the key.
  }
  throw new Error(`${input}: not a private key of ECDSA on P256 in PEM; the lab's stand-in signs with no other`);
}

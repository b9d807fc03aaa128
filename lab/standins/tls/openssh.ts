/** OpenSSH's own encodings of keys (PROTOCOL.key of its sources, RFC 4253 section 6.6). Pure. */
import { createHash, type JsonWebKey, type KeyObject } from "node:crypto";

interface Encoded {
  readonly type: string;
  /** Wire form of the public key. */
  readonly public: Buffer;
  /** Fields of the private section, after the type. */
  readonly private: Buffer;
}

/** `type base64` and a newline; undefined for keys that SSH does not know (P-224). */
export function publicOpenssh(key: KeyObject): string | undefined {
  const encoded = encode(key);
  return encoded && `${encoded.type} ${encoded.public.toString("base64")}\n`;
}

/** Unencrypted, without a comment; undefined for keys that SSH does not know (P-224). */
export function privateOpenssh(key: KeyObject): string | undefined {
  const encoded = encode(key);
  if (encoded === undefined) return undefined;
  // Both check numbers only have to be equal; derived from the key, the same key gives the same text.
  const check = createHash("sha256").update(encoded.public).digest().subarray(0, 4);
  const open = Buffer.concat([check, check, text(encoded.type), encoded.private, text("")]);
  const padding = Buffer.from(Array.from({ length: (8 - (open.length % 8)) % 8 }, (_, index) => index + 1));
  const count = Buffer.from([0, 0, 0, 1]);
  const whole = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    text("none"),
    text("none"),
    text(""),
    count,
    field(encoded.public),
    field(Buffer.concat([open, padding])),
  ]);
  const lines = whole.toString("base64").match(/.{1,70}/g) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

export function fingerprints(key: KeyObject): { readonly md5: string; readonly sha256: string } | undefined {
  const encoded = encode(key);
  if (encoded === undefined) return undefined;
  const md5 = createHash("md5").update(encoded.public).digest("hex").match(/../g) ?? [];
  return {
    md5: md5.join(":"),
    sha256: `SHA256:${createHash("sha256").update(encoded.public).digest("base64").replace(/=+$/, "")}`,
  };
}

/** Of a private key. */
function encode(key: KeyObject): Encoded | undefined {
  const jwk = jwkOf(key);
  if (jwk === undefined) return undefined;
  const number = (name: keyof JsonWebKey): Buffer => mpint(Buffer.from(String(jwk[name]), "base64url"));
  const raw = (name: keyof JsonWebKey): Buffer => Buffer.from(String(jwk[name]), "base64url");
  if (jwk.kty === "RSA") {
    return {
      type: "ssh-rsa",
      public: Buffer.concat([text("ssh-rsa"), number("e"), number("n")]),
      private: Buffer.concat([number("n"), number("e"), number("d"), number("qi"), number("p"), number("q")]),
    };
  }
  if (jwk.kty === "OKP") {
    return {
      type: "ssh-ed25519",
      public: Buffer.concat([text("ssh-ed25519"), field(raw("x"))]),
      private: Buffer.concat([field(raw("x")), field(Buffer.concat([raw("d"), raw("x")]))]),
    };
  }
  const curve = `nistp${String(jwk.crv).replace("P-", "")}`;
  const point = Buffer.concat([Buffer.from([4]), raw("x"), raw("y")]);
  const type = `ecdsa-sha2-${curve}`;
  return {
    type,
    public: Buffer.concat([text(type), text(curve), field(point)]),
    private: Buffer.concat([text(curve), field(point), number("d")]),
  };
}

function jwkOf(key: KeyObject): JsonWebKey | undefined {
  return key.asymmetricKeyDetails?.namedCurve === "secp224r1" ? undefined : key.export({ format: "jwk" });
}

function field(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function text(value: string): Buffer {
  return field(Buffer.from(value));
}

/** A positive number: without leading zeros, but with one where the first bit would make it negative. */
function mpint(bytes: Buffer): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const short = bytes.subarray(start);
  return field((short[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), short]) : short);
}

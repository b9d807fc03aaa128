/** Makes X.509 certificates and certificate requests (RFC 5280, RFC 2986), signed by ECDSA on P-256. */
import { createPublicKey, type KeyObject, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { createRequire } from "node:module";
import { isIP } from "node:net";
import type * as x509Module from "@peculiar/x509";
import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { bag, text, texts } from "../framework/values.js";
import { parseKey } from "./keys.js";

const load = createRequire(__filename);

/** A run without new certificates needs none of it. */
function library(): typeof x509Module {
  load("reflect-metadata");
  const library = load("@peculiar/x509") as typeof x509Module;
  library.cryptoProvider.set(webcrypto);
  return library;
}

const curve = { name: "ECDSA", namedCurve: "P-256" };
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" };

export const keyUses: Readonly<Record<string, keyof typeof x509Module.KeyUsageFlags>> = {
  digital_signature: "digitalSignature",
  cert_signing: "keyCertSign",
  crl_signing: "cRLSign",
};
export const extendedUses: Readonly<Record<string, string>> = {
  server_auth: "1.3.6.1.5.5.7.3.1",
  client_auth: "1.3.6.1.5.5.7.3.2",
};

interface CryptoKeys {
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicKey: webcrypto.CryptoKey;
}

async function cryptoKeys(key: KeyObject): Promise<CryptoKeys> {
  const [pkcs8, spki] = [
    key.export({ format: "der", type: "pkcs8" }),
    createPublicKey(key).export({ format: "der", type: "spki" }),
  ];
  return {
    privateKey: await webcrypto.subtle.importKey("pkcs8", pkcs8, curve, true, ["sign"]),
    publicKey: await webcrypto.subtle.importKey("spki", spki, curve, true, ["verify"]),
  };
}

/** In the order in which Go's crypto/x509 writes them. */
function nameOf(subject: Value | undefined): x509Module.Name {
  const { organization, commonName } = bag(subject);
  const { Name } = library();
  return new Name(
    Object.entries({ O: text(organization), CN: text(commonName) }).flatMap(([key, utf8String]) =>
      utf8String === undefined ? [] : [{ [key]: [{ utf8String }] }],
    ),
  );
}

export async function createRequest(inputs: Properties): Promise<string> {
  const x509 = library();
  const names = [
    ...texts(inputs["dnsNames"]).map((value) => ({ type: "dns" as const, value })),
    ...texts(inputs["ipAddresses"]).map((value) => ({ type: "ip" as const, value })),
  ];
  const wrong = texts(inputs["ipAddresses"]).find((address) => isIP(address) === 0);
  if (wrong !== undefined) throw new Error(`ipAddresses: got ${JSON.stringify(wrong)}; it must be an IP address`);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: nameOf(inputs["subject"]),
    keys: await cryptoKeys(parseKey(String(inputs["privateKeyPem"]), "privateKeyPem")),
    signingAlgorithm,
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  });
  return `${request.toString("pem")}\n`;
}

export interface Certificate {
  readonly pem: string;
  /** Decimal; the resource's id. */
  readonly serialNumber: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export async function selfSigned(inputs: Properties): Promise<Certificate> {
  const keys = await cryptoKeys(parseKey(String(inputs["privateKeyPem"]), "privateKeyPem"));
  const subject = nameOf(inputs["subject"]);
  return issue(
    inputs,
    { subject, issuer: subject, publicKey: keys.publicKey, signingKey: keys.privateKey, leaf: false },
    [],
  );
}

export async function locallySigned(inputs: Properties): Promise<Certificate> {
  const x509 = library();
  const key = parseKey(String(inputs["caPrivateKeyPem"]), "caPrivateKeyPem");
  const authority = new x509.X509Certificate(String(inputs["caCertPem"]));
  if (!new X509Certificate(String(inputs["caCertPem"])).checkPrivateKey(key))
    throw new Error("caPrivateKeyPem: not the key of the certificate in caCertPem; give both of the same authority");
  const request = new x509.Pkcs10CertificateRequest(String(inputs["certRequestPem"]));
  if (!(await request.verify()))
    throw new Error("certRequestPem: its signature does not belong to its key; give that of a CertRequest");
  const authorityKey = authority.getExtension(x509.SubjectKeyIdentifierExtension);
  const names = request.getExtension("2.5.29.17");
  return issue(
    inputs,
    {
      subject: request.subjectName,
      issuer: authority.subjectName,
      publicKey: request.publicKey,
      signingKey: (await cryptoKeys(key)).privateKey,
      leaf: true,
    },
    [
      ...(authorityKey ? [new x509.AuthorityKeyIdentifierExtension(authorityKey.keyId)] : []),
      ...(names ? [names] : []),
    ],
  );
}

interface Parties extends Pick<
  x509Module.X509CertificateCreateWithKeyParams,
  "subject" | "issuer" | "publicKey" | "signingKey"
> {
  /** Not an authority's: the variable `COREKUBE_LAB_LEAF_SECONDS` shortens its life, so that a test sees what happens after its end. */
  readonly leaf: boolean;
}

async function issue(
  inputs: Properties,
  { leaf, ...parties }: Parties,
  more: readonly x509Module.Extension[],
): Promise<Certificate> {
  const x509 = library();
  const uses = texts(inputs["allowedUses"]);
  const flags = uses.flatMap((use) => (keyUses[use] === undefined ? [] : [x509.KeyUsageFlags[keyUses[use]]]));
  const extended = uses.flatMap((use) => extendedUses[use] ?? []);
  // Positive, and at most 20 octets: RFC 5280 section 4.1.2.2. Certificates count whole seconds.
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const notBefore = new Date(Math.floor(Date.now() / 1000) * 1000);
  const seconds = leaf ? process.env["COREKUBE_LAB_LEAF_SECONDS"] : undefined;
  const milliseconds =
    seconds === undefined ? Number(inputs["validityPeriodHours"]) * 3_600_000 : Number(seconds) * 1000;
  const notAfter = new Date(notBefore.getTime() + milliseconds);
  const certificate = await x509.X509CertificateGenerator.create({
    ...parties,
    serialNumber: serial.toString("hex"),
    notBefore,
    notAfter,
    signingAlgorithm,
    extensions: [
      new x509.KeyUsagesExtension(
        flags.reduce((sum, flag) => sum | flag, 0),
        true,
      ),
      ...(extended.length > 0 ? [new x509.ExtendedKeyUsageExtension(extended)] : []),
      new x509.BasicConstraintsExtension(inputs["isCaCertificate"] === true, undefined, true),
      ...(inputs["setSubjectKeyId"] === true
        ? [await x509.SubjectKeyIdentifierExtension.create(parties.publicKey, false)]
        : []),
      ...more,
    ],
  });
  return {
    pem: `${certificate.toString("pem")}\n`,
    serialNumber: BigInt(`0x${serial.toString("hex")}`).toString(),
    notBefore,
    notAfter,
  };
}

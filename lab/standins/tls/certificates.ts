/** Makes X.509 certificates and certificate requests (RFC 5280, RFC 2986). */
import { createHash, createPublicKey, type KeyObject, randomBytes, verify, X509Certificate } from "node:crypto";
import { CertificationRequest, CertificationRequestInfo } from "@peculiar/asn1-csr";
import { AsnConvert, OctetString } from "@peculiar/asn1-schema";
import * as x509 from "@peculiar/asn1-x509";
import { publicDer, signatureAlgorithm, signBytes } from "./keys.js";
import { extendedKeyUsage, keyUsage } from "./usages.js";

const extensionRequest = "1.2.840.113549.1.9.14";

export interface Parties {
  /** Of whom the certificate is. */
  readonly subject: x509.Name;
  readonly publicKey: x509.SubjectPublicKeyInfo;
  readonly alternativeNames: x509.SubjectAlternativeName | undefined;
  readonly issuer: x509.Name;
  readonly issuerKey: KeyObject;
  /** Names the issuer's key in the certificate; undefined: not named. */
  readonly authorityKeyId: Uint8Array | undefined;
}

export interface Terms {
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly uses: readonly string[];
  readonly isAuthority: boolean;
  /** Intermediate authorities that may follow; undefined: any number. */
  readonly maxPathLength: number | undefined;
  readonly setSubjectKeyId: boolean;
}

export interface Certificate {
  readonly pem: string;
  /** Decimal; the resource's id. */
  readonly serialNumber: string;
}

export function createCertificate(parties: Parties, terms: Terms): Certificate {
  // Positive, and at most 20 octets: RFC 5280 section 4.1.2.2.
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const certificate = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: buffer(serial),
    signature: identifier(parties.issuerKey),
    issuer: parties.issuer,
    validity: new x509.Validity({ notBefore: terms.notBefore, notAfter: terms.notAfter }),
    subject: parties.subject,
    subjectPublicKeyInfo: parties.publicKey,
    extensions: new x509.Extensions(extensions(parties, terms)),
  });
  const signed = AsnConvert.serialize(certificate);
  const whole = new x509.Certificate({
    tbsCertificate: certificate,
    signatureAlgorithm: identifier(parties.issuerKey),
    signatureValue: buffer(signBytes(parties.issuerKey, new Uint8Array(signed))),
  });
  return {
    pem: pem("CERTIFICATE", AsnConvert.serialize(whole)),
    serialNumber: BigInt(`0x${serial.toString("hex")}`).toString(),
  };
}

function extensions(parties: Parties, terms: Terms): x509.Extension[] {
  const list: x509.Extension[] = [];
  const add = (oid: string, value: object | undefined, critical: boolean): void => {
    if (value !== undefined)
      list.push(new x509.Extension({ extnID: oid, critical, extnValue: new OctetString(AsnConvert.serialize(value)) }));
  };
  add(x509.id_ce_keyUsage, keyUsage(terms.uses), true);
  add(x509.id_ce_extKeyUsage, extendedKeyUsage(terms.uses), false);
  const limit =
    terms.isAuthority && terms.maxPathLength !== undefined ? { pathLenConstraint: terms.maxPathLength } : {};
  add(x509.id_ce_basicConstraints, new x509.BasicConstraints({ cA: terms.isAuthority, ...limit }), true);
  // An authority always says what its key is: those that it signs point there.
  if (terms.setSubjectKeyId || terms.isAuthority)
    add(x509.id_ce_subjectKeyIdentifier, new x509.SubjectKeyIdentifier(keyId(parties.publicKey)), false);
  if (parties.authorityKeyId !== undefined) {
    add(
      x509.id_ce_authorityKeyIdentifier,
      new x509.AuthorityKeyIdentifier({ keyIdentifier: new x509.KeyIdentifier(parties.authorityKeyId) }),
      false,
    );
  }
  // Without a subject the names alone say who it is: RFC 5280 section 4.2.1.6.
  add(x509.id_ce_subjectAltName, parties.alternativeNames, parties.subject.length === 0);
  return list;
}

/** SHA-1 of the key's bits: RFC 5280 section 4.2.1.2, method 1. */
export function keyId(key: x509.SubjectPublicKeyInfo): Uint8Array {
  return createHash("sha1").update(new Uint8Array(key.subjectPublicKey)).digest();
}

export function publicKeyInfo(key: KeyObject): x509.SubjectPublicKeyInfo {
  return AsnConvert.parse(publicDer(key), x509.SubjectPublicKeyInfo);
}

export function createRequest(
  subject: x509.Name,
  names: x509.SubjectAlternativeName | undefined,
  key: KeyObject,
): string {
  const info = new CertificationRequestInfo({ version: 0, subject, subjectPKInfo: publicKeyInfo(key) });
  if (names !== undefined) {
    const extension = new x509.Extension({
      extnID: x509.id_ce_subjectAltName,
      critical: false,
      extnValue: new OctetString(AsnConvert.serialize(names)),
    });
    info.attributes.push(
      new x509.Attribute({ type: extensionRequest, values: [AsnConvert.serialize(new x509.Extensions([extension]))] }),
    );
  }
  const request = new CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: identifier(key),
    signature: buffer(signBytes(key, new Uint8Array(AsnConvert.serialize(info)))),
  });
  return pem("CERTIFICATE REQUEST", AsnConvert.serialize(request));
}

export interface Request {
  readonly subject: x509.Name;
  readonly publicKey: x509.SubjectPublicKeyInfo;
  readonly alternativeNames: x509.SubjectAlternativeName | undefined;
}

/** @throws Error when it is none, or was not signed by the key that it is about. */
export function parseRequest(text: string): Request {
  const refuse = (why: string): Error => new Error(`certRequestPem: ${why}; give the certRequestPem of a CertRequest`);
  let request: CertificationRequest;
  try {
    request = AsnConvert.parse(bytesOf(text, "CERTIFICATE REQUEST"), CertificationRequest);
  } catch (error) {
    throw refuse(`not a certificate request in PEM (${error instanceof Error ? error.message : String(error)})`);
  }
  const info = request.certificationRequestInfo;
  const key = createPublicKey({
    key: Buffer.from(AsnConvert.serialize(info.subjectPKInfo)),
    format: "der",
    type: "spki",
  });
  const signed = request.certificationRequestInfoRaw ?? AsnConvert.serialize(info);
  if (!verify(signatureAlgorithm(key).hash, Buffer.from(signed), key, Buffer.from(request.signature)))
    throw refuse("its signature does not belong to its key");
  const asked = [...(info.attributes ?? [])].find((attribute) => attribute.type === extensionRequest)?.values[0];
  const wanted = asked === undefined ? [] : [...AsnConvert.parse(asked, x509.Extensions)];
  const names = wanted.find((extension) => extension.extnID === x509.id_ce_subjectAltName);
  return {
    subject: info.subject,
    publicKey: info.subjectPKInfo,
    alternativeNames: names && AsnConvert.parse(names.extnValue.buffer, x509.SubjectAlternativeName),
  };
}

export interface Issuer {
  readonly subject: x509.Name;
  readonly keyId: Uint8Array | undefined;
}

/** @throws Error when it is no certificate, or not that of the key. */
export function parseIssuer(text: string, key: KeyObject): Issuer {
  let issuer: x509.TBSCertificate;
  try {
    issuer = AsnConvert.parse(bytesOf(text, "CERTIFICATE"), x509.Certificate).tbsCertificate;
  } catch (error) {
    throw new Error(`caCertPem: not a certificate in PEM (${error instanceof Error ? error.message : String(error)})`);
  }
  if (!new X509Certificate(text).checkPrivateKey(key))
    throw new Error("caPrivateKeyPem: not the key of the certificate in caCertPem; give both of the same authority");
  const id = issuer.extensions?.find((extension) => extension.extnID === x509.id_ce_subjectKeyIdentifier);
  return {
    subject: issuer.subject,
    keyId: id && new Uint8Array(AsnConvert.parse(id.extnValue.buffer, x509.SubjectKeyIdentifier).buffer),
  };
}

function identifier(key: KeyObject): x509.AlgorithmIdentifier {
  const { oid, withNull } = signatureAlgorithm(key);
  return new x509.AlgorithmIdentifier({ algorithm: oid, ...(withNull ? { parameters: null } : {}) });
}

function buffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function bytesOf(text: string, label: string): Buffer {
  const match = new RegExp(`-----BEGIN ${label}-----([\\s\\S]+?)-----END ${label}-----`).exec(text);
  if (match?.[1] === undefined) throw new Error(`no block "${label}"`);
  return Buffer.from(match[1], "base64");
}

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

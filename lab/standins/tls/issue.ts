/** Issues the certificates that resources ask for. */
import type { Properties } from "../framework/kind.js";
import {
  type Certificate,
  createCertificate,
  keyId,
  parseIssuer,
  parseRequest,
  publicKeyInfo,
  type Terms,
} from "./certificates.js";
import { algorithmOf, parseKey } from "./keys.js";
import { alternativeNames, distinguishedName, strings } from "./subject.js";

export interface Issued {
  readonly id: string;
  readonly outputs: Properties;
}

export function issueSelfSigned(inputs: Properties): Issued {
  const key = parseKey(String(inputs["privateKeyPem"]), "privateKeyPem");
  const subject = distinguishedName(inputs["subject"]);
  const publicKey = publicKeyInfo(key);
  const terms = termsOf(inputs);
  const certificate = createCertificate(
    {
      subject,
      publicKey,
      alternativeNames: alternativeNames(inputs),
      issuer: subject,
      issuerKey: key,
      authorityKeyId: inputs["setAuthorityKeyId"] === true ? keyId(publicKey) : undefined,
    },
    terms,
  );
  return issued(certificate, terms, { keyAlgorithm: algorithmOf(key) });
}

export function issueLocallySigned(inputs: Properties): Issued {
  const key = parseKey(String(inputs["caPrivateKeyPem"]), "caPrivateKeyPem");
  const issuer = parseIssuer(String(inputs["caCertPem"]), key);
  const request = parseRequest(String(inputs["certRequestPem"]));
  const terms = termsOf(inputs);
  const certificate = createCertificate(
    { ...request, issuer: issuer.subject, issuerKey: key, authorityKeyId: issuer.keyId },
    terms,
  );
  return issued(certificate, terms, { caKeyAlgorithm: algorithmOf(key) });
}

function termsOf(inputs: Properties): Terms {
  // Certificates count whole seconds.
  const start = Math.floor(Date.now() / 1000) * 1000;
  const length = inputs["maxPathLength"];
  return {
    notBefore: new Date(start),
    notAfter: new Date(start + Number(inputs["validityPeriodHours"]) * 3_600_000),
    uses: strings(inputs["allowedUses"]),
    isAuthority: inputs["isCaCertificate"] === true,
    maxPathLength: typeof length === "number" && length >= 0 ? length : undefined,
    setSubjectKeyId: inputs["setSubjectKeyId"] === true,
  };
}

function issued(certificate: Certificate, terms: Terms, outputs: Properties): Issued {
  return {
    id: certificate.serialNumber,
    outputs: {
      ...outputs,
      certPem: certificate.pem,
      readyForRenewal: false,
      validityStartTime: terms.notBefore.toISOString(),
      validityEndTime: terms.notAfter.toISOString(),
    },
  };
}

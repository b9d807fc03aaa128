/** Distinguished names and alternative names of certificates. */
import { isIP } from "node:net";
import {
  AttributeTypeAndValue,
  AttributeValue,
  GeneralName,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
} from "@peculiar/asn1-x509";
import { isList, isObject } from "../framework/inputs.js";
import type { Failure, Properties, Value } from "../framework/kind.js";

/** In the order in which Go's crypto/x509 writes them. */
const attributes: readonly (readonly [string, string])[] = [
  ["country", "2.5.4.6"],
  ["organization", "2.5.4.10"],
  ["organizationalUnit", "2.5.4.11"],
  ["locality", "2.5.4.7"],
  ["province", "2.5.4.8"],
  ["streetAddresses", "2.5.4.9"],
  ["postalCode", "2.5.4.17"],
  ["commonName", "2.5.4.3"],
  ["serialNumber", "2.5.4.5"],
];
const emailAddress = "1.2.840.113549.1.9.1";

/** @param subject The resource's input of that name; undefined: an empty name. */
export function distinguishedName(subject: Value | undefined): Name {
  const given: Properties = isObject(subject) ? subject : {};
  const parts: RelativeDistinguishedName[] = [];
  for (const [key, type] of attributes) {
    const values = strings(given[key]).map((text) => new AttributeTypeAndValue({ type, value: directoryString(text) }));
    if (values.length > 0) parts.push(new RelativeDistinguishedName(values));
  }
  for (const mail of strings(given["emailAddress"])) {
    parts.push(
      new RelativeDistinguishedName([
        new AttributeTypeAndValue({ type: emailAddress, value: new AttributeValue({ ia5String: mail }) }),
      ]),
    );
  }
  return new Name(parts);
}

/** Undefined when there are none. */
export function alternativeNames(inputs: Properties): SubjectAlternativeName | undefined {
  const names = [
    ...strings(inputs["dnsNames"]).map((name) => new GeneralName({ dNSName: name })),
    ...strings(inputs["ipAddresses"]).map((address) => new GeneralName({ iPAddress: address })),
    ...strings(inputs["uris"]).map((uri) => new GeneralName({ uniformResourceIdentifier: uri })),
  ];
  return names.length > 0 ? new SubjectAlternativeName(names) : undefined;
}

export function checkNames(inputs: Properties): Failure[] {
  const failures: Failure[] = [];
  const check = (property: string, allowed: string, right: (value: string) => boolean): void => {
    strings(inputs[property]).forEach((value, index) => {
      if (!right(value))
        failures.push({
          property: `${property}[${index}]`,
          reason: `${property}[${index}]: got ${JSON.stringify(value)}, it must be ${allowed}`,
        });
    });
  };
  check("ipAddresses", "an IPv4 or IPv6 address", (value) => isIP(value) !== 0);
  check("uris", "a URI", (value) => URL.canParse(value));
  // Anything but visible ASCII would not be a DNS name (RFC 5280 section 4.2.1.6): write other scripts in their xn-- form.
  check("dnsNames", "a DNS name in ASCII", (value) => /^[\x21-\x7e]+$/.test(value));
  return failures;
}

/** The known strings of a string or a list of them. */
export function strings(value: Value | undefined): string[] {
  if (typeof value === "string") return value === "" ? [] : [value];
  return isList(value) ? value.filter((item) => typeof item === "string") : [];
}

/** PrintableString where its few characters suffice, as in Go. */
function directoryString(text: string): AttributeValue {
  return /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text)
    ? new AttributeValue({ printableString: text })
    : new AttributeValue({ utf8String: text });
}

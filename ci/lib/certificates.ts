/** When the certificates in a stack's state end. */
import { X509Certificate } from "node:crypto";
import { Problem } from "./command.js";
import { nameOf } from "./changes.js";

export interface Certificate {
  readonly name: string;
  /** A certificate authority: its renewal takes a rotation, not a run. */
  readonly authority: boolean;
  /** Undefined: the state has none that can be read. */
  readonly ends: Date | undefined;
  /** Whole days until then; negative when it has ended; undefined as above. */
  readonly days: number | undefined;
}

/** Days before the end from which a certificate is reported. */
export interface Thresholds {
  readonly days: number;
  readonly authorityDays: number;
}

const types: readonly string[] = [
  "tls:index/locallySignedCert:LocallySignedCert",
  "tls:index/selfSignedCert:SelfSignedCert",
];
const day = 24 * 60 * 60 * 1000;

interface State {
  readonly deployment?: {
    readonly resources?: readonly {
      readonly urn: string;
      readonly type: string;
      readonly delete?: boolean;
      readonly outputs?: Readonly<Record<string, unknown>>;
    }[];
  };
}

/**
 * All certificates of an exported state, the next to end first.
 * @throws Problem when it is no exported state.
 */
export function readCertificates(state: unknown, now = new Date()): Certificate[] {
  const resources = (state as State | undefined)?.deployment?.resources;
  if ((state as State | undefined)?.deployment === undefined)
    throw new Problem("the exported state has no deployment: is the stack empty?");
  // A stack without resources exports a deployment without the list.
  return (resources ?? [])
    .filter(({ type, delete: replaced }) => types.includes(type) && replaced !== true)
    .map((resource) => {
      const ends = endOf(resource.outputs ?? {});
      return {
        name: nameOf(resource.urn),
        authority: resource.outputs?.["isCaCertificate"] === true,
        ends,
        days: ends === undefined ? undefined : Math.floor((ends.getTime() - now.getTime()) / day),
      };
    })
    .sort((a, b) => (a.ends?.getTime() ?? 0) - (b.ends?.getTime() ?? 0) || (a.name < b.name ? -1 : 1));
}

/** Those that end within their threshold, have ended, or cannot be read. */
export function ending(certificates: readonly Certificate[], { days, authorityDays }: Thresholds): Certificate[] {
  return certificates.filter(
    (certificate) =>
      certificate.days === undefined || certificate.days < (certificate.authority ? authorityDays : days),
  );
}

/** The certificate itself is asked first; the provider's note of its end is for certificates that the state keeps as secrets. */
function endOf(outputs: Readonly<Record<string, unknown>>): Date | undefined {
  const { certPem, validityEndTime } = outputs;
  if (typeof certPem === "string") {
    try {
      return new Date(new X509Certificate(certPem).validTo);
    } catch {
      return undefined;
    }
  }
  const noted = typeof validityEndTime === "string" ? new Date(validityEndTime) : undefined;
  return noted === undefined || Number.isNaN(noted.getTime()) ? undefined : noted;
}

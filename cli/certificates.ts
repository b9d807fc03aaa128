/** The certificates in a stack's state: whose, by whom, until when. Private keys are never read. Pure. */
import { X509Certificate } from "node:crypto";
import { refOf } from "./plans/topology.js";
import type { StackState, StateResource } from "./state.js";

export interface CertificateRow {
  readonly name: string;
  /** As Kubernetes reads it: `CN=<user>, O=<group>`. */
  readonly subject: string;
  /** `authority`, `cluster`, or the role of the machine that has it. */
  readonly role: string;
  readonly issuer: string;
  /** Undefined: the state has no certificate that can be read. */
  readonly validUntil: Date | undefined;
  /** Whole days; negative: it has ended. */
  readonly daysLeft: number | undefined;
  /** From then on `pulumi up` renews it. Undefined: an authority is not renewed by a run. */
  readonly renewalDue: Date | undefined;
  /** It is to be renewed now, has ended, or cannot be read. */
  readonly due: boolean;
}

const leaf = "tls:index/locallySignedCert:LocallySignedCert";
const authority = "tls:index/selfSignedCert:SelfSignedCert";

const day = 24 * 3600 * 1000;
const hour = 3600 * 1000;

/** Days before its end from which an authority counts as due: replacing it takes planning. */
const authorityDays = 180;

const roles: Readonly<Record<string, string>> = {
  "corekube:etcd:Cluster": "etcd",
  "corekube:controllers:Controllers": "controller",
};

/** The next to end first. */
export function certificatesOf({ resources }: StackState, now: Date): readonly CertificateRow[] {
  return resources
    .filter(({ type }) => type === leaf || type === authority)
    .map((resource) => rowOf(resource, now))
    .sort((a, b) => (a.validUntil?.getTime() ?? 0) - (b.validUntil?.getTime() ?? 0) || (a.name < b.name ? -1 : 1));
}

function rowOf(resource: StateResource, now: Date): CertificateRow {
  const { name, within } = refOf(resource.urn);
  const isAuthority = resource.type === authority;
  const certificate = parsed(resource.outputs?.["certPem"]);
  const validUntil = certificate ? new Date(certificate.validTo) : undefined;
  const early = resource.outputs?.["earlyRenewalHours"];
  const renewalDue =
    validUntil === undefined || isAuthority
      ? undefined
      : new Date(validUntil.getTime() - (typeof early === "number" ? early : 0) * hour);
  const from = isAuthority && validUntil ? new Date(validUntil.getTime() - authorityDays * day) : renewalDue;
  return {
    name,
    subject: subjectText(certificate?.subject),
    role: isAuthority ? "authority" : (roles[within[0] ?? ""] ?? "cluster"),
    issuer: /CN=(.*)/.exec(certificate?.issuer ?? "")?.[1] ?? "",
    validUntil,
    daysLeft: validUntil === undefined ? undefined : Math.floor((validUntil.getTime() - now.getTime()) / day),
    renewalDue,
    due: from === undefined || from <= now,
  };
}

/** The group after the user, however the certificate orders them. */
function subjectText(subject = ""): string {
  return subject
    .split("\n")
    .filter((part) => part !== "")
    .sort((a, b) => Number(b.startsWith("CN=")) - Number(a.startsWith("CN=")))
    .join(", ");
}

function parsed(pem: unknown): X509Certificate | undefined {
  try {
    return typeof pem === "string" ? new X509Certificate(pem) : undefined;
  } catch {
    return undefined;
  }
}

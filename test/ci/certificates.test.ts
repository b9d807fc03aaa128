/** Ends of certificates, with certificates of openssl. */
import assert from "node:assert/strict";
import { ending, readCertificates } from "../../ci/lib/certificates.js";
import { driftRecord, driftReport, type Findings } from "../../ci/lib/driftReport.js";
import type { Plan } from "../../ci/lib/changes.js";
import { selfSigned } from "../support/selfSigned.js";

const day = 24 * 60 * 60 * 1000;
const thresholds = { days: 30, authorityDays: 180 };
const clean: Plan = { changes: [], violations: [], errors: [], unchanged: 3, complete: true, digest: "" };

describe("ci: certificates", () => {
  let pem: string;
  before(() => {
    pem = selfSigned("test", 100).certificate;
  });

  const resource = (
    name: string,
    outputs: object,
    type = "locallySignedCert:LocallySignedCert",
    more: object = {},
  ): object => ({
    urn: `urn:pulumi:prod::corekube::tls:index/${type}::${name}`,
    type: `tls:index/${type}`,
    outputs,
    ...more,
  });
  const state = (...resources: object[]): object => ({ deployment: { resources } });
  const endsIn = (days: number): object => ({
    validityEndTime: new Date(Date.now() + days * day + day / 2).toISOString(),
    certPem: { "4dabf18193072939515e22adb298388d": "secret" },
  });

  it("counts the days from the certificate itself", () => {
    const now = new Date();
    const later = new Date(now.getTime() + 99 * day);
    assert.equal(
      readCertificates(state(resource("a", { certPem: pem, validityEndTime: "2001-01-01T00:00:00Z" })), now)[0]?.days,
      99,
    );
    assert.equal(readCertificates(state(resource("a", { certPem: pem })), later)[0]?.days, 0);
    assert.equal(
      readCertificates(state(resource("a", { certPem: pem })), new Date(now.getTime() + 102 * day))[0]?.days,
      -3,
    );
  });

  it("reads the provider's note where the state keeps the certificate as a secret", () => {
    assert.equal(readCertificates(state(resource("a", endsIn(12))))[0]?.days, 12);
  });

  it("reports those below their threshold, authorities by another one, unreadable ones always, replaced ones and requests never", () => {
    const found = readCertificates(
      state(
        resource("fine", endsIn(30)),
        resource("soon", endsIn(29)),
        resource("authority-fine", { ...endsIn(180), isCaCertificate: true }, "selfSignedCert:SelfSignedCert"),
        resource("authority-soon", { ...endsIn(179), isCaCertificate: true }, "selfSignedCert:SelfSignedCert"),
        resource("broken", { certPem: "nonsense" }),
        resource("replaced", endsIn(1), "locallySignedCert:LocallySignedCert", { delete: true }),
        resource("request", endsIn(1), "certRequest:CertRequest"),
      ),
    );
    assert.deepEqual(
      ending(found, thresholds)
        .map(({ name }) => name)
        .sort(),
      ["authority-soon", "broken", "soon"],
    );
  });

  it("names them in the report, and an ended one as ended", () => {
    const findings: Findings = {
      stack: "prod",
      plan: clean,
      thresholds,
      certificates: readCertificates(
        state(
          resource("gone", endsIn(-4)),
          resource("ca", { ...endsIn(3), isCaCertificate: true }, "selfSignedCert:SelfSignedCert"),
        ),
      ),
    };
    assert.equal(driftRecord(findings).result, "found");
    const report = driftReport(findings);
    assert.match(report, /2 certificates end soon/);
    assert.match(report, /\| gone \| .* \| \*\*ended 4 days ago\*\* \|/);
    assert.match(report, /\| ca \(authority\) \| .* \| 3 \|/);
    assert.match(report, /A certificate authority ends/);
  });

  it("clean is clean, and a check that failed is never", () => {
    const findings: Findings = { stack: "prod", plan: clean, thresholds, certificates: [] };
    assert.equal(driftRecord(findings).result, "clean");
    assert.equal(driftRecord({ ...findings, failure: "no answer" }).result, "failed");
  });

  it("refuses what is no state", () => {
    assert.throws(() => readCertificates({}), /no deployment/);
    assert.deepEqual(readCertificates({ deployment: {} }), []);
  });
});

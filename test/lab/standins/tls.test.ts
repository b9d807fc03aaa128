import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sinon from "sinon";
import ssh2 from "ssh2";
import { plugin } from "../../../lab/standins/tls/plugin.js";
import { type Bag, type Resource, TestEngine, unknown } from "./engine.js";

const privateKey = "tls:index/privateKey:PrivateKey";
const certRequest = "tls:index/certRequest:CertRequest";
const selfSigned = "tls:index/selfSignedCert:SelfSignedCert";
const locallySigned = "tls:index/locallySignedCert:LocallySignedCert";

const ecdsa = { algorithm: "ECDSA", ecdsaCurve: "P256" };

describe("tls stand-in", () => {
  let engine: TestEngine;
  let directory: string;
  let authorityKey: Resource;
  let authority: Resource;

  const text = (resource: Resource, output: string): string => String(resource.outputs[output]);

  function file(name: string, content: string): string {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  }

  const openssl = (...args: string[]): string =>
    execFileSync("openssl", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

  const authorityInputs = (): Bag => ({
    privateKeyPem: text(authorityKey, "privateKeyPem"),
    subject: { commonName: "test authority", organization: "Größe & Söhne" },
    isCaCertificate: true,
    setSubjectKeyId: true,
    allowedUses: ["digital_signature", "cert_signing", "crl_signing"],
    validityPeriodHours: 240_000,
  });

  async function leaf(key: Resource, more: Bag = {}): Promise<{ inputs: Bag; certificate: Resource }> {
    const request = await engine.create(certRequest, key.name, {
      privateKeyPem: text(key, "privateKeyPem"),
      subject: { commonName: "system:node:one", organization: "system:nodes" },
      dnsNames: ["localhost"],
      ipAddresses: ["127.0.0.1", "fd00::1"],
    });
    const inputs = {
      certRequestPem: text(request, "certRequestPem"),
      caCertPem: text(authority, "certPem"),
      caPrivateKeyPem: text(authorityKey, "privateKeyPem"),
      allowedUses: ["digital_signature", "server_auth", "client_auth"],
      validityPeriodHours: 24,
      earlyRenewalHours: 2,
      ...more,
    };
    return { inputs, certificate: await engine.create(locallySigned, key.name, inputs) };
  }

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "corekube-tls-"));
    engine = await TestEngine.start(plugin);
    authorityKey = await engine.create(privateKey, "authority", ecdsa);
    authority = await engine.create(selfSigned, "authority", authorityInputs());
  });

  after(() => {
    engine.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it("makes certificates that openssl verifies for servers and clients", async () => {
    const key = await engine.create(privateKey, "leaf", ecdsa);
    assert.match(text(key, "privateKeyPem"), /^-----BEGIN EC PRIVATE KEY-----\n/);
    assert.match(text(key, "publicKeyPem"), /^-----BEGIN PUBLIC KEY-----\n/);
    const { certificate } = await leaf(key);
    const paths = [file("ca", text(authority, "certPem")), file("crt", text(certificate, "certPem"))];
    for (const purpose of ["sslserver", "sslclient"])
      openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", ...paths);
    const parsed = new X509Certificate(text(certificate, "certPem"));
    assert.ok(parsed.verify(new X509Certificate(text(authority, "certPem")).publicKey));
    assert.ok(parsed.checkPrivateKey(createPrivateKey(text(key, "privateKeyPem"))));
    assert.equal(parsed.subject, "O=system:nodes\nCN=system:node:one");
    assert.equal(parsed.subjectAltName, "DNS:localhost, IP Address:127.0.0.1, IP Address:FD00:0:0:0:0:0:0:1");
  });

  for (const inputs of [ecdsa, { algorithm: "ED25519" }]) {
    it(`writes ${inputs.algorithm} keys for OpenSSH`, async () => {
      const key = await engine.create(privateKey, "ssh", inputs);
      const parsed = ssh2.utils.parseKey(text(key, "privateKeyOpenssh"));
      assert.ok(!(parsed instanceof Error), String(parsed));
      assert.equal(`${parsed.type} ${parsed.getPublicSSH().toString("base64")}\n`, text(key, "publicKeyOpenssh"));
      assert.equal(parsed.verify(Buffer.from("x"), parsed.sign(Buffer.from("x"))), true);
      const derived = execFileSync("ssh-keygen", ["-y", "-f", file("ssh", text(key, "privateKeyOpenssh"))]);
      assert.equal(derived.toString().trim(), text(key, "publicKeyOpenssh").trim());
    });
  }

  it("marks private keys as secrets and nothing else", async () => {
    assert.deepEqual([...authorityKey.secrets].sort(), ["privateKeyOpenssh", "privateKeyPem"]);
    assert.deepEqual(authority.secrets, ["privateKeyPem"]);
    const { certificate } = await leaf(authorityKey);
    assert.deepEqual(certificate.secrets, ["caPrivateKeyPem"]);
  });

  it("writes the extensions that Go and openssl look at", () => {
    const shown = openssl("x509", "-noout", "-text", "-in", file("ca", text(authority, "certPem")));
    assert.match(shown, /X509v3 Key Usage: critical\s+Digital Signature, Certificate Sign, CRL Sign/);
    assert.match(shown, /X509v3 Basic Constraints: critical\s+CA:TRUE\n/);
    assert.match(shown, /X509v3 Subject Key Identifier/);
    assert.match(
      shown,
      /Not After : .* 2054 GMT|Not After : .* 20[5-9]\d GMT/,
      "an end after 2050 needs another form of date",
    );
  });

  it("names the authority's key in what it signs", async () => {
    const { certificate } = await leaf(authorityKey);
    const keyId = (kind: string, pem: string): string =>
      new RegExp(`X509v3 ${kind} Key Identifier: \\n\\s+(\\S+)`).exec(
        openssl("x509", "-noout", "-text", "-in", file("id", pem)),
      )?.[1] ?? "none";
    assert.equal(keyId("Authority", text(certificate, "certPem")), keyId("Subject", text(authority, "certPem")));
  });

  it("replaces a certificate in its last hours and after them, not before", async () => {
    const { inputs, certificate } = await leaf(authorityKey);
    assert.equal((await engine.diff(certificate, inputs)).changes, false);
    const clock = sinon.useFakeTimers({ now: Date.now() + 22.5 * 3_600_000, toFake: ["Date"] });
    try {
      const due = await engine.diff(certificate, inputs);
      assert.deepEqual(due.replaces, ["readyForRenewal"]);
      assert.equal((await engine.refresh(certificate))?.outputs["readyForRenewal"], true);
      assert.equal((await engine.diff(certificate, { ...inputs, earlyRenewalHours: 0 })).replaces.length, 0);
    } finally {
      clock.restore();
    }
  });

  it("replaces on every change but that of the renewal time", async () => {
    const { inputs, certificate } = await leaf(authorityKey);
    for (const change of [
      { allowedUses: ["server_auth"] } as Bag,
      { validityPeriodHours: 25 },
      { caCertPem: unknown },
    ]) {
      assert.equal(
        (await engine.diff(certificate, { ...inputs, ...change })).replaces.length > 0,
        true,
        JSON.stringify(change),
      );
    }
    const kept = await engine.diff(certificate, { ...inputs, earlyRenewalHours: 3 });
    assert.deepEqual([kept.changes, kept.replaces], [true, []]);
    assert.equal(
      text(await engine.update(certificate, { ...inputs, earlyRenewalHours: 3 }), "certPem"),
      text(certificate, "certPem"),
    );
  });

  it("knows no key in a preview", async () => {
    assert.equal((await engine.preview(privateKey, "later", ecdsa))["privateKeyPem"], unknown);
  });

  const refused: readonly [string, string, Bag, RegExp][] = [
    ["an input that the program does not use", privateKey, { ...ecdsa, rsaBits: 2048 }, /rsaBits: .* does not support/],
    [
      "one inside an object",
      certRequest,
      { privateKeyPem: "x", subject: { commonName: "x", country: "x" } },
      /subject\.country: .* does not support this input of a certificate request/,
    ],
    ["a missing input", privateKey, {}, /algorithm is missing/],
    ["another algorithm", privateKey, { algorithm: "RSA" }, /algorithm: the lab's stand-in has ECDSA/],
    [
      "another use",
      selfSigned,
      { privateKeyPem: "x", allowedUses: ["code_signing"], validityPeriodHours: 1 },
      /allowedUses: got "code_signing"; .*server_auth/,
    ],
  ];
  for (const [what, type, inputs, message] of refused) {
    it(`refuses ${what}`, async () => {
      assert.match((await engine.check(type, "wrong", inputs)).failures.join("\n"), message);
    });
  }

  it("refuses the certificate of one authority with the key of another, without showing the key", async () => {
    const other = await engine.create(privateKey, "other", ecdsa);
    await assert.rejects(
      leaf(other, { caPrivateKeyPem: text(other, "privateKeyPem") }),
      /caPrivateKeyPem: not the key of the certificate/,
    );
    await assert.rejects(
      leaf(other, { caPrivateKeyPem: "not a key" }),
      (error: Error) =>
        /caPrivateKeyPem: not a private key/.test(error.message) && !error.message.includes("not a key in"),
    );
  });
});

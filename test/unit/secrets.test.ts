/** What counts as a secret, and what is left of a text without it. */
import assert from "node:assert/strict";
import { type FileOwner, filesOf, isSecretFile, startFilesOf } from "../../components/contract/secretFiles.js";
import { secretKind, withoutSecrets } from "../../infra/settings/secrets.js";
import { redact, secretContents } from "../../provider/operation/redact.js";

const pem = (kind: string): string => `-----BEGIN ${kind}PRIVATE KEY-----\nMC4C AQAw\n-----END ${kind}PRIVATE KEY-----`;

describe("text of a machine", () => {
  const token = "a-token-of-twenty-ch";
  const cases: readonly (readonly [what: string, text: string, secrets: readonly string[], left: string])[] = [
    ["a secret of 20 characters", `x ${token} y ${token}`, [token], "x [secret] y [secret]"],
    ["each line, whatever the indentation", `x ${token}1 y`, [`first: line\n   ${token}1\t\n`], "x [secret] y"],
    ["each secret", `${token}1 ${token}2`, [`${token}1`, `${token}2`], "[secret] [secret]"],
    ["an unknown key", `a\n${pem("")}\nb`, [], "a\n[secret]\nb"],
    ["an unknown key of a kind", `a\n${pem("EC ")}\nb`, [], "a\n[secret]\nb"],
    ["keys one by one", `a\n${pem("OPENSSH ")}\nb\n${pem("RSA ")}\nc`, [], "a\n[secret]\nb\n[secret]\nc"],
    ["a key that was cut off", `a\n${pem("EC ").slice(0, 40)}`, [], "a\n[secret]"],
  ];
  for (const [what, text, secrets, left] of cases)
    it(`is shown without ${what}`, () => {
      assert.equal(redact(text, secrets), left);
    });

  it("keeps short lines, which are ordinary words", () => {
    assert.equal(redact("name: }", ["}"]), "name: }");
    assert.equal(redact(token.slice(1), [token.slice(1)]), token.slice(1));
  });
});

describe("delivered files", () => {
  it("are secret unless they are known to be public", () => {
    const files = { "ca.crt": "certificate", "ca.key": "key", "of-no-table": "other", approve: "program" };
    assert.deepEqual(secretContents(files), ["key", "other"]);
    assert.equal(isSecretFile("ca.crt"), false);
    assert.equal(isSecretFile("toString"), true);
  });

  /** Each program has a user of its own: what it may read, and after a change of what it must be restarted. */
  const readers: Readonly<Record<FileOwner, { always: readonly string[]; atStart: readonly string[] }>> = {
    etcd: { always: ["server.crt", "server.key", "peer.crt", "peer.key"], atStart: ["etcd-ca.crt"] },
    "kube-apiserver": {
      always: [
        "apiserver.crt",
        "apiserver.key",
        "etcd-client.crt",
        "etcd-client.key",
        "apiserver-kubelet-client.crt",
        "apiserver-kubelet-client.key",
        "front-proxy-client.crt",
        "front-proxy-client.key",
      ],
      atStart: [
        "ca.crt",
        "etcd-ca.crt",
        "front-proxy-ca.crt",
        "service-account.key",
        "service-account.pub",
        "admission.yaml",
        "audit.yaml",
        "authentication.yaml",
        "encryption.yaml",
      ],
    },
    "kube-controller-manager": {
      always: ["controller-manager.crt", "controller-manager.key"],
      atStart: ["controller-manager.kubeconfig", "ca.crt", "ca.key", "service-account.key"],
    },
    "kube-scheduler": { always: ["scheduler.crt", "scheduler.key"], atStart: ["scheduler.kubeconfig"] },
  };
  for (const [program, { always, atStart }] of Object.entries(readers))
    it(`of ${program} are these, and a change of some restarts it`, () => {
      assert.deepEqual([...filesOf(program as FileOwner)].sort(), [...always, ...atStart].sort());
      assert.deepEqual([...startFilesOf(program as FileOwner)].sort(), [...atStart].sort());
    });
});

describe("values of settings", () => {
  const hex = (length: number): string => "0123456789abcdef".repeat(3).slice(0, length);
  const secret: readonly (readonly [value: string, kind: string])[] = [
    ["-----BEGIN PRIVATE KEY-----", "a private key"],
    [pem("EC "), "a private key"],
    [`dop_v1_${hex(16)}`, "a token of DigitalOcean"],
    [`doo_v1_${hex(16)}`, "a token of DigitalOcean"],
    [`x dor_v1_${hex(48)}`, "a token of DigitalOcean"],
    ["AKIAIOSFODNN7EXAMPLE", "an access key of AWS"],
    ["key ASIAIOSFODNN7EXAMPLE.", "an access key of AWS"],
    ...["p", "o", "u", "s", "r"].map((kind) => [`gh${kind}_a1B2${hex(16)}`, "an access token"] as const),
    [`github_pat_A_${hex(18)}`, "an access token"],
    [`glpat-A-_${hex(13)}`, "an access token"],
    [`pul-${hex(40)}`, "an access token"],
    ["eyJhbGciOi_-.eyJzdWIiOi-_.", "a token (JWT)"],
    ["Bearer eyJhbGciOiJI.eyJzdWIiOiIx.c2lnLW5h_dHVyZQ", "a token (JWT)"],
    ["abc123.0123456789abcdef", "a bootstrap token"],
    ["token abcdef.abcdefghijklmno1, of yesterday", "a bootstrap token"],
    ["http://ada:hunter2@proxy.example", "a user with a password"],
    ["https://:hunter2@proxy.example/path", "a user with a password"],
  ];
  for (const [value, kind] of secret)
    it(`look like ${kind}: ${value.slice(0, 40)}`, () => {
      assert.equal(secretKind(value), kind);
      // Not one character of the secret part is left, and all of them are found.
      const twice = withoutSecrets(`first ${value} second ${value}`);
      assert.ok(twice.includes(`(${kind}, not shown)`), twice);
      assert.equal(secretKind(twice), undefined, twice);
    });

  const plain: readonly string[] = [
    "-----BEGIN CERTIFICATE-----",
    `dop_v1_${hex(15)}`,
    `adop_v1_${hex(16)}`,
    "AKIAIOSFODNN7EXAMPL",
    "AKIAIOSFODNN7EXAMPLES",
    "XAKIAIOSFODNN7EXAMPLE",
    `ghp_${hex(19)}`,
    `ghx_${hex(30)}`,
    `github_pat_${hex(19)}`,
    `glpat-${hex(15)}`,
    `pul-${hex(39)}`,
    "eyJhbGci.eyJzdWIiOi.c2ln",
    "eyJhbGciOiJI.c2lnbmF0dXJl.c2ln",
    // Host names and versions.
    "abcdef.abcdefghijklmnop",
    "a-bc123.0123456789abcdef",
    "abc123.0123456789abcdef.example",
    "abc123.0123456789abcdef0",
    "xabc123.0123456789abcdef",
    "/abc123.0123456789abcdef",
    "abc123.0123456789abcdef-1",
    "abc12.0123456789abcdef",
    "http://ada@proxy.example",
    "http://proxy.example:3128/a@b",
    "ada:hunter2@proxy.example",
    "http://proxy.example a:b@c",
  ];
  for (const value of plain)
    it(`look like no secret: ${value}`, () => {
      assert.equal(secretKind(value), undefined);
      assert.equal(withoutSecrets(value), value);
    });

  it("are hidden as a whole, and nothing beside them", () => {
    assert.equal(
      withoutSecrets(`got "http://ada:hunter2@proxy.example/"; allowed: "${pem("EC ")}" and no ghp_a1B2${hex(16)}.`),
      'got "http://(a user with a password, not shown)@proxy.example/"; allowed: "(a private key, not shown)" and no (an access token, not shown).',
    );
  });
});

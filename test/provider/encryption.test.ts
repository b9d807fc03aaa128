/** Permission to use an encryption key, and re-encryption with it, against a real API server that encrypts. */
import assert from "node:assert/strict";
import { annotation, keysInUse, recordKeysInUse } from "../../provider/kubernetes/secretEncryption.js";
import { EncryptionKeyGate } from "../../provider/resources/encryptionKeyGate.js";
import { SecretsReencryption } from "../../provider/resources/secretsReencryption.js";
import { UNKNOWN, type Properties } from "../../provider/rpc/properties.js";
import { START_TIMEOUT, TestApi } from "./support/api.js";
import { checked, operation } from "./support/operation.js";

describe("rotation of the encryption key", () => {
  const guard = new EncryptionKeyGate();
  const rewrite = new SecretsReencryption();
  let api: TestApi;

  before(async function () {
    this.timeout(START_TIMEOUT);
    api = await TestApi.start();
  });
  after(() => api.stop());

  /** Those of keys that are what they always were. */
  const fingerprints = (number: number): Record<string, string> =>
    Object.fromEntries([number - 1, number, number + 1].map((each) => [String(each), `sha256:${each}`]));
  const inputs = (kind: EncryptionKeyGate | SecretsReencryption, number: number, others: object = {}) =>
    checked(kind, {
      number,
      kubeconfig: api.kubeconfig,
      ...(kind === guard ? { fingerprints: { ...fingerprints(number), ...others } } : {}),
    });
  const state = (kind: EncryptionKeyGate | SecretsReencryption, number: number) => ({
    inputs: inputs(kind, number),
    outputs: { number },
  });
  const noted = () => keysInUse(api.cluster);

  it("asks no API for a new cluster, and notes the key when all Secrets have it", async () => {
    const created = await guard.create(
      operation(),
      checked(guard, { number: 1, fingerprints: fingerprints(1), kubeconfig: "{}" }),
    );
    assert.deepEqual(created.outputs, { number: 1 });
    assert.equal(await noted(), undefined);
    await rewrite.create(operation(), inputs(rewrite, 1));
    assert.deepEqual(await noted(), [1]);
  }).timeout(30_000);

  it("refuses more than one step in the preview already", () => {
    assert.throws(
      () => guard.diff(state(guard, 1), inputs(guard, 3)),
      /encryption_key: got 3; Secrets are encrypted with key 1, so allowed are 1, 2: .*pulumi config set corekube:encryption_key 1/,
    );
    assert.deepEqual(
      guard.diff(state(guard, 1), inputs(guard, 2)).changes.map(({ path }) => path),
      ["number", 'fingerprints["0"]', 'fingerprints["3"]'],
    );
  });

  it("refuses a key that has become another one under its number, before controllers get it", async () => {
    const replaced = (number: number, key: number): Properties => inputs(guard, number, { [key]: "sha256:another" });
    for (const number of [3, 4]) {
      const message = /encryption_key: key 3 is not the one that it was: .* pulumi stack import --file/;
      assert.throws(() => guard.diff(state(guard, 3), replaced(number, 3)), message);
      await assert.rejects(guard.update(operation(), state(guard, 3), replaced(number, 3)), message);
    }
    // Made in this run: nothing is encrypted with it. Not known yet: the run itself asks again.
    guard.diff(state(guard, 3), replaced(4, 5));
    guard.diff(state(guard, 3), inputs(guard, 3, { 3: UNKNOWN }));
  });

  it("records the next key before it is used, re-encrypts every Secret, and then records only that key", async () => {
    await recordKeysInUse(api.cluster, [1]);
    const names = Array.from({ length: 30 }, (_, index) => `s-${index}`);
    for (const name of names)
      await api.cluster.core.createNamespacedSecret({
        namespace: "default",
        body: { metadata: { name }, stringData: { word: name } },
      });
    await guard.update(operation(), state(guard, 1), inputs(guard, 2));
    assert.deepEqual(await noted(), [1, 2]);
    const run = operation();
    assert.deepEqual(await rewrite.update(run, state(rewrite, 1), inputs(rewrite, 2)), { number: 2 });
    assert.deepEqual(await noted(), [2]);
    assert.ok(
      run.statuses.some((text) => /\d+ Secrets re-encrypted with key 2/.test(text)),
      run.statuses.join("\n"),
    );
    const secret = await api.cluster.core.readNamespacedSecret({ namespace: "default", name: "s-7" });
    assert.equal(Buffer.from(secret.data?.["word"] ?? "", "base64").toString(), "s-7");
  }).timeout(60_000);

  it("refuses the next rotation while the last one has not finished, whatever the state says, and changes nothing", async () => {
    await recordKeysInUse(api.cluster, [5, 6]);
    await assert.rejects(
      guard.update(operation(), state(guard, 6), inputs(guard, 7)),
      /got 7; Secrets are encrypted with key 5 and 6, so allowed are 5, 6:/,
    );
    await assert.rejects(guard.update(operation(), state(guard, 5), inputs(guard, 4)), /got 4; .* allowed are 5, 6:/);
    assert.deepEqual(await noted(), [5, 6]);
    await guard.update(operation(), state(guard, 6), inputs(guard, 5));
    assert.deepEqual(await noted(), [5, 6]);
  }).timeout(30_000);

  it("refuses when it is unknown which keys are in use", async () => {
    await api.cluster.core.patchNamespace({
      name: "kube-system",
      body: [{ op: "remove", path: `/metadata/annotations/${annotation.replace("/", "~1")}` }],
    });
    await assert.rejects(
      guard.update(operation(), state(guard, 1), inputs(guard, 2)),
      /has no annotation corekube\.io\/encryption-keys/,
    );
  }).timeout(30_000);

  it("is tried again by the next run when it did not end", () => {
    const failed = { inputs: inputs(rewrite, 2), outputs: {} };
    assert.deepEqual(
      rewrite.diff(failed, inputs(rewrite, 2)).changes.map(({ path }) => path),
      ["number"],
    );
    assert.deepEqual(rewrite.diff(state(rewrite, 2), inputs(rewrite, 2)).changes, []);
  });
});

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { renderIgnition } from "../../../components/nodeconfig/base/ignition.js";
import { file } from "../../../components/nodeconfig/base/types.js";
import { findSecrets, unpackUserData } from "../../../lab/checks/secrets.js";

// Put together here so that no file of the project holds what the checks look for.
const key = ["-----BEGIN EC", "PRIVATE KEY-----"].join(" ");
const token = ["abcdef", "0123456789abcdef"].join(".");

describe("looking for secrets", () => {
  it("finds a private key in plain text and in base64 at every offset", () => {
    assert.equal(findSecrets(key).length, 1);
    for (const prefix of ["", "x", "xy", "xyz"]) {
      const packed = Buffer.from(`${prefix}${key}\nMHcCAQEE`).toString("base64");
      assert.equal(findSecrets(packed).length, 1, `after ${prefix.length} bytes`);
    }
  });

  it("finds a bootstrap token and does not print it", () => {
    const found = findSecrets(`kubelet --token=${token}`);
    assert.equal(found.length, 1);
    assert.ok(!found.join().includes(token));
  });

  it("does not take words, versions, addresses and digests for tokens", () => {
    for (const text of [
      "kernel.randomizevaspace",
      "v1.36.3",
      "10.3.0.10",
      "sha256:46707a53209f826ad0f0d62371ac69cd",
      "docker.containerdsnapshots1x",
      "public key-----",
    ]) {
      assert.deepEqual(findSecrets(text), [], text);
    }
  });

  it("unpacks gzip and base64 in user-data", () => {
    const packed = gzipSync(Buffer.from(`token: ${token}`)).toString("base64");
    const userData = JSON.stringify({
      storage: { files: [{ contents: { compression: "gzip", source: `data:;base64,${packed}` } }] },
    });
    assert.deepEqual(findSecrets(userData), []);
    assert.equal(findSecrets(unpackUserData(userData)).length, 1);
    assert.equal(findSecrets(unpackUserData(`{"source":"data:,${encodeURIComponent(`a ${token}`)}"}`)).length, 1);
  });

  it("unpacks user-data of machines: files in a compressed configuration", () => {
    const userData = renderIgnition({
      directories: [],
      files: [file("/etc/secret", `${key}\n`)],
      links: [],
      users: [],
    });
    assert.deepEqual(findSecrets(userData), []);
    assert.deepEqual(findSecrets(unpackUserData(userData)), ["a private key (PEM)"]);
  });
});

/** The versions of a checkout agree with each other: a cluster is refused or accepted by two of them. */
import assert from "node:assert/strict";
import { versions } from "../../components/spec/versions.js";

describe("versions.json", () => {
  it("has one version of Kubernetes, kube-proxy included", () => {
    for (const name of ["kubelet", "kubectl"] as const)
      assert.ok(versions.releases[name].url.includes(`/v${versions.kubernetes}/`), versions.releases[name].url);
    const images = Object.entries(versions.images).filter(([name]) => name.startsWith("kube-"));
    assert.equal(images.length, 4);
    for (const [, { name }] of images) assert.ok(name.endsWith(`:v${versions.kubernetes}`), name);
  });

  it("has one version of etcd", () => {
    assert.ok(versions.releases.etcd.url.includes(`/v${versions.etcd}/`), versions.releases.etcd.url);
  });
});

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { catalogue, catalogueVersions, newestVersion, releaseOf, removedIn } from "../../components/spec/versions.js";
import { projectDirectory } from "../../lab/config.js";
import common from "../../versions/common.json";
import removed from "../../versions/removed.json";

const numbers = (version: string): number[] => version.split(".").map(Number);
const minorOf = (version: string): number => numbers(version)[1]!;
const older = (a: string, b: string): boolean => {
  const [left, right] = [numbers(a), numbers(b)];
  const at = left.findIndex((number, index) => number !== right[index]);
  return at >= 0 && left[at]! < right[at]!;
};

/** Oldest etcd that an API server of the minor works with: MinExternalEtcdVersion in kubeadm's cmd/kubeadm/app/constants/constants.go. */
const oldestEtcd: Readonly<Record<number, string>> = { 35: "3.5.24", 36: "3.5.24" };

/** Oldest etcd whose members may change to the minor one by one: etcd.io/docs, "Upgrade etcd from v3.6 to v3.7". */
const oldestBefore: Readonly<Record<string, string>> = { "3.7": "3.6.11" };

describe("the catalogue of releases", () => {
  const releases = Object.values(catalogue);
  const steps = releases.slice(1).map((release, index) => ({ before: releases[index]!, release }));

  it("has every file of the folder, oldest first, under the version that is in it", () => {
    const files = readdirSync(join(projectDirectory, "versions")).filter((file) => /^\d/.test(file));
    assert.deepEqual(files.map((file) => file.replace(/\.json$/, "")).sort(), [...catalogueVersions].sort());
    for (const { before, release } of steps) assert.ok(older(before.kubernetes, release.kubernetes));
    for (const version of catalogueVersions) assert.equal(releaseOf(version).kubernetes, version);
    assert.equal(newestVersion, releases.at(-1)?.kubernetes);
  });

  it("leaves out no minor, so that there is a path from each release to the newest", () => {
    for (const { before, release } of steps)
      assert.ok(minorOf(release.kubernetes) - minorOf(before.kubernetes) <= 1, release.kubernetes);
  });

  it("has the same programs and images in each release", () => {
    for (const release of releases)
      for (const part of ["releases", "images"] as const)
        assert.deepEqual(Object.keys(release[part]).sort(), Object.keys(releases[0]![part]).sort());
  });

  it("has in a release one version of Kubernetes, kube-proxy included", () => {
    for (const { kubernetes, releases: files, images } of releases) {
      for (const name of ["kubelet", "kubectl"] as const)
        assert.ok(files[name].url.includes(`/v${kubernetes}/bin/linux/amd64/${name}`), files[name].url);
      const own = Object.entries(images).filter(([name]) =>
        /^kube-(apiserver|controller-manager|scheduler|proxy)$/.test(name),
      );
      assert.equal(own.length, 4);
      for (const [program, { name }] of own) assert.equal(name, `registry.k8s.io/${program}:v${kubernetes}`);
    }
  });

  it("has a checksum for each file, and a digest or none for each image; different files have different ones", () => {
    const seen = new Map<string, string>();
    const note = (name: string, sum: string): void => {
      assert.equal(seen.get(sum) ?? name, name, "two files with one checksum: one of them was copied");
      seen.set(sum, name);
    };
    for (const { releases: files, images } of releases) {
      for (const { url, sha256 } of Object.values(files)) {
        assert.match(sha256, /^[0-9a-f]{64}$/, url);
        note(url, sha256);
      }
      for (const { name, digest } of Object.values(images)) {
        if (digest === null) continue;
        assert.match(digest, /^sha256:[0-9a-f]{64}$/, name);
        note(name, digest);
      }
    }
  });

  it("changes etcd by one minor at most, from a patch that may, and not within a minor of Kubernetes, which may go back", () => {
    for (const { before, release } of steps) {
      const [from, to] = [minorOf(before.etcd), minorOf(release.etcd)];
      assert.ok(to === from || to === from + 1, `${before.etcd} to ${release.etcd}`);
      if (to !== from) {
        const [major, minor] = release.etcd.split(".");
        assert.ok(!older(before.etcd, oldestBefore[`${major}.${minor}`] ?? assert.fail(release.etcd)), before.etcd);
        assert.notEqual(minorOf(before.kubernetes), minorOf(release.kubernetes));
      }
    }
    for (const { etcd, releases: files } of releases)
      assert.ok(files.etcd.url.endsWith(`/v${etcd}/etcd-v${etcd}-linux-amd64.tar.gz`), files.etcd.url);
  });

  it("has API servers that work with their etcd, and with that of the release before, which nodes keep during emulation", () => {
    for (const { before, release } of [{ before: releases[0]!, release: releases[0]! }, ...steps])
      for (const etcd of [before.etcd, release.etcd])
        assert.ok(!older(etcd, oldestEtcd[minorOf(release.kubernetes)] ?? assert.fail(release.kubernetes)), etcd);
  });

  it("has no cloud controller manager that is newer than its API servers", () => {
    // DigitalOcean counts its own versions.
    for (const { kubernetes, images } of releases) {
      const tag = images["aws-cloud-controller-manager"].name.split(":v")[1]!;
      assert.ok([minorOf(kubernetes), minorOf(kubernetes) - 1].includes(minorOf(tag)), tag);
    }
  });

  it("has nothing that no release uses", () => {
    for (const version of Object.keys(common.etcd))
      assert.ok(
        releases.some(({ etcd }) => etcd === version),
        version,
      );
    for (const { name } of Object.values(common["aws-cloud-controller-manager"]))
      assert.ok(
        releases.some(({ images }) => Object.values(images).some((image) => image.name === name)),
        name,
      );
  });

  it("says for each minor that a cluster can change to which versions of the API it removes", () => {
    for (const { before, release } of steps)
      if (minorOf(before.kubernetes) !== minorOf(release.kubernetes))
        assert.ok(Array.isArray(removedIn(release.kubernetes)), release.kubernetes);
    for (const [minor, kinds] of Object.entries(removed)) {
      assert.match(minor, /^1\.\d+$/);
      for (const kind of kinds) assert.match(kind, /^[a-z0-9.]+\/v\d+((alpha|beta)\d+)? [A-Z][A-Za-z]+$/);
    }
  });
});

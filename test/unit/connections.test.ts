/** How many connections machines that run pods can track, by Kubernetes' own rule. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cloudNamed } from "../../components/clouds.js";
import { nodeConfig } from "../../components/nodeconfig/index.js";
import type { Role } from "../../components/spec/cluster.js";
import { clusters } from "../golden/support/specs.js";

const config = (role: Role) => nodeConfig(clusters.ha, role, cloudNamed(clusters.ha.cloud).profile);
const text = (role: Role, path: string): string =>
  config(role).files.find((file) => file.path === path)?.contents ?? "";

const limitFile = "/proc/sys/net/netfilter/nf_conntrack_max";

describe("tracked connections", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "corekube-connections-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Runs the part of the activation that sets the limit, with so many CPUs and this file of the kernel's. */
  const activate = (cpus: number, file: string): string => {
    const part = /^limit=\$\(\([^]*?\n\n/m.exec(text("worker", "/opt/corekube/bin/activate"));
    assert.ok(part, "the activation does not set the limit");
    const script = `set -euo pipefail\nnproc() { echo ${cpus}; }\n${part[0].replaceAll(limitFile, file)}`;
    const { status, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stderr;
  };

  for (const [cpus, kernel, expected] of [
    [1, 65_536, 131_072],
    [2, 65_536, 131_072],
    [16, 262_144, 524_288],
    [96, 262_144, 1_048_576],
    [2, 262_144, 262_144],
  ] as const)
    it(`are ${expected} with ${cpus} CPUs where the kernel's own limit is ${kernel}`, () => {
      const file = join(folder, "nf_conntrack_max");
      writeFileSync(file, `${kernel}\n`);
      assert.equal(activate(cpus, file), "");
      assert.equal(Number(readFileSync(file, "utf8")), expected);
    });

  it("are what the kernel has where it cannot be changed, which a message says", () => {
    // Read-only even for root, as the limit is on a machine that shares its kernel.
    const readOnly = "/proc/sys/kernel/ngroups_max";
    assert.match(activate(96, readOnly), /the kernel tracks 65536 connections at most, expected 1048576/);
  });

  it("can be set, because the kernel's module is loaded before, on every machine that runs pods", () => {
    for (const role of ["controller", "worker", "public"] as const) {
      assert.match(text(role, "/opt/corekube/bin/activate"), /nf_conntrack_max/);
      assert.match(text(role, "/etc/modules-load.d/corekube.conf"), /^nf_conntrack$/m);
    }
    assert.doesNotMatch(text("etcd", "/opt/corekube/bin/activate"), /nf_conntrack_max/);
  });
});

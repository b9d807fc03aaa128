/** User-data before the programs that read it: Ignition's validator, and Ignition itself on an empty folder. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unpackIgnition } from "../../components/nodeconfig/base/ignition.js";
import { labConfig } from "../../lab/config.js";
import { toolPath } from "../../lab/toolchain/index.js";
import { fileText, parseUserData } from "./support/decode.js";
import { cases, userData } from "./support/specs.js";

const config = labConfig();

function tool(name: string): string {
  const path = toolPath(config, name);
  assert.ok(existsSync(path), `${path} is missing; make test builds it`);
  return path;
}

describe("Ignition", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-ignition-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const validate = (json: string): string => {
    const file = join(folder, "config.ign");
    writeFileSync(file, json);
    const result = spawnSync(tool("ignition-validate"), [file], { encoding: "utf8" });
    return `${result.status} ${result.stdout}${result.stderr}`.trim();
  };

  for (const { cluster, role, name } of cases) {
    it(`finds nothing wrong with ${name}, inside and outside`, () => {
      assert.equal(validate(userData(cluster, role)), "0");
      assert.equal(validate(unpackIgnition(userData(cluster, role))), "0");
    });
  }

  it("would find something wrong", () => {
    const broken = unpackIgnition(userData("single", "etcd")).replace(
      '"path":"/etc/corekube/current"',
      '"path":"etc/corekube/current"',
    );
    assert.match(validate(broken), /^1 .*path not absolute/s);
  });

  for (const { cluster, role, name } of cases) {
    it(`writes every file of ${name}`, () => {
      const root = join(folder, "root");
      const file = join(folder, "config.ign");
      // Users are made by programs of the machine, which an empty folder does not have.
      const { passwd: _users, ...rest } = parseUserData(userData(cluster, role));
      writeFileSync(file, cluster === "single" ? userData(cluster, role) : JSON.stringify(rest));
      mkdirSync(join(root, "etc"), { recursive: true });
      for (const database of ["passwd", "group"])
        writeFileSync(join(root, "etc", database), "root:x:0:0::/root:/bin/sh\n");
      execFileSync(tool("ignition-apply"), ["--root", root, "--ignore-unsupported", file], {
        stdio: "pipe",
        env: { ...process.env, container: "systemd-nspawn" },
      });
      const { storage } = parseUserData(userData(cluster, role));
      for (const { path, mode, contents } of storage.files) {
        assert.equal(readFileSync(join(root, path), "utf8"), fileText(contents.source), path);
        assert.equal(statSync(join(root, path)).mode & 0o7777, mode, path);
      }
      for (const { path, target } of storage.links) assert.equal(readlinkSync(join(root, path)), target, path);
    });
  }
});

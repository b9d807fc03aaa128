import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labConfig, type LabConfig } from "../../../lab/config.js";
import { hostChecks, preflight, type Host } from "../../../lab/commands/preflight.js";

const gigabyte = 1024 ** 3;

describe("preflight", () => {
  let folder: string;
  let config: LabConfig;
  const good: Host = { nodeVersion: "20.19.0", goVersion: async () => "1.26.8", freeBytes: () => 100 * gigabyte };
  const check = (host: Partial<Host> = {}): Promise<void> => preflight(config, hostChecks({ ...good, ...host }));

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-preflight-"));
    config = labConfig({ COREKUBE_LAB_DIR: join(folder, "region"), COREKUBE_CACHE: join(folder, "cache") });
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("passes on a machine that has everything", () => check());

  const cases: readonly (readonly [string, Partial<Host>, RegExp])[] = [
    [
      "an old Node",
      { nodeVersion: "20.18.3" },
      /Node: version 20\.18\.3, at least 20\.19 is needed\n.*what to do: install/,
    ],
    ["no Go", { goVersion: async () => undefined }, /Go: not on PATH\n.*what to do: install Go/],
    ["an old Go", { goVersion: async () => "1.24.1" }, /Go: version 1\.24\.1/],
    ["a disk too small", { freeBytes: () => 2 * gigabyte }, /disk space for builds: 2\.0 GB free at .*\n.*GOCACHE/],
  ];
  for (const [what, host, expected] of cases) {
    it(`${what}: reports the finding and the remedy`, () => assert.rejects(check(host), expected));
  }

  it("reports all failed checks at once", () =>
    assert.rejects(
      check({ nodeVersion: "18.0.0", goVersion: async () => undefined }),
      (error: Error) => error.message.includes("Node:") && error.message.includes("Go:"),
    ));

  it("a file of the mirror with a wrong checksum: names the file and the remedy", async () => {
    const url = "https://dl.example/release/kubelet";
    const file = join(config.cache, "mirror", "files", "dl.example", "release", "kubelet");
    mkdirSync(join(file, ".."), { recursive: true });
    mkdirSync(config.directory, { recursive: true });
    writeFileSync(file, "cut off");
    writeFileSync(
      join(config.directory, "checksums.json"),
      JSON.stringify({ releases: { [url]: "0".repeat(64) }, images: {} }),
    );
    await assert.rejects(check(), (error: Error) => error.message.includes(`rm ${file}`));
  });

  it("a broken record of checksums: names it", async () => {
    mkdirSync(config.directory, { recursive: true });
    writeFileSync(join(config.directory, "checksums.json"), "{");
    await assert.rejects(check(), /files of the mirror: .*checksums\.json cannot be read/);
  });
});

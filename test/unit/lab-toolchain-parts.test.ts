import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { labConfig, type LabConfig } from "../../lab/config.js";
import { run, tryRun } from "../../lab/process/run.js";
import { buildFlags, checkModule, modulesDirectory, programName } from "../../lab/toolchain/build.js";
import { Downloads } from "../../lab/toolchain/download.js";
import { findGo } from "../../lab/toolchain/go.js";
import { allTools, ensureTools, toolPath } from "../../lab/toolchain/index.js";
import type { Part } from "../../lab/toolchain/part.js";
import { allParts, partOf, toolchainParts } from "../../lab/toolchain/parts.js";
import { partFolder, toolOrigins } from "../../lab/toolchain/store.js";
import { versions } from "../../lab/toolchain/versions.js";
import { DownloadServer, sha256 } from "../support/downloads.js";

const quiet = { report: () => undefined };

describe("lab toolchain: parts", () => {
  let folder: string;
  let config: LabConfig;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-files-"));
    config = labConfig({ COREKUBE_CACHE: folder, COREKUBE_LAB_DIR: join(folder, "lab") });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("locks each module, of every release, at the version in the catalogue", () => {
    for (const part of allParts()) checkModule(part);
  });

  it("reports a version that was changed without its lock, and the command that locks it", () => {
    const part = { ...partOf("runc"), modules: { "github.com/opencontainers/runc": "9.9.9" } };
    assert.throws(
      () => checkModule(part),
      /locks github\.com\/opencontainers\/runc at 1\.\d+\.\d+, versions\/ asks for 9\.9\.9: run "npx tsx lab\/toolchain\/pin\.ts runc"/,
    );
  });

  it("has each tool once", () => {
    assert.deepEqual(allTools().sort(), [...new Set(allTools())].sort());
  });

  it("has no wrapper module that no part uses", () => {
    assert.deepEqual(
      readdirSync(modulesDirectory).sort(),
      allParts()
        .map(({ folder: own }) => own)
        .sort(),
    );
  });

  it("lists the known tools when it does not know one", () => {
    assert.throws(() => toolPath(config, "kubeclt"), /no tool "kubeclt"; there are .*kubectl/);
  });

  it("uses another folder when something changes that decides a tool's content", () => {
    const part = partOf("kubectl");
    const folders = [
      part,
      { ...part, variables: { ...part.variables, x: "y" } },
      { ...part, cgo: true },
      { ...part, tags: ["netgo"] },
      { ...part, staticLibraries: true },
      { ...part, version: "0.0.1" },
      { ...part, official: [] },
    ].map((changed) => partFolder(config, changed));
    assert.equal(new Set(folders).size, folders.length);
  });

  it("uses another folder when a file changes, also one of a module inside the part's own", () => {
    const part = partOf("traefik");
    const modules = join(folder, "modules");
    cpSync(join(modulesDirectory, part.folder), join(modules, part.folder), { recursive: true });
    const before = partFolder(config, part, modules);
    assert.equal(before, partFolder(config, part));
    appendFileSync(join(modules, part.folder, "extension", "extension.go"), "// changed\n");
    assert.notEqual(partFolder(config, part, modules), before);
  });

  it("builds reproducibly: no paths, no commits, only locked modules", () => {
    for (const part of toolchainParts()) {
      for (const flag of ["-trimpath", "-buildvcs=false", "-mod=readonly"])
        assert.ok(buildFlags(part).includes(flag), `${part.name}: ${flag}`);
    }
  });

  it("knows the names that Go gives to programs", () => {
    assert.equal(programName("go.etcd.io/etcd/etcdctl/v3"), "etcdctl");
    assert.equal(programName("github.com/coreos/ignition/v2/validate"), "validate");
    assert.equal(programName("github.com/opencontainers/runc"), "runc");
  });

  it("builds a tool that runs", async function () {
    this.timeout(120_000);
    await ensureTools(config, ["pause"], quiet);
    await run(["timeout", "--signal=TERM", "--preserve-status", "0.3", toolPath(config, "pause")]);
    assert.deepEqual(readdirSync(join(folder, "tools")), [partFolder(config, partOf("pause")).split("/").pop()]);
  });

  it("leaves nothing of an interrupted build", async function () {
    this.timeout(60_000);
    const stop = new AbortController();
    const report = (line: string): void => {
      if (line.includes("building")) stop.abort(new Error("interrupted"));
    };
    await assert.rejects(
      ensureTools(
        config,
        ["pause", "kubectl"],
        { report, signal: stop.signal },
        { downloads: new Downloads({ base: "off" }) },
      ),
      /interrupted/,
    );
    assert.deepEqual(readdirSync(join(folder, "tools")), []);
  });

  it("says what to do without Go, and with a Go that is too old", async () => {
    await assert.rejects(findGo(undefined, { PATH: folder }), /Go is missing.*install Go \d+\.\d+/s);
    const old = join(folder, "go");
    writeFileSync(old, "#!/bin/sh\necho go1.19.8\n");
    chmodSync(old, 0o755);
    await assert.rejects(findGo(undefined, { PATH: `${folder}:/bin:/usr/bin` }), /is go1\.19\.8; Go 1\.21 or newer/);
  });

  it("has a Go of another version fetch the pinned one", async () => {
    const other = join(folder, "go");
    writeFileSync(
      other,
      '#!/bin/sh\nif [ "$GOTOOLCHAIN" = local ]; then echo go1.99.0; else echo "fetched $GOTOOLCHAIN"; fi\n',
    );
    chmodSync(other, 0o755);
    const go = await findGo(undefined, { PATH: `${folder}:/bin:/usr/bin` });
    assert.equal(go.env["GOTOOLCHAIN"], `go${versions.toolchain.go}`);
  });

  describe("with a download server", () => {
    let server: DownloadServer;
    let lines: string[];
    beforeEach(async () => {
      lines = [];
      server = await new DownloadServer().start();
    });
    afterEach(() => server.stop());

    /** Makes the tool of a part `pause` with this official file. Returns what the tool prints; "" for the built one. */
    async function make(url: string, pinned: string, path = "", kept = false): Promise<string> {
      const part: Part = { ...partOf("pause"), official: [{ url, sha256: pinned, tools: { pause: path }, kept }] };
      const downloads = new Downloads({ base: server.base, probeTimeout: 2_000, retryPause: 1 });
      await ensureTools(config, ["pause"], { report: (line) => lines.push(line) }, { parts: [part], downloads });
      made = partFolder(config, part);
      assert.deepEqual(readdirSync(join(folder, "tools")), [basename(made)], "only the finished folder is left");
      return (await tryRun(["timeout", "0.3", join(made, "pause")])).stdout;
    }
    let made: string;

    const script = "#!/bin/sh\necho official\n";
    const url = "https://example.org/v1/pause";

    it("takes a tool out of an official archive, and keeps an archive that the mirror serves", async () => {
      const tree = join(folder, "tree");
      mkdirSync(join(tree, "release-1.0"), { recursive: true });
      writeFileSync(join(tree, "release-1.0", "pause"), script);
      await run(["tar", "-czf", join(folder, "a.tgz"), "-C", tree, "."]);
      const body = readFileSync(join(folder, "a.tgz"));
      const pin = server.add("https://example.org/v1/a.tgz", body);
      assert.equal(await make(pin.url, pin.sha256, "release-1.0/pause", true), "official\n");
      assert.deepEqual(readFileSync(join(made, "official", "a.tgz")), body);
      assert.deepEqual(toolOrigins(made), { pause: pin.url });
    });

    it("takes a file that is the tool itself", async () => {
      const pin = server.add(url, script);
      assert.equal(await make(url, pin.sha256), "official\n");
      assert.deepEqual(readdirSync(made).sort(), ["pause", "tools.json"]);
    });

    for (const [what, prepare, reason] of [
      ["is missing", () => undefined, /example\.org\/v1\/pause: status 404/],
      ["has a wrong checksum", () => server.add(url, "changed on its way"), /WRONG CHECKSUM, refused/],
      [
        "is on a host that refuses connections",
        () => server.answer("/example.org/", (request) => request.destroy()),
        /example\.org does not answer/,
      ],
      [
        "is on a host that does not answer",
        () => server.answer("/example.org/", () => undefined),
        /example\.org does not answer/,
      ],
    ] as const)
      it(`builds a tool and says why when its official file ${what}`, async function () {
        this.timeout(120_000);
        prepare();
        assert.equal(await make(url, sha256(script)), "");
        assert.deepEqual(toolOrigins(made), { pause: "built from Go modules" });
        assert.match(
          lines.join("\n"),
          new RegExp(`no official file \\(.*${reason.source}.*\\); building from source instead`),
        );
      });
  });

  it("adds a tool to those of its part that are there", async () => {
    const server = await new DownloadServer().start();
    try {
      const pins = ["one", "two"].map((name) => ({
        ...server.add(`https://example.org/${name}`, name),
        tools: { [name]: "" },
      }));
      const part: Part = {
        ...partOf("pause"),
        packages: { one: "example.org/one", two: "example.org/two" },
        official: pins,
      };
      const options = { parts: [part], downloads: new Downloads({ base: server.base }) };
      await ensureTools(config, ["one"], quiet, options);
      assert.deepEqual(Object.keys(toolOrigins(partFolder(config, part))), ["one"]);
      await ensureTools(config, ["one", "two"], quiet, options);
      assert.deepEqual(Object.keys(toolOrigins(partFolder(config, part))), ["one", "two"]);
      assert.equal(server.requests.filter((request) => request === "GET /example.org/one").length, 1);
    } finally {
      await server.stop();
    }
  });
});

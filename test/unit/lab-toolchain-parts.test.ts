import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labConfig, type LabConfig } from "../../lab/config.js";
import { buildFlags, checkModule, modulesDirectory, programName } from "../../lab/toolchain/build.js";
import { Downloads } from "../../lab/toolchain/download.js";
import { findGo } from "../../lab/toolchain/go.js";
import { allTools, ensureTools, toolPath } from "../../lab/toolchain/index.js";
import { partOf, toolchainParts, type Part } from "../../lab/toolchain/parts.js";
import { run } from "../../lab/toolchain/run.js";
import { partFolder } from "../../lab/toolchain/store.js";
import { versions } from "../../lab/toolchain/versions.js";

const quiet = { report: () => undefined };

describe("lab toolchain: parts", () => {
  let folder: string;
  let config: LabConfig;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-test-"));
    config = labConfig({ COREKUBE_CACHE: folder, COREKUBE_LAB_DIR: join(folder, "lab") });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("locks each module at the version in versions.json", () => {
    for (const part of toolchainParts()) checkModule(part);
  });

  it("notices when a version was changed without its lock, and says how to lock it", () => {
    const part = { ...partOf("runc"), modules: { "github.com/opencontainers/runc": "9.9.9" } };
    assert.throws(
      () => checkModule(part),
      /locks github\.com\/opencontainers\/runc at 1\.\d+\.\d+, versions\.json asks for 9\.9\.9: run "npx tsx lab\/toolchain\/pin\.ts runc"/,
    );
  });

  it("has each tool once", () => {
    assert.deepEqual(allTools().sort(), [...new Set(allTools())].sort());
  });

  it("has no wrapper module that no part uses", () => {
    assert.deepEqual(
      readdirSync(modulesDirectory).sort(),
      toolchainParts()
        .map(({ name }) => name)
        .sort(),
    );
  });

  it("names the tools there are when one is not known", () => {
    assert.throws(() => toolPath(config, "kubeclt"), /no tool "kubeclt"; there are .*kubectl/);
  });

  it("keeps a tool elsewhere as soon as something that decides its content changes", () => {
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

  it("builds so that neither folders nor commits of this machine get into a tool, and only locked modules do", () => {
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

  it("builds a tool that runs, from source to cache", async function () {
    this.timeout(120_000);
    await ensureTools(config, ["pause"], quiet);
    const child = run("timeout", ["--signal=TERM", "--preserve-status", "0.3", toolPath(config, "pause")]);
    await child;
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

  describe("with official files in reach", () => {
    let server: Server;
    let base: string;
    let served: Record<string, Buffer>;
    beforeEach(async () => {
      served = {};
      server = createServer((request, response) => {
        const body = served[request.url ?? ""];
        if (request.method === "HEAD") response.end();
        else if (body) response.end(body);
        else response.writeHead(404).end();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });

    /** The part `pause` as if there were official files of it. */
    const part = (url: string, body: Buffer, path: string): Part => ({
      ...partOf("pause"),
      official: [{ url, sha256: createHash("sha256").update(body).digest("hex"), tools: { pause: path } }],
    });

    async function archive(): Promise<Buffer> {
      const tree = join(folder, "tree");
      mkdirSync(join(tree, "release-1.0"), { recursive: true });
      writeFileSync(join(tree, "release-1.0", "pause"), "#!/bin/sh\necho official\n");
      await run("tar", ["-czf", join(folder, "a.tgz"), "-C", tree, "."]);
      return readFileSync(join(folder, "a.tgz"));
    }

    it("takes tools out of an official archive and keeps the archive for the mirror", async () => {
      const body = await archive();
      served["/example.org/v1/a.tgz"] = body;
      const official = part("https://example.org/v1/a.tgz", body, "release-1.0/pause");
      await ensureTools(config, ["pause"], quiet, { parts: [official], downloads: new Downloads({ base }) });
      const made = partFolder(config, official);
      assert.equal((await run(join(made, "pause"), [])).stdout, "official\n");
      assert.deepEqual(readFileSync(join(made, "official", "a.tgz")), body);
      assert.match(readFileSync(join(made, "origins.json"), "utf8"), /https:\/\/example\.org\/v1\/a\.tgz/);
    });

    it("takes a file that is the tool itself", async () => {
      const body = Buffer.from("#!/bin/sh\necho official\n");
      served["/example.org/v1/pause"] = body;
      const official = part("https://example.org/v1/pause", body, "");
      await ensureTools(config, ["pause"], quiet, { parts: [official], downloads: new Downloads({ base }) });
      assert.equal((await run(join(partFolder(config, official), "pause"), [])).stdout, "official\n");
    });

    it("builds instead when the official file is not there", async function () {
      this.timeout(120_000);
      const official = part("https://example.org/v1/gone", Buffer.from("x"), "");
      const lines: string[] = [];
      await ensureTools(
        config,
        ["pause"],
        { report: (line) => lines.push(line) },
        { parts: [official], downloads: new Downloads({ base }) },
      );
      assert.ok(existsSync(join(partFolder(config, official), "pause")));
      assert.match(lines.join("\n"), /no official file \(.*404.*\); building it instead/);
    });

    it("stops at a file with a wrong checksum instead of building in silence", async () => {
      served["/example.org/v1/pause"] = Buffer.from("changed on its way");
      const official = part("https://example.org/v1/pause", Buffer.from("original"), "");
      await assert.rejects(
        ensureTools(config, ["pause"], quiet, { parts: [official], downloads: new Downloads({ base }) }),
        /versions\.json pins/,
      );
      assert.deepEqual(readdirSync(join(folder, "tools")), []);
    });
  });
});

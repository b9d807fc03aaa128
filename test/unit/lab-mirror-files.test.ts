import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFileServer, type FileServer } from "../../lab/mirror/files.js";

describe("lab mirror: release files over HTTP", () => {
  let folder: string;
  let server: FileServer;
  let base: string;
  const log = (): string => readFileSync(join(folder, "logs", "access.log"), "utf8");

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "corekube-files-"));
    mkdirSync(join(folder, "files", "dl.example.org", "v1"), { recursive: true });
    writeFileSync(join(folder, "files", "dl.example.org", "v1", "tool"), "0123456789");
    writeFileSync(join(folder, "secret"), "outside");
    server = await startFileServer(join(folder, "files"), "127.0.0.1", 0, join(folder, "logs", "access.log"));
    base = `http://127.0.0.1:${server.port}`;
  });
  afterEach(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("serves a file by the original's host and path", async () => {
    const response = await fetch(`${base}/dl.example.org/v1/tool`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-length"), "10");
    assert.equal(await response.text(), "0123456789");
  });

  it("answers HEAD with the size and no content", async () => {
    const response = await fetch(`${base}/dl.example.org/v1/tool`, { method: "HEAD" });
    assert.equal(response.headers.get("content-length"), "10");
    assert.equal(await response.text(), "");
  });

  it("serves a file from a given byte", async () => {
    const response = await fetch(`${base}/dl.example.org/v1/tool`, { headers: { range: "bytes=7-" } });
    assert.equal(response.status, 206);
    assert.equal(await response.text(), "789");
  });

  it("answers 404 and says why for a file that it does not have", async () => {
    const response = await fetch(`${base}/dl.example.org/v2/tool`);
    assert.equal(response.status, 404);
    assert.match(await response.text(), /not in this mirror: \/dl\.example\.org\/v2\/tool/);
    assert.equal((await fetch(`${base}/dl.example.org/v1`)).status, 404);
  });

  it("serves nothing outside its folder", async () => {
    for (const path of ["/../secret", "/%2e%2e/secret", "/dl.example.org/../../secret"]) {
      // fetch would normalize the path.
      const status = await new Promise<number>((resolve, reject) => {
        request({ host: "127.0.0.1", port: server.port, path }, (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        })
          .on("error", reject)
          .end();
      });
      assert.ok(status >= 400, `${path}: ${status}`);
    }
  });

  it("refuses uploads", async () => {
    const response = await fetch(`${base}/dl.example.org/v1/tool`, { method: "PUT", body: "x" });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "GET, HEAD");
  });

  it("logs each request", async () => {
    await (await fetch(`${base}/dl.example.org/v1/tool`)).text();
    await (await fetch(`${base}/nothing`)).text();
    await server.stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.match(log(), /127\.0\.0\.1 GET \/dl\.example\.org\/v1\/tool 200 \d+\n.*GET \/nothing 404 \d+\n/);
  });

  it("fails when its address is taken", async () => {
    await assert.rejects(
      startFileServer(join(folder, "files"), "127.0.0.1", server.port, join(folder, "logs", "other.log")),
      /EADDRINUSE/,
    );
  });
});

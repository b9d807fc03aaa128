import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DownloadFailed, Downloads, type DownloadOptions } from "../../lab/toolchain/download.js";
import { DownloadServer, sha256 } from "../support/downloads.js";

const content = "an official file";
const file = { url: "https://dl.example.org/v1/tool", sha256: sha256(content) };
const path = "/dl.example.org/v1/tool";

describe("lab toolchain: downloads", () => {
  let folder: string;
  let target: string;
  let server: DownloadServer;
  let lines: string[];
  const progress = { report: (line: string) => lines.push(line) };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "corekube-files-"));
    target = join(folder, "tool");
    lines = [];
    server = await new DownloadServer().start();
    server.add(file.url, content);
  });
  afterEach(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const downloads = (options: DownloadOptions = {}): Downloads =>
    new Downloads({ base: server.base, retryPause: 1, ...options });
  const gets = (): string[] => server.requests.filter((request) => request.startsWith("GET"));

  async function fails(reason: RegExp, options: DownloadOptions = {}): Promise<void> {
    await assert.rejects(downloads(options).fetch(file, target, progress), (error: Error) => {
      assert.ok(error instanceof DownloadFailed, String(error));
      assert.match(error.message, reason);
      return true;
    });
    assert.deepEqual(readdirSync(folder), [], "something of the failed download is left");
  }

  it("looks for files by host and path of the original", async () => {
    await downloads().fetch(file, target, progress);
    assert.equal(readFileSync(target, "utf8"), content);
    assert.deepEqual(gets(), [`GET ${path}`]);
  });

  it("refuses a file with a wrong checksum and names both checksums", async () => {
    server.replace(file.url, "something else");
    await fails(
      new RegExp(`WRONG CHECKSUM, refused: got sha256 ${sha256("something else")}, pinned is ${file.sha256}`),
    );
  });

  it("does not ask again for a missing file", async () => {
    server.replace(file.url, undefined);
    await fails(/dl\.example\.org\/v1\/tool: status 404/);
    assert.equal(gets().length, 1);
  });

  it("asks again when a server has a fault", async () => {
    let asked = 0;
    server.answer(path, (request, response) =>
      (asked += 1) === 1 ? void response.writeHead(500).end() : server.send(request, response),
    );
    await downloads().fetch(file, target, progress);
    assert.equal(readFileSync(target, "utf8"), content);
  });

  it("resumes a download that breaks off", async () => {
    const ranges: (string | undefined)[] = [];
    server.answer(path, (request, response) => {
      ranges.push(request.headers.range);
      if (ranges.length > 1) return server.send(request, response);
      response.writeHead(200, { "content-length": content.length });
      response.write(content.slice(0, 4), () => setTimeout(() => response.destroy(), 1_000));
    });
    await downloads().fetch(file, target, progress);
    assert.equal(readFileSync(target, "utf8"), content);
    assert.deepEqual(ranges, [undefined, "bytes=4-"]);
    assert.match(lines.join("\n"), /resuming \(attempt 2 of 3\)/);
  });

  it("starts again where a server knows no ranges", async () => {
    let asked = 0;
    server.answer(path, (_request, response) => {
      response.writeHead(200, { "content-length": content.length });
      if ((asked += 1) > 1) response.end(content);
      else response.write(content.slice(0, 4), () => setTimeout(() => response.destroy(), 1_000));
    });
    await downloads().fetch(file, target, progress);
    assert.equal(readFileSync(target, "utf8"), content);
  });

  it("gives up on a download that keeps breaking off or stalls", async () => {
    server.answer(path, (_request, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.slice(0, 1));
    });
    await fails(/no data for 0\.1 s/, { stallTimeout: 100 });
    assert.equal(lines.filter((line) => line.includes("resuming")).length, 2);
  });

  it("tries a host that does not answer once, for as long as the probe may take; other hosts are still used", async () => {
    let connections = 0;
    server.answer("/silent.example.org/", () => void (connections += 1));
    const other = { ...file, url: "https://silent.example.org/v1/tool" };
    const subject = downloads({ probeTimeout: 1_000 });
    for (let time = 0; time < 2; time += 1)
      await assert.rejects(subject.fetch(other, target, progress), /silent\.example\.org does not answer/);
    assert.equal(connections, 1);
    await subject.fetch(file, target, progress);
  });

  it("does without a host that refuses connections, and one that a proxy forbids", async () => {
    await assert.rejects(
      new Downloads({ base: "" }).fetch({ ...file, url: "http://127.0.0.1:1/tool" }, target, progress),
      /127\.0\.0\.1:1 does not answer \(.*(ECONNREFUSED|bad port)/,
    );
    server.answer("/dl.example.org/", (_request, response) => void response.writeHead(403).end());
    await fails(/dl\.example\.org answers 403/);
  });

  it("gets the token that an image registry asks for", async () => {
    const challenge = 'Bearer realm="https://auth.example.org/token",service="registry",scope="repository:a:pull"';
    server.answer(path, (request, response) =>
      request.headers.authorization === "Bearer secret"
        ? server.send(request, response)
        : void response.writeHead(401, { "www-authenticate": challenge }).end(),
    );
    server.add("https://auth.example.org/token?service=registry&scope=repository%3Aa%3Apull", '{"token":"secret"}');
    await downloads().fetch(file, target, progress);
    assert.equal(readFileSync(target, "utf8"), content);
  });

  it("stops at once when it is interrupted", async () => {
    const stop = new AbortController();
    server.answer(path, () => stop.abort(new Error("interrupted")));
    await assert.rejects(downloads().fetch(file, target, { ...progress, signal: stop.signal }), /interrupted/);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("can be switched off", () => fails(/switched off/, { base: "off" }));
});

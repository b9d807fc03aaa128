import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DownloadUnavailable, Downloads } from "../../lab/toolchain/download.js";

const content = Buffer.from("an official file");
const file = { url: "https://dl.example.org/v1/tool", sha256: createHash("sha256").update(content).digest("hex") };
const quiet = { report: () => undefined };

describe("lab toolchain: downloads", () => {
  let folder: string;
  let target: string;
  let server: Server;
  let base: string;
  let requests: string[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "corekube-test-"));
    target = join(folder, "tool");
    requests = [];
    answer = (_request, response) => response.end(content);
    server = createServer((request, response) => {
      requests.push(`${request.method} ${request.url}`);
      if (request.method === "HEAD") response.end();
      else answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  it("takes a file from the place that stands in for the originals, by host and path", async () => {
    await new Downloads({ base }).fetch(file, target, quiet);
    assert.deepEqual(readFileSync(target), content);
    assert.ok(requests.includes("GET /dl.example.org/v1/tool"), requests.join());
  });

  it("refuses a file that is not the pinned one, and leaves nothing of it", async () => {
    answer = (_request, response) => response.end("something else");
    await assert.rejects(new Downloads({ base }).fetch(file, target, quiet), (error: Error) => {
      assert.ok(!(error instanceof DownloadUnavailable), "a wrong checksum is no reason to go on");
      assert.match(error.message, new RegExp(file.sha256));
      return true;
    });
    assert.equal(existsSync(target), false);
  });

  it("calls a missing file unavailable", async () => {
    answer = (_request, response) => response.writeHead(404).end();
    await assert.rejects(new Downloads({ base }).fetch(file, target, quiet), DownloadUnavailable);
    assert.equal(existsSync(target), false);
  });

  it("asks a place that does not answer only once", async () => {
    let connections = 0;
    const deaf = createServer(() => {
      connections += 1;
    });
    await new Promise<void>((resolve) => deaf.listen(0, "127.0.0.1", resolve));
    try {
      const downloads = new Downloads({
        base: `http://127.0.0.1:${(deaf.address() as AddressInfo).port}`,
        probeTimeout: 100,
      });
      await assert.rejects(downloads.fetch(file, target, quiet), /does not answer/);
      await assert.rejects(downloads.fetch(file, target, quiet), /does not answer/);
      assert.equal(connections, 1);
    } finally {
      deaf.closeAllConnections();
      await new Promise((resolve) => deaf.close(resolve));
    }
  });

  it("gives up a download that stops in the middle", async () => {
    answer = (_request, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 4));
    };
    await assert.rejects(new Downloads({ base, stallTimeout: 150 }).fetch(file, target, quiet), /no data for 0.15 s/);
    assert.equal(existsSync(target), false);
  });

  it("does not take a cut-off file for a whole one", async () => {
    answer = (_request, response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 4), () => response.destroy());
    };
    await assert.rejects(new Downloads({ base }).fetch(file, target, quiet), DownloadUnavailable);
    assert.equal(existsSync(target), false);
  });

  it("stops at once when the user interrupts", async () => {
    const stop = new AbortController();
    answer = () => stop.abort(new Error("interrupted"));
    await assert.rejects(new Downloads({ base }).fetch(file, target, { ...quiet, signal: stop.signal }), /interrupted/);
    assert.equal(existsSync(target), false);
  });

  it("can be switched off", async () => {
    await assert.rejects(new Downloads({ base: "off" }).fetch(file, target, quiet), DownloadUnavailable);
  });
});

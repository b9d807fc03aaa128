/** The client of the fault tests against an API that can lose, hide and delay responses. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { figures, longestPause, type Operation } from "../cluster/faults/figures.js";
import { Writer } from "../cluster/faults/writer.js";
import { selfSigned } from "../support/selfSigned.js";

/** ConfigMaps of one namespace over HTTPS. */
class FakeApi {
  readonly objects = new Map<string, string>();
  /** Requests get no answer at all. */
  hangs = false;
  /** Creations are carried out, but their answers are kept back. */
  swallows = false;
  kubeconfig = "";
  private server: Server | undefined;

  async start(): Promise<this> {
    const { key, certificate } = selfSigned("localhost");
    this.server = createServer({ key, cert: certificate }, (request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on("end", () => {
        if (this.hangs) return;
        const answer = this.answer(request.method ?? "", new URL(request.url ?? "", "https://api").pathname, body);
        if (this.swallows && request.method === "POST") return;
        response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
      });
    });
    await new Promise<void>((resolve) => this.server?.listen(0, "127.0.0.1", resolve));
    const encode = (text: string): string => Buffer.from(text).toString("base64");
    this.kubeconfig = stringify({
      clusters: [
        {
          name: "c",
          cluster: {
            server: `https://127.0.0.1:${(this.server.address() as AddressInfo).port}`,
            "certificate-authority-data": encode(certificate),
          },
        },
      ],
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      "current-context": "c",
      users: [{ name: "u", user: { "client-certificate-data": encode(certificate), "client-key-data": encode(key) } }],
    });
    return this;
  }

  stop(): void {
    this.server?.closeAllConnections();
    this.server?.close();
  }

  private answer(method: string, path: string, body: string): { status: number; body: object } {
    if (path.endsWith("/namespaces") || method === "DELETE") return { status: 201, body: {} };
    if (method === "POST") {
      const object = JSON.parse(body) as { metadata: { name: string }; data: { value: string } };
      if (this.objects.has(object.metadata.name)) return { status: 409, body: { message: "already exists" } };
      this.objects.set(object.metadata.name, object.data.value);
      return { status: 201, body: object };
    }
    if (path.endsWith("/configmaps"))
      return {
        status: 200,
        body: {
          metadata: {},
          items: [...this.objects].map(([name, value]) => ({ metadata: { name }, data: { value } })),
        },
      };
    const value = this.objects.get(path.split("/").at(-1) ?? "");
    return value === undefined
      ? { status: 404, body: { message: "not found" } }
      : { status: 200, body: { data: { value } } };
  }
}

describe("the client of the fault tests", function () {
  this.timeout(30_000);
  let api: FakeApi;
  let writer: Writer;
  beforeEach(async () => {
    api = await new FakeApi().start();
    writer = new Writer({ kubeconfig: api.kubeconfig, rate: 50, requestLimit: 300 });
    await writer.start();
  });
  afterEach(async () => {
    await writer.stop();
    api.stop();
  });

  it("finds all writes in a healthy cluster", async () => {
    await sleep(300);
    await writer.stop();
    const verdict = await writer.verify();
    assert.deepEqual([verdict.lost, verdict.stale], [[], []]);
    assert.ok(
      verdict.acknowledged > 3 && verdict.acknowledged === api.objects.size,
      `${verdict.acknowledged} of ${api.objects.size}`,
    );
  });

  it("reports acknowledged writes that are gone or have another value", async () => {
    await sleep(300);
    await writer.stop();
    const [gone, changed] = writer.acknowledgedNames();
    api.objects.delete(gone!);
    api.objects.set(changed!, "another");
    assert.deepEqual(
      (await writer.verify()).lost.map((line) => line.split(":")[0]),
      [gone, changed],
    );
  });

  it("reports reads that do not show what was acknowledged", async () => {
    await sleep(200);
    api.objects.clear();
    await sleep(300);
    await writer.stop();
    assert.ok((await writer.verify()).stale.length > 0);
    assert.ok(writer.figures().read.stale > 0);
  });

  it("closes connections that hang, opens others, and measures the pause", async () => {
    api.hangs = true;
    await sleep(1500);
    api.hangs = false;
    await sleep(800);
    await writer.stop();
    const { write, read } = writer.figures();
    assert.ok(write.failed >= 2 && read.failed >= 2, JSON.stringify({ write, read }));
    for (const { longest } of [write, read])
      assert.ok(longest.length > 1300 && longest.length < 3000, `${longest.length} ms`);
    assert.ok(
      Object.keys(write.errors).some((error) => error.includes("no answer within 0.3 s")),
      JSON.stringify(write.errors),
    );
  });

  it("counts a write with a lost response as acknowledged only when the retry finds it", async () => {
    api.swallows = true;
    await sleep(500);
    const meanwhile = writer.acknowledgedNames().length;
    assert.ok(api.objects.size > meanwhile, "nothing was swallowed");
    api.swallows = false;
    await sleep(500);
    await writer.stop();
    assert.ok(writer.acknowledgedNames().length > meanwhile);
    assert.deepEqual((await writer.verify()).lost, []);
  });
});

describe("figures of the fault tests", () => {
  it("count a pause whole that the window cuts, and one that nothing ends up to the window's end", () => {
    assert.deepEqual(longestPause([0, 100, 900, 1000], 300, 950), { from: 100, length: 800 });
    assert.deepEqual(longestPause([0, 100], 50, 1000), { from: 100, length: 900 });
    assert.deepEqual(longestPause([], 50, 1000), { from: 50, length: 950 });
  });

  it("tell writes from reads, and failures from successes", () => {
    const operation = (
      kind: Operation["kind"],
      ended: number,
      outcome: Operation["outcome"],
      error?: string,
    ): Operation => ({ kind, key: "k", began: ended - 1, ended, outcome, ...(error === undefined ? {} : { error }) });
    const result = figures(
      [
        operation("write", 10, "ok"),
        operation("write", 20, "failed", "reset"),
        operation("read", 15, "ok"),
        operation("read", 25, "stale", "old"),
        operation("write", 99, "ok"),
      ],
      0,
      50,
    );
    assert.deepEqual(
      [result.write.succeeded, result.write.failed, result.write.errors, result.read.stale, result.read.succeeded],
      [1, 1, { reset: 1 }, 1, 1],
    );
    assert.equal(result.write.longest.length, 89);
  });
});

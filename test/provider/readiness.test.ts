/** The gate before anything is applied to the cluster: the API at its endpoint. */
import assert from "node:assert/strict";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { Readiness } from "../../provider/resources/readiness.js";
import { selfSigned, type SelfSigned } from "../support/selfSigned.js";
import { checked, incomplete, operation } from "./support/operation.js";

describe("corekube:cluster:Readiness", () => {
  const kind = new Readiness();
  let own: SelfSigned;
  let server: https.Server;
  let endpoint: string;
  /** Answers of /readyz, the last one for good. */
  let answers: [number, string][];

  before(async () => {
    own = selfSigned("kube-ca");
    server = https.createServer({ cert: own.certificate, key: own.key }, (request, response) => {
      const [status, body] =
        request.url === "/readyz"
          ? ((answers.length > 1 ? answers.shift() : answers[0]) ?? [500, ""])
          : [404, "not here"];
      response.writeHead(status).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    endpoint = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const inputs = (more: Record<string, string | number> = {}) =>
    checked(kind, { endpoint, caCertificate: own.certificate, timeout: 20, ...more });

  it("waits until the API says ok, and tells what it says meanwhile", async () => {
    answers = [
      [500, "[-]poststarthook/rbac/bootstrap-roles failed"],
      [200, "ok"],
    ];
    const run = operation();
    const { id, outputs } = await kind.create(run, inputs());
    assert.deepEqual({ id, outputs }, { id: endpoint, outputs: { answer: "ok" } });
    assert.ok(
      run.statuses.some((status) => status.includes("bootstrap-roles failed")),
      run.statuses.join("\n"),
    );
  }).timeout(10_000);

  it("fails with the last answer and the next step, and is tried again by the next run", async () => {
    answers = [[503, "draining"]];
    const failure = await incomplete(kind.create(operation(), inputs({ timeout: 2 })));
    assert.match(failure.message, /within 2 s; last answer: HTTP 503: draining.*corekube:admin_cidrs/s);
    assert.equal(failure.id, endpoint);
  }).timeout(10_000);

  it("believes no API of another authority", async () => {
    answers = [[200, "ok"]];
    const other = selfSigned("kube-ca");
    const failure = await incomplete(
      kind.create(operation(), inputs({ timeout: 2, caCertificate: other.certificate })),
    );
    assert.match(failure.message, /self-signed certificate|unable to verify/i);
  }).timeout(10_000);

  it("ends at once when the run is interrupted", async () => {
    answers = [[503, "draining"]];
    const run = operation();
    const work = kind.create(run, inputs());
    setTimeout(() => run.interrupt(), 300);
    const began = Date.now();
    await assert.rejects(work, /interrupted/);
    assert.ok(Date.now() - began < 2_000);
  });

  it("refuses an endpoint without TLS", () => {
    assert.match(
      JSON.stringify(kind.check({ endpoint: "http://203.0.113.10:6443", caCertificate: own.certificate }).failures),
      /https/,
    );
  });
});

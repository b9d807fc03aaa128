/** The front of the region's AWS: passes on, refuses what EC2 refuses, wakes the region after a change, logs no secret. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { createFront, userDataLimit } from "../../../../lab/clouds/aws/front.js";

const port = (server: Server): number => (server.address() as AddressInfo).port;
const listen = (server: Server): Promise<void> => new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

describe("the front of the lab's AWS", () => {
  const log: string[] = [];
  const seen: string[] = [];
  let changes = 0;
  let lost: string | undefined;
  let status = 200;
  let moto: Server;
  let front: FastifyInstance;
  let address: string;

  before(async () => {
    moto = createServer((request, response) => {
      let body = "";
      request.on("data", (part) => (body += String(part)));
      request.on("end", () => {
        seen.push(`${request.method} ${request.url} ${body}`);
        response.writeHead(status, { "content-type": "text/xml" }).end("<Answer/>");
      });
    });
    await listen(moto);
    const logger = { info: (line: string) => void log.push(line), error: (line: string) => void log.push(line) };
    front = createFront({
      moto: `http://127.0.0.1:${port(moto)}`,
      logger,
      token: "region-token",
      lost: () => lost,
      changed: () => Promise.resolve(void changes++),
    });
    address = await front.listen({ host: "127.0.0.1", port: 0 });
  });
  after(async () => {
    await front.close();
    moto.close();
  });
  beforeEach(() => {
    log.length = seen.length = changes = 0;
    status = 200;
    lost = undefined;
  });

  const authorization =
    "AWS4-HMAC-SHA256 Credential=AKIA/20260102/eu-central-1/ec2/aws4_request, SignedHeaders=host, Signature=abcdef";
  const call = async (parameters: Record<string, string>): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${address}/`, {
      method: "POST",
      headers: { authorization },
      body: new URLSearchParams(parameters),
    });
    return { status: response.status, text: await response.text() };
  };

  it("passes requests on as they came, and has the machines follow after changes alone", async () => {
    assert.deepEqual(await call({ Action: "DescribeVpcs" }), { status: 200, text: "<Answer/>" });
    assert.equal(changes, 0);
    await call({ Action: "CreateVpc", CidrBlock: "10.4.0.0/20" });
    assert.equal(changes, 1);
    assert.deepEqual(seen, ["POST / Action=DescribeVpcs", "POST / Action=CreateVpc&CidrBlock=10.4.0.0%2F20"]);
    status = 400;
    await call({ Action: "CreateVpc" });
    assert.equal(changes, 1);
  });

  it("refuses user-data above 16,384 bytes before base64, and takes that many", async () => {
    const userData = (bytes: number): string => Buffer.alloc(bytes, "x").toString("base64");
    assert.equal((await call({ Action: "RunInstances", UserData: userData(userDataLimit) })).status, 200);
    const refused = await call({ Action: "RunInstances", UserData: userData(userDataLimit + 1) });
    assert.equal(refused.status, 400);
    assert.match(refused.text, /<Code>InvalidParameterValue<\/Code><Message>User data is limited to 16384 bytes/);
    assert.equal(seen.length, 1);
  });

  it("refuses instances with tags that their metadata could not show", async () => {
    const tagged = (key: string, type: string, shown: string) =>
      call({
        Action: "RunInstances",
        "MetadataOptions.InstanceMetadataTags": shown,
        "TagSpecification.1.ResourceType": type,
        "TagSpecification.1.Tag.1.Key": key,
      });
    const refused = await tagged("kubernetes.io/cluster/one", "instance", "enabled");
    assert.equal(refused.status, 400);
    assert.match(refused.text, /'kubernetes\.io\/cluster\/one' is not a valid tag key/);
    for (const [key, type, shown] of [
      ["KubernetesCluster", "instance", "enabled"],
      ["kubernetes.io/cluster/one", "volume", "enabled"],
      ["kubernetes.io/cluster/one", "instance", "disabled"],
    ] as const) {
      assert.equal((await tagged(key, type, shown)).status, 200, `${key} ${type} ${shown}`);
    }
  });

  it("logs service and action, and neither bodies nor signatures", async () => {
    await call({
      Action: "RunInstances",
      UserData: Buffer.from("a secret of the user-data").toString("base64"),
      PublicKeyMaterial: "material",
    });
    assert.match(log.join("\n"), /^ec2 RunInstances 200 \d+ ms$/);
  });

  it("says what to do when moto has ended, and answers its own paths to the region alone", async () => {
    lost = 'the region\'s AWS (moto) has ended; run "make down"';
    const answer = await call({ Action: "DescribeVpcs" });
    assert.equal(answer.status, 503);
    assert.match(answer.text, /make down/);
    lost = undefined;
    const own = (path: string, method: string, token?: string) =>
      fetch(`${address}${path}`, {
        method,
        headers: token ? { authorization: `Bearer ${token}` } : {},
      });
    assert.equal((await own("/corekube/state", "GET")).status, 403);
    assert.equal((await own("/corekube/state", "GET", "region-token")).status, 200);
    assert.equal((await own("/corekube/report", "POST", "region-token")).status, 404);
    assert.equal((await own("/moto-api/reset", "POST", "region-token")).status, 404);
    assert.equal((await own("/corekube/sync", "POST", "region-token")).status, 204);
    assert.equal(changes, 1);
    assert.equal((await own("/corekube/move", "POST")).status, 403);
    // Not before the machines know.
    assert.equal((await own("/corekube/move", "POST", "region-token")).status, 204);
    assert.equal(changes, 2);
    assert.deepEqual(seen, ["GET /corekube/state ", "POST /corekube/move "]);
  });
});

/** The script that asks AWS who the machine is, run for real against a metadata service of the test: version 2 only, as the original. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { awsProfile } from "../../components/aws/profile.js";
import { metadataScript } from "../../components/nodeconfig/scripts/metadata.js";

const token = "AQAAAtoken==";

describe("metadata on AWS", function () {
  this.timeout(30_000);
  let folder: string;
  let answers: Record<string, string>;
  let refusals: number;
  let requests: string[];
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? "";
    requests.push(`${request.method} ${path}`);
    const reply = (code: number, text = ""): void => void response.writeHead(code).end(text);
    if (refusals-- > 0) return reply(503);
    if (path === "/latest/api/token") {
      const seconds = Number(request.headers["x-aws-ec2-metadata-token-ttl-seconds"]);
      return request.method === "PUT" && seconds >= 1 && seconds <= 21_600 ? reply(200, token) : reply(400);
    }
    if (request.headers["x-aws-ec2-metadata-token"] !== token) return reply(401);
    const name = path.slice("/latest/meta-data/".length);
    if (name === "")
      return reply(200, [...new Set(Object.keys(answers).map((key) => key.replace(/\/.*/, "/")))].join("\n"));
    return name in answers ? reply(200, answers[name]) : reply(404, "<?xml version='1.0'?>");
  });

  before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  after(() => server.close());
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-metadata-"));
    requests = [];
    refusals = 0;
    answers = {
      "instance-id": "i-0abc",
      "local-ipv4": "10.4.0.5",
      "public-ipv4": "192.0.2.7",
      "placement/availability-zone": "eu-central-1b",
      "placement/region": "eu-central-1",
      "tags/instance/Name": "dev-worker-0",
    };
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const run = async (): Promise<{ readonly code: number; readonly output: string; readonly written: string }> => {
    const script = metadataScript(awsProfile).contents.replaceAll(
      "http://169.254.169.254",
      `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    );
    const file = join(folder, "metadata");
    // Shorter waits.
    writeFileSync(
      file,
      script.replaceAll("/run/corekube", folder).replace("--retry 30 --retry-delay 2", "--retry 3 --retry-delay 1"),
    );
    const child = spawn("bash", [file]);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (output += data.toString()));
    const [code] = (await once(child, "close")) as [number];
    const result = join(folder, "metadata.env");
    return { code, output, written: existsSync(result) ? readFileSync(result, "utf8") : "" };
  };

  const expected = (publicAddress: string): string =>
    `HOSTNAME=dev-worker-0\nPRIVATE_IPV4=10.4.0.5\nPUBLIC_IPV4=${publicAddress}\nREGION=eu-central-1\nZONE=eu-central-1b\nPROVIDER_ID=aws:///eu-central-1b/i-0abc\n`;

  it("uses a session token, and writes the answers", async () => {
    const { code, output, written } = await run();
    assert.equal(code, 0, output);
    assert.equal(written, expected("192.0.2.7"));
    assert.equal(requests[0], "PUT /latest/api/token");
    assert.doesNotMatch(written + output, new RegExp(token));
  });

  it("knows a machine without a public address, and does not ask for what is not listed", async () => {
    delete answers["public-ipv4"];
    const { code, output, written } = await run();
    assert.equal(code, 0, output);
    assert.equal(written, expected(""));
    assert.ok(!requests.some((request) => request.includes("public-ipv4")));
  });

  it("asks again when the service is not ready", async () => {
    refusals = 2;
    const { code, output, written } = await run();
    assert.equal(code, 0, output);
    assert.equal(written, expected("192.0.2.7"));
  });

  it("writes nothing without a name: tags are not readable, or there is none", async () => {
    delete answers["tags/instance/Name"];
    const { code, written } = await run();
    assert.notEqual(code, 0);
    assert.equal(written, "");
  });

  it("writes nothing that a shell or systemd could read otherwise", async () => {
    answers["tags/instance/Name"] = "dev worker; reboot";
    const { code, output, written } = await run();
    assert.equal(code, 1);
    assert.match(output, /HOSTNAME: got 'dev worker; reboot', allowed: letters, digits/);
    assert.equal(written, "");
  });
});

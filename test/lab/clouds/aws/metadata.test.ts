/** The instance metadata service: version 2 only, and what programs of a cluster ask it for. */
import assert from "node:assert/strict";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Tokens, metadataAnswer, startMetadata } from "../../../../lab/clouds/aws/metadata.js";
import { instance, state } from "./support/state.js";

const ask = (path: string, changes: Parameters<typeof instance>[0] = {}): string | undefined => {
  const one = instance(changes);
  const answer = metadataAnswer(state({ instances: [one] }), one, path);
  return answer === undefined ? undefined : answer.body.toString();
};

describe("instance metadata: the tree", () => {
  it("serves what the machines' scripts and the AWS SDK request", () => {
    const expected = {
      "meta-data/instance-id": "i-0123456789abcdef0",
      "meta-data/local-ipv4": "10.4.0.5",
      "meta-data/public-ipv4": "198.18.35.9",
      "meta-data/hostname": "ip-10-4-0-5.eu-central-1.compute.internal",
      "meta-data/local-hostname": "ip-10-4-0-5.eu-central-1.compute.internal",
      "meta-data/placement/availability-zone": "eu-central-1a",
      "meta-data/placement/region": "eu-central-1",
      "meta-data/instance-type": "t3.small",
      "meta-data/mac": "02:00:00:00:00:05",
      "meta-data/network/interfaces/macs/": "02:00:00:00:00:05/",
      "meta-data/network/interfaces/macs/02:00:00:00:00:05/vpc-id": "vpc-1",
      "meta-data/network/interfaces/macs/02:00:00:00:00:05/subnet-id": "subnet-1",
      "meta-data/tags/instance/Name": "cluster-worker-0",
      "meta-data/public-keys/": "0=key",
      "meta-data/public-keys/0/openssh-key": "ssh-ed25519 AAAA",
      "meta-data/iam/security-credentials/": "role",
      "meta-data/services/domain": "amazonaws.com",
      "user-data": "{}",
    };
    for (const [path, value] of Object.entries(expected)) assert.equal(ask(`/latest/${path}`), value, path);
    const document = JSON.parse(ask("/latest/dynamic/instance-identity/document") ?? "") as Record<string, string>;
    assert.equal(document["instanceId"], "i-0123456789abcdef0");
    assert.equal(document["region"], "eu-central-1");
    assert.equal(
      (JSON.parse(ask("/latest/meta-data/iam/info") ?? "") as Record<string, string>)["InstanceProfileArn"],
      "arn:aws:iam::123456789012:instance-profile/p",
    );
  });

  it("gives credentials of the instance's own role, and of no other", () => {
    const given = JSON.parse(ask("/latest/meta-data/iam/security-credentials/role") ?? "") as Record<string, string>;
    assert.equal(given["Code"], "Success");
    assert.match(given["AccessKeyId"] ?? "", /^ASIA[A-Z0-9]{16}$/);
    assert.ok(Date.parse(given["Expiration"] ?? "") > Date.now());
    assert.equal(ask("/latest/meta-data/iam/security-credentials/other"), undefined);
    assert.equal(ask("/latest/meta-data/iam/info", { profile: null }), undefined);
  });

  it("lists and serves existing entries only", () => {
    const closed = { publicAddress: null, metadataTags: false, userData: "", profile: null };
    const listed = (ask("/latest/meta-data/", closed) ?? "").split("\n");
    for (const name of ["public-ipv4", "tags/", "iam/"]) assert.ok(!listed.includes(name), name);
    for (const name of ["public-ipv4", "tags/instance/Name", "iam/security-credentials/"])
      assert.equal(ask(`/latest/meta-data/${name}`, closed), undefined, name);
    assert.equal(ask("/latest/user-data", closed), undefined);
    assert.ok((ask("/latest/meta-data/") ?? "").split("\n").includes("public-ipv4"));
    assert.equal(ask("/metadata/v1/id"), undefined);
  });
});

describe("instance metadata: the service", () => {
  let server: Server;
  let url: string;
  before(async () => {
    const one = instance();
    const all = state({ instances: [one] });
    server = await startMetadata(
      (address) => (address === "127.0.0.1" ? { state: all, instance: one } : undefined),
      new Tokens(),
      { host: "127.0.0.1", port: 0 },
    );
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const token = async (headers: Record<string, string>, method = "PUT"): Promise<Response> =>
    fetch(`${url}/latest/api/token`, { method, headers });
  const ttl = (seconds: string) => ({ "x-aws-ec2-metadata-token-ttl-seconds": seconds });
  const read = async (value?: string): Promise<number> =>
    (
      await fetch(`${url}/latest/meta-data/instance-id`, {
        headers: value === undefined ? {} : { "x-aws-ec2-metadata-token": value },
      })
    ).status;

  it("answers nothing without a token, or with one that is not its own", async () => {
    assert.equal(await read(), 401);
    assert.equal(await read("AAAA"), 401);
    assert.equal(await read(new Tokens().issue("127.0.0.1", 60)), 401);
  });

  it("answers with a token, which it gives to a PUT with a time to live alone", async () => {
    assert.equal((await token(ttl("60"), "GET")).status, 405);
    for (const headers of [{}, ttl("0"), ttl("21601"), ttl("x")]) assert.equal((await token(headers)).status, 400);
    assert.equal((await token({ ...ttl("60"), "x-forwarded-for": "10.2.0.9" })).status, 403);
    const given = await token(ttl("60"));
    assert.equal(given.headers.get("x-aws-ec2-metadata-token-ttl-seconds"), "60");
    assert.equal(await read(await given.text()), 200);
  });

  it("keeps a token to its address and its time", () => {
    const tokens = new Tokens();
    const one = tokens.issue("10.4.0.5", 60, 1_000);
    assert.ok(tokens.valid(one, "10.4.0.5", 60_000));
    assert.ok(!tokens.valid(one, "10.4.0.6", 60_000));
    assert.ok(!tokens.valid(one, "10.4.0.5", 61_001));
  });
});

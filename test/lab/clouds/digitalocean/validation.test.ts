import assert from "node:assert/strict";
import { dropletFields, type Json, publicKey, TestApi, textAt } from "./support.js";

type Case = readonly [what: string, url: string, body: Json | string, status: number, message: RegExp];

const rule = (fields: Json): Json => ({
  name: "guard",
  inbound_rules: [{ protocol: "tcp", ports: "22", sources: { addresses: ["0.0.0.0/0"] }, ...fields }],
});
const forwarding = { entry_protocol: "tcp", entry_port: 443, target_protocol: "tcp", target_port: 443 };
const balancer = (fields: Json): Json => ({ name: "lb", region: "fra1", forwarding_rules: [forwarding], ...fields });
const forward = (fields: Json): Json => balancer({ forwarding_rules: [{ ...forwarding, ...fields }] });

const cases: readonly Case[] = [
  ["a body that is no JSON", "/v2/droplets", '{"name":', 400, /error parsing request body/],
  ["a key that is none", "/v2/account/keys", { name: "k", public_key: "ssh-rsa AAAA" }, 422, /Key invalid/],
  [
    "a private key",
    "/v2/account/keys",
    { name: "k", public_key: "-----BEGIN OPENSSH PRIVATE KEY-----" },
    422,
    /Key invalid/,
  ],
  [
    "a key twice",
    "/v2/account/keys",
    { name: "k", public_key: publicKey.replace("test@", "other@") },
    422,
    /^SSH Key is already in use on your account$/,
  ],
  [
    "an image that is not on the web",
    "/v2/images",
    { name: "i", url: "ftp://example.com/i", region: "fra1" },
    422,
    /url: must be an http or https URL/,
  ],
  [
    "an image nowhere",
    "/v2/images",
    { name: "i", url: "https://example.com/i", region: "mars1" },
    422,
    /"mars1" is not a region/,
  ],
  ["a tag with a space", "/v2/tags", { name: "two words" }, 400, /Error validating resource tag/],
  [
    "tagging what does not exist",
    "/v2/tags/known/resources",
    { resources: [{ resource_id: "1", resource_type: "droplet" }] },
    422,
    /droplet 1 does not exist/,
  ],

  ["a droplet without a name", "/v2/droplets", { ...dropletFields, name: undefined }, 422, /name is required/],
  [
    "a droplet name with an underscore",
    "/v2/droplets",
    { ...dropletFields, name: "a_b" },
    422,
    /Only valid hostname characters are allowed/,
  ],
  [
    "a size that does not exist",
    "/v2/droplets",
    { ...dropletFields, size: "huge", tags: ["new"] },
    422,
    /invalid size/,
  ],
  ["a region that does not exist", "/v2/droplets", { ...dropletFields, region: "mars1" }, 422, /invalid region/],
  ["an image that does not exist", "/v2/droplets", { ...dropletFields, image: "plan9" }, 422, /invalid image/],
  [
    "a key that does not exist",
    "/v2/droplets",
    { ...dropletFields, ssh_keys: [1, "aa:bb"] },
    422,
    /^1, aa:bb are invalid key identifiers/,
  ],
  [
    "user-data above 64 KiB",
    "/v2/droplets",
    { ...dropletFields, user_data: "ä".repeat(32 * 1024 + 1) },
    422,
    /User data is too long/,
  ],
  ["a VPC that does not exist", "/v2/droplets", { ...dropletFields, vpc_uuid: "none" }, 422, /VPC none does not exist/],
  [
    "a VPC of another region",
    "/v2/droplets",
    { ...dropletFields, vpc_uuid: "<vpc in nyc3>" },
    422,
    /is in region nyc3, not in fra1/,
  ],
  [
    "a droplet without public network",
    "/v2/droplets",
    { ...dropletFields, public_networking: false },
    422,
    /not offered by this lab region/,
  ],
  ["backups", "/v2/droplets", { ...dropletFields, backups: true }, 422, /not offered by this lab region/],
  [
    "an unknown action",
    "/v2/droplets/<droplet>/actions",
    { type: "explode" },
    422,
    /is not an action that this lab region offers/,
  ],
  ["powering on what runs", "/v2/droplets/<droplet>/actions", { type: "power_on" }, 422, /already powered on/],
  [
    "an action of a droplet that does not exist",
    "/v2/droplets/1/actions",
    { type: "reboot" },
    404,
    /could not be found/,
  ],

  [
    "a volume name in capitals",
    "/v2/volumes",
    { name: "Data", region: "fra1", size_gigabytes: 1 },
    422,
    /must be lowercase/,
  ],
  ["a volume of no size", "/v2/volumes", { name: "data", region: "fra1" }, 422, /size_gigabytes: must be at least 1/],
  [
    "a volume above 16 TiB",
    "/v2/volumes",
    { name: "data", region: "fra1", size_gigabytes: 16385 },
    422,
    /at most 16384/,
  ],
  [
    "a volume with a file system",
    "/v2/volumes",
    { name: "data", region: "fra1", size_gigabytes: 1, filesystem_type: "ntfs" },
    422,
    /filesystem_type: got ntfs, which is not offered by this lab region/,
  ],
  [
    "two volumes of one name",
    "/v2/volumes",
    { name: "taken", region: "fra1", size_gigabytes: 1 },
    409,
    /already exists/,
  ],
  [
    "attaching to no droplet",
    "/v2/volumes/<volume>/actions",
    { type: "attach", droplet_id: 1 },
    404,
    /could not be found/,
  ],
  [
    "detaching what is not attached",
    "/v2/volumes/<volume>/actions",
    { type: "detach", droplet_id: "<droplet>" },
    422,
    /^Attachment not found$/,
  ],
  [
    "attaching a volume twice over",
    "/v2/volumes/<volume>/actions",
    { type: "attach", droplet_id: "<droplet>", region: "sfo3", tags: ["new"] },
    422,
    /is in fra1/,
  ],
  ["shrinking a volume", "/v2/volumes/<volume>/actions", { type: "resize", size_gigabytes: 5 }, 422, /can only grow/],
  [
    "a volume action in another region",
    "/v2/volumes/<volume>/actions",
    { type: "attach", droplet_id: "<droplet>", region: "nyc3" },
    422,
    /is in fra1, not in nyc3/,
  ],

  [
    "a VPC that is too large",
    "/v2/vpcs",
    { name: "v", region: "fra1", ip_range: "10.0.0.0/15" },
    422,
    /nor larger than \/16/,
  ],
  [
    "a VPC that is too small",
    "/v2/vpcs",
    { name: "v", region: "fra1", ip_range: "10.0.0.0/29" },
    422,
    /smaller than \/28/,
  ],
  [
    "a VPC of public addresses",
    "/v2/vpcs",
    { name: "v", region: "fra1", ip_range: "8.8.0.0/20" },
    422,
    /is not within 10\.0\.0\.0\/8/,
  ],
  [
    "a VPC in a reserved range",
    "/v2/vpcs",
    { name: "v", region: "fra1", ip_range: "10.244.16.0/20" },
    422,
    /overlaps 10\.244\.0\.0\/16/,
  ],
  [
    "a VPC that overlaps one in another region",
    "/v2/vpcs",
    { name: "v", region: "fra1", ip_range: "10.77.8.0/24" },
    422,
    /overlaps with another VPC network/,
  ],
  [
    "a VPC name with a space",
    "/v2/vpcs",
    { name: "a b", region: "fra1", ip_range: "10.0.0.0/20" },
    422,
    /dashes, and periods/,
  ],
  [
    "a VPC name twice",
    "/v2/vpcs",
    { name: "elsewhere", region: "fra1", ip_range: "10.0.0.0/20" },
    422,
    /names must be unique/,
  ],

  ["a firewall without rules", "/v2/firewalls", { name: "guard" }, 422, /at least one rule/],
  ["a firewall name with a space", "/v2/firewalls", { ...rule({}), name: "a b" }, 422, /name: must begin with/],
  ["a port above 65535", "/v2/firewalls", rule({ ports: "65536" }), 422, /valid range for ports/],
  ["a range the wrong way round", "/v2/firewalls", rule({ ports: "90-80" }), 422, /valid range for ports/],
  ["tcp without ports", "/v2/firewalls", rule({ ports: "" }), 422, /valid range for ports/],
  ["icmp with a port", "/v2/firewalls", rule({ protocol: "icmp", ports: "8" }), 422, /valid range for ports/],
  ["an unknown protocol", "/v2/firewalls", rule({ protocol: "sctp" }), 422, /must be tcp, udp or icmp/],
  [
    "sources as a list",
    "/v2/firewalls",
    rule({ sources: [{ addresses: ["1.2.3.4"] }] }),
    422,
    /invalid type for one of the sources/,
  ],
  [
    "an address that is none",
    "/v2/firewalls",
    rule({ sources: { addresses: ["1.2.3.400"] } }),
    422,
    /invalid address "1\.2\.3\.400"/,
  ],
  [
    "a source tag that does not exist",
    "/v2/firewalls",
    rule({ sources: { tags: ["unknown"] } }),
    422,
    /inbound_rules\.0\.sources\.tags: unknown does not exist/,
  ],
  [
    "a source droplet that does not exist",
    "/v2/firewalls",
    rule({ sources: { droplet_ids: [1] } }),
    422,
    /droplet_ids: 1 does not exist/,
  ],
  [
    "a source load balancer that does not exist",
    "/v2/firewalls",
    rule({ sources: { load_balancer_uids: ["x"] } }),
    422,
    /load_balancer_uids: x does not exist/,
  ],
  [
    "more than 50 rules",
    "/v2/firewalls",
    { name: "guard", inbound_rules: Array.from({ length: 51 }, () => rule({})["inbound_rules"]).flat() },
    422,
    /at most 50 rules/,
  ],
  ["more than 5 tags", "/v2/firewalls", { ...rule({}), tags: ["a", "b", "c", "d", "e", "f"] }, 422, /tags: at most 5/],

  [
    "a load balancer without rules",
    "/v2/load_balancers",
    balancer({ forwarding_rules: [] }),
    422,
    /at least one forwarding rule/,
  ],
  [
    "droplets and a tag",
    "/v2/load_balancers",
    balancer({ tag: "known", droplet_ids: ["<droplet>"] }),
    422,
    /only one of droplet_ids or tag/,
  ],
  [
    "a target that does not exist",
    "/v2/load_balancers",
    balancer({ droplet_ids: [1] }),
    422,
    /Droplet 1 does not exist/,
  ],
  [
    "a target in another network",
    "/v2/load_balancers",
    balancer({ droplet_ids: ["<droplet>"], region: "nyc3" }),
    422,
    /is not in the load balancer's VPC/,
  ],
  [
    "one entry port twice",
    "/v2/load_balancers",
    balancer({ forwarding_rules: [forwarding, { ...forwarding, target_port: 80 }] }),
    422,
    /same entry port/,
  ],
  [
    "http",
    "/v2/load_balancers",
    forward({ entry_protocol: "http" }),
    422,
    /entry_protocol: this lab region offers tcp only/,
  ],
  [
    "a check more often than every 3 s",
    "/v2/load_balancers",
    balancer({ health_check: { check_interval_seconds: 2 } }),
    422,
    /check_interval_seconds: 3 to 300/,
  ],
  [
    "an access rule without its kind",
    "/v2/load_balancers",
    balancer({ firewall: { allow: ["10.0.0.0/8"] } }),
    422,
    /of the form "cidr:10\.0\.0\.0\/8"/,
  ],
  [
    "cookies",
    "/v2/load_balancers",
    balancer({ sticky_sessions: { type: "cookies" } }),
    422,
    /not offered by this lab region/,
  ],
  [
    "PROXY protocol",
    "/v2/load_balancers",
    balancer({ enable_proxy_protocol: true }),
    422,
    /not offered by this lab region/,
  ],
];

describe("lab API: what it refuses", () => {
  const api = new TestApi();
  const names = new Map<string, string>();

  before(async () => {
    await api.start();
    await api.post("/v2/account/keys", { name: "key", public_key: publicKey });
    await api.post("/v2/tags", { name: "known" });
    names.set("<droplet>", String((await api.droplet({ tags: ["known"] })).id));
    names.set("<volume>", await api.volume({ name: "taken" }));
    names.set(
      "<vpc in nyc3>",
      textAt(await api.post("/v2/vpcs", { name: "elsewhere", region: "nyc3", ip_range: "10.77.0.0/16" }), "vpc.id"),
    );
    await api.settled();
    api.driver.calls.splice(0);
  });
  after(() => api.stop());

  const filled = (text: string): string =>
    [...names].reduce(
      (result, [name, value]) =>
        result.replaceAll(name === "<droplet>" ? `"${name}"` : name, value).replaceAll(name, value),
      text,
    );

  for (const [what, url, body, status, message] of cases) {
    it(`${what}: ${status}`, async () => {
      const before = JSON.stringify(api.api.store.state);
      const answer = await api.request(
        "POST",
        filled(url),
        filled(typeof body === "string" ? body : JSON.stringify(body)),
      );
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.match(String(answer.body["message"]), message);
      assert.equal(answer.body["request_id"], answer.headers["x-request-id"]);
      // A refused request leaves nothing behind, tags and addresses included.
      assert.equal(JSON.stringify(api.api.store.state), before);
      assert.deepEqual(api.driver.names(), []);
    });
  }

  for (const authorization of ["", "Bearer wrong", "Basic dGVzdDp0ZXN0"]) {
    it(`authorization "${authorization}": 401`, async () => {
      const answer = await api.request("GET", "/v2/account", undefined, { authorization });
      assert.equal(answer.status, 401);
      assert.deepEqual(
        { ...answer.body, request_id: "" },
        { id: "unauthorized", message: "Unable to authenticate you", request_id: "" },
      );
    });
  }

  for (const url of [
    "/v2/droplets/1",
    "/v2/droplets/x",
    "/v2/volumes/x",
    "/v2/vpcs/x",
    "/v2/firewalls/x",
    "/v2/load_balancers/x",
    "/v2/tags/x",
    "/v2/images/x",
    "/v2/account/keys/1",
    "/v2/actions/1",
    "/v2/nothing",
    "/v2/projects",
    "/v2/reserved_ips",
    "/",
  ]) {
    it(`${url}: 404`, async () => {
      const answer = await api.request("GET", url);
      assert.equal(answer.status, 404);
      assert.equal(answer.body["id"], "not_found");
    });
  }

  it("takes JSON that is declared as a form, and a DELETE that declares JSON and has none", async () => {
    const made = await api.request("POST", "/v2/tags", '{"name":"form"}', {
      "content-type": "application/x-www-form-urlencoded",
    });
    assert.equal(made.status, 201);
    assert.equal(
      (await api.request("DELETE", "/v2/tags/form", undefined, { "content-type": "application/json" })).status,
      204,
    );
  });
});

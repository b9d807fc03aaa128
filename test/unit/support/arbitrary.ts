/** Any settings that are allowed and that show in user-data: as long as they may be, and as hard to pack. */
import fc from "fast-check";
import type { ClusterSpec } from "../../../components/spec/cluster.js";
import { clusterSpec } from "../../../infra/config.js";

const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const word = (alphabet: string, from: number, to: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...alphabet), { minLength: from, maxLength: to }).map((letters) => letters.join(""));
const name = (from: number, to: number): fc.Arbitrary<string> => word("abcdefghijklmnopqrstuvwxyz0123456789", from, to);

const clusterName = fc.stringMatching(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/);
const host = fc.tuple(name(1, 20), name(1, 20), word("abcdefghijklmnopqrstuvwxyz", 2, 20)).map((parts) => parts.join("."));
const url = fc.tuple(fc.constantFrom("http", "https"), host, fc.integer({ min: 1, max: 65535 }), name(0, 20)).map(([scheme, server, port, path]) => `${scheme}://${server}:${port}/${path}`);
const key = fc.oneof(
  word(base64, 68, 68).map((body) => `ssh-ed25519 AAAA${body} someone`),
  word(base64, 700, 710).map((body) => `ssh-rsa AAAA${body}`),
);
/** As many of the keys as settings take. */
const keys = fc.array(key, { maxLength: 30 }).map((all) => all.filter((_, index) => all.slice(0, index + 1).join("").length <= 2400));
const nodePorts = fc.tuple(fc.integer({ min: 10260, max: 65535 }), fc.integer({ min: 10260, max: 65535 })).map((ports) => [Math.min(...ports), Math.max(...ports)].join("-"));

/** The description of any cluster. */
export const anySpec: fc.Arbitrary<ClusterSpec> = fc
  .record({
    cluster_name: clusterName,
    high_availability: fc.boolean(),
    node_count: fc.integer({ min: 1, max: 200 }),
    service_cidr: fc.constantFrom("10.3.0.0/16", "10.96.0.0/12", "192.168.255.240/28"),
    node_port_range: nodePorts,
    cluster_domain: fc.oneof(fc.constant("cluster.local"), host.filter((value) => value.length <= 63)),
    ssh_public_keys: keys,
    releases: fc.option(url),
    registries: fc.dictionary(host, url, { maxKeys: 10, size: "max" }),
  })
  .map(({ releases, registries, ...settings }) =>
    clusterSpec({
      "corekube:region": "fra1",
      "corekube:admin_cidrs": '["192.0.2.1/32"]',
      "corekube:mirrors": JSON.stringify({ ...(releases ? { releases } : {}), registries }),
      ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [`corekube:${key}`, typeof value === "string" ? value : JSON.stringify(value)])),
    }),
  );

/** Any settings that are allowed: every option, as long as it may be, and as hard to pack. */
import fc from "fast-check";
import { cloudNamed } from "../../../components/clouds.js";
import { renderUserData } from "../../../components/nodeconfig/index.js";
import { type ClusterSpec, roles } from "../../../components/spec/cluster.js";
import { newestVersion } from "../../../components/spec/versions.js";
import { toClusterSpec } from "../../../infra/settings/spec.js";
import { validate } from "../../../infra/settings/validate.js";

const base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const word = (alphabet: string, from: number, to: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...alphabet), { minLength: from, maxLength: to, size: "max" })
    .map((letters) => letters.join(""));
const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
const name = (from: number, to: number): fc.Arbitrary<string> => word(letters, from, to);

const clusterName = fc.stringMatching(/^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/);
/** At most 62 characters. */
const host = fc
  .tuple(name(1, 20), name(1, 20), word("abcdefghijklmnopqrstuvwxyz", 2, 20))
  .map((parts) => parts.join("."));
const longHost = fc.tuple(name(58, 58), word("abcdefghijklmnopqrstuvwxyz", 21, 21)).map((parts) => parts.join("."));
const port = fc.integer({ min: 1, max: 65535 });
const url = fc
  .tuple(fc.constantFrom("http", "https"), host, port, name(0, 20))
  .map(([scheme, server, number, path]) => `${scheme}://${server}:${number}/${path}`);
/** 100 characters. */
const longUrl = fc.tuple(longHost, name(11, 11)).map(([server, path]) => `https://${server}/${path}`);
/** Up to 2,000 characters, which only a path can fill. */
const proxy = fc.oneof(
  fc.constant(""),
  fc
    .tuple(fc.constantFrom("http", "https"), host, port)
    .map(([scheme, server, number]) => `${scheme}://${server}:${number}`),
  fc.tuple(longHost, word(`${base64.slice(0, -2)}-_`, 1911, 1911)).map(([server, path]) => `http://${server}/${path}`),
);
const noProxy = fc.oneof(
  fc.constant(""),
  fc
    .array(
      fc.oneof(
        host,
        host.map((value) => `.${value}`),
        fc.ipV4(),
        fc.constant("10.200.0.0/16"),
      ),
      { minLength: 1, maxLength: 30 },
    )
    .map((entries) =>
      entries
        .join(",")
        .slice(0, 2000)
        .replace(/,[^,]*$/, ""),
    ),
  fc.array(name(63, 63), { minLength: 31, maxLength: 31, size: "max" }).map((entries) => entries.join(",")),
);
const key = fc.oneof(
  word(base64, 68, 68).map((body) => `ssh-ed25519 AAAA${body} someone`),
  word(base64, 700, 710).map((body) => `ssh-rsa AAAA${body}`),
);
/** As many of the keys as settings take. */
const keys = fc
  .array(key, { maxLength: 30 })
  .map((all) => all.filter((_, index) => all.slice(0, index + 1).join("").length <= 2400));
const longRegistries = fc
  .array(fc.tuple(longHost, longUrl), { minLength: 20, maxLength: 20, size: "max" })
  .map((entries) => Object.fromEntries(entries));
const nodePorts = fc
  .tuple(fc.integer({ min: 10260, max: 65535 }), fc.integer({ min: 10260, max: 65535 }))
  .map((ports) => [Math.min(...ports), Math.max(...ports)].join("-"));

const hundredths = (from: number, to: number): fc.Arbitrary<number> =>
  fc.integer({ min: from * 100, max: to * 100 }).map((value) => value / 100);
const component = fc.record(
  { cpus: hundredths(0.05, 2), mem: fc.integer({ min: 64, max: 2048 }) },
  { requiredKeys: [] },
);
const reservation = fc.record(
  {
    kube_cpus: hundredths(2.1, 8),
    kube_mem: fc.integer({ min: 2200, max: 30_000 }),
    kube_disk: fc.integer({ min: 1024, max: 100_000 }),
    system_cpus: hundredths(0.1, 2),
    system_mem: fc.integer({ min: 256, max: 4096 }),
  },
  { requiredKeys: [] },
);
const size = fc.constantFrom("", "", "g-32vcpu-128gb", "m-16vcpu-128gb");
const network = (from: number, to: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(10, 172, 192), fc.integer({ min: 0, max: 2 ** 24 - 1 }), fc.integer({ min: from, max: to }))
    .map(([first, rest, prefix]) => {
      const second = first === 172 ? 16 + ((rest >>> 16) % 16) : first === 192 ? 168 : rest >>> 16;
      const address = ((first << 24) | (second << 16) | (rest & 0xffff)) >>> 0;
      const start = prefix === 0 ? 0 : (address & (0xffffffff << (32 - prefix))) >>> 0;
      return `${[24, 16, 8, 0].map((shift) => (start >>> shift) & 255).join(".")}/${prefix}`;
    });

/** Settings that each are right by themselves, as a stack's file has them; what they must hold together may fail. */
export const anyValues: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc.record({
  region: fc.constantFrom("fra1", "nyc3"),
  admin_cidrs: fc.constant(["192.0.2.1/32"]),
  cluster_name: clusterName,
  log_level: fc.constantFrom("ERROR", "WARN", "INFO", "DEBUG"),
  high_availability: fc.boolean(),
  node_count: fc.integer({ min: 1, max: 5000 }),
  public_node_count: fc.integer({ min: 0, max: 1000 }),
  node_size: size,
  public_node_size: size,
  reserved_resources: reservation,
  public_reserved_resources: reservation,
  apiserver: component,
  controller_manager: component,
  scheduler: component,
  kube_proxy: component,
  etcd: fc.record(
    {
      cpus: hundredths(0.1, 4),
      mem: fc.integer({ min: 256, max: 8192 }),
      data_disk: fc.integer({ min: 1024, max: 65_536 }),
      wal_disk: fc.integer({ min: 512, max: 65_536 }),
      disk_type: fc.constantFrom("MOUNT", "ROOT"),
    },
    { requiredKeys: [] },
  ),
  node_cidr: fc.oneof(fc.constant("10.4.0.0/16"), network(16, 20)),
  pod_cidr: fc.oneof(fc.constant("10.128.0.0/9"), network(9, 16)),
  service_cidr: fc.oneof(fc.constantFrom("10.3.0.0/16", "10.96.0.0/12", "192.168.255.240/28"), network(12, 28)),
  node_port_range: nodePorts,
  cluster_domain: fc.oneof(
    fc.constant("cluster.local"),
    host.filter((value) => value.length <= 63),
  ),
  network_provider: fc.constantFrom("flannel", "none"),
  pod_security: fc.constantFrom("privileged", "baseline", "restricted"),
  encryption_key: fc.integer({ min: 1, max: 1_000_000 }),
  http_proxy: proxy,
  https_proxy: proxy,
  no_proxy: noProxy,
  ssh_public_keys: keys,
  mirrors: fc
    .tuple(fc.option(fc.oneof(url, longUrl)), fc.oneof(fc.dictionary(host, url, { maxKeys: 10 }), longRegistries))
    .map(([releases, registries]) => ({ ...(releases ? { releases } : {}), registries })),
});

/** The same on AWS. */
const anyAwsValues: fc.Arbitrary<Readonly<Record<string, unknown>>> = fc
  .tuple(
    anyValues,
    fc.record({
      cloud: fc.constant("aws"),
      region: fc.constantFrom("eu-central-1", "us-east-1"),
      node_size: fc.constantFrom("", "", "m6i.8xlarge"),
      public_node_size: fc.constantFrom("", "m6i.8xlarge"),
      cloud_provider: fc.constantFrom("none", "aws"),
      csi_driver: fc.boolean(),
      aws: fc.record(
        { machines: fc.constantFrom("public", "private"), volume_type: fc.constantFrom("gp3", "gp2") },
        { requiredKeys: [] },
      ),
    }),
  )
  .map(([values, own]) => ({ ...values, ...own }));

/** The description of any cluster, whatever the size of its user-data. */
export const anyUnboundedSpec: fc.Arbitrary<ClusterSpec> = fc
  .oneof(anyValues, anyAwsValues)
  .map((values) => validate(values).settings)
  .filter((settings) => settings !== undefined)
  .map((settings) => {
    const image = settings.image || cloudNamed(settings.cloud).profile.image;
    return toClusterSpec(settings, { kubernetesVersion: newestVersion, nodeVersion: newestVersion, image });
  });

/** The description of any cluster that the program accepts. */
export const anySpec: fc.Arbitrary<ClusterSpec> = anyUnboundedSpec.filter(fits);

function fits(spec: ClusterSpec): boolean {
  try {
    for (const role of roles) renderUserData(spec, role, cloudNamed(spec.cloud).profile);
    return true;
  } catch {
    return false;
  }
}

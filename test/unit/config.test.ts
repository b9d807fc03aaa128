/** Settings: accepted values, refused values and their messages. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { clouds } from "../../components/clouds.js";
import { optionGroups, optionsOf } from "../../components/spec/settings/index.js";
import { catalogueVersions, flatcar, newestVersion, releaseOf } from "../../components/spec/versions.js";
import { clusterSpec, loadClusterSpec } from "../../infra/config.js";
import { SettingsError } from "../../infra/settings/settingsError.js";

const least: Readonly<Record<string, string>> = { region: "fra1", admin_cidrs: '["192.0.2.1/32"]' };

const full = (settings: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(settings).map(([key, value]) => [`corekube:${key}`, value]));

const read = (settings: Readonly<Record<string, string>> = {}, secrets: string[] = []) =>
  clusterSpec(full({ ...least, ...settings }), secrets);

/** Message of the refusal; fails when there is none. */
function refusal(settings: Readonly<Record<string, string>>, secrets: string[] = []): string {
  try {
    read(settings, secrets);
  } catch (error) {
    assert.ok(error instanceof SettingsError, String(error));
    return error.message;
  }
  return assert.fail(`accepted: ${JSON.stringify(settings)}`);
}

const key = (kind: string): string => `${kind} ${"AAAA".padEnd(68, "b")} ada@example`;

const versions = releaseOf(newestVersion);

describe("settings", () => {
  it("take decimals as `pulumi config set --path` keeps them: as text", () => {
    const requests = read({ apiserver: '{"cpus":"0.4"}', reserved_resources: '{"kube_cpus":"1.9"}' });
    assert.equal(requests.components["kube-apiserver"].cpus, 0.4);
    assert.equal(requests.workers.resources.pods.cpus, 1.9);
    assert.match(refusal({ apiserver: '{"cpus":"0,4"}' }), /apiserver\.cpus: got "0,4"; allowed: a number/);
    assert.match(refusal({ apiserver: '{"cpus":"0.001"}' }), /apiserver\.cpus: got 0\.001; allowed: a number/);
  });

  it("have defaults for all but region and administrators", () => {
    const spec = read();
    const machines = { pool: spec.etcd.pool, count: 1, disk: 16, zones: [] };
    const usual = { pods: { cpus: 2, memory: 2048, disk: 10_240 }, system: { cpus: 1, memory: 1024 } };
    assert.deepEqual(spec.etcd, {
      ...machines,
      role: "etcd",
      size: "s-1vcpu-2gb",
      disk: 10,
      cpus: 0.5,
      memory: 1024,
      disks: { type: "volumes", data: 3, wal: 1 },
    });
    assert.deepEqual(spec.controllers, {
      ...machines,
      role: "controller",
      pool: "controller",
      size: "s-2vcpu-4gb",
      resources: { pods: {}, system: { cpus: 0.25, memory: 1024 } },
    });
    const workers = { ...machines, role: "worker", pool: "worker", size: "s-4vcpu-8gb", resources: usual };
    assert.deepEqual(spec.workers, workers);
    assert.deepEqual(spec.publicWorkers, { ...workers, role: "public", pool: "public", count: 0 });
    assert.deepEqual(spec.components, {
      "kube-apiserver": { cpus: 0.5, memory: 1024 },
      "kube-controller-manager": { cpus: 0.5, memory: 512 },
      "kube-scheduler": { cpus: 0.5, memory: 512 },
      "kube-proxy": { cpus: 0.1, memory: 512 },
    });
    assert.deepEqual(
      [spec.name, spec.apiLoadBalancers, spec.csiDriver, spec.proxy, spec.image],
      ["kubernetes", false, false, undefined, flatcar.digitalocean],
    );
    assert.deepEqual([spec.apiServiceAddress, spec.dnsServiceAddress], ["10.3.0.1", "10.3.0.10"]);
    assert.deepEqual(spec.nodePortRange, { from: 30000, to: 32767 });
    assert.deepEqual(spec.tags, { KubernetesCluster: "kubernetes" });
    assert.deepEqual(spec.cloudSettings, { cloud: "digitalocean" });
    assert.deepEqual(spec.releases, versions.releases);
    assert.deepEqual(spec.images, versions.images);
  });

  it("give the release that a cluster has, whatever the checkout's newest one is", () => {
    const had = { kubernetesVersion: "1.35.4", nodeVersion: "1.35.4" };
    const spec = clusterSpec(full(least), [], clouds, { started: had, finished: had });
    assert.deepEqual(spec, read({ kubernetes_version: "1.35.4" }));
    assert.deepEqual([spec.etcdVersion, spec.images], [releaseOf("1.35.4").etcd, releaseOf("1.35.4").images]);
  });

  it("give the image that a cluster has, whatever the checkout's is, unless one is set", () => {
    const had = { kubernetesVersion: newestVersion, nodeVersion: newestVersion };
    const image = flatcar.digitalocean.replaceAll(flatcar.version, "4459.2.1");
    const recorded = { started: had, finished: had, image };
    const of = (settings: Readonly<Record<string, string>>) =>
      clusterSpec(full({ ...least, ...settings }), [], clouds, recorded);
    assert.deepEqual(of({}), { ...read(), image });
    assert.deepEqual(of({ image: "7938206" }), read({ image: "7938206" }));
    assert.throws(
      () => clusterSpec(full(least), [], clouds, { ...recorded, image: image.replace("4459.2.1", "4230.2.4") }),
      /corekube:image: got .*4230\.2\.4.*; allowed: a release of Flatcar after 4230: .*pulumi config set image \S+ && pulumi up/,
    );
  });

  it("give a control plane that emulates only its own programs of the new release", () => {
    const had = { kubernetesVersion: "1.35.4", nodeVersion: "1.35.4" };
    const settings = { ...least, kubernetes_version: "1.36.3", emulated_version: "1.35" };
    const spec = clusterSpec(full(settings), [], clouds, { started: had, finished: had });
    const before = releaseOf("1.35.4");
    const ahead = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"];
    assert.deepEqual([spec.kubernetesVersion, spec.nodeVersion, spec.emulatedVersion], ["1.36.3", "1.35.4", "1.35"]);
    assert.deepEqual([spec.etcdVersion, spec.releases], [before.etcd, before.releases]);
    for (const [name, image] of Object.entries(spec.images))
      assert.equal(image.name, (ahead.includes(name) ? versions : before).images[name as "pause"].name, name);
  });

  it("that are passed are in the description as they are, by the same name in camelCase", () => {
    const spec: Readonly<Record<string, unknown>> = { ...read() };
    const passed = Object.entries(optionsOf(optionGroups(clouds))).filter(([, option]) => option.passed);
    for (const [name, option] of passed) {
      const words = name.split("_").map((word, index) => (index === 0 ? word : word[0]!.toUpperCase() + word.slice(1)));
      const given = least[name];
      const value = given?.startsWith("[") ? (JSON.parse(given) as unknown) : (given ?? option.default);
      // Defaults inside are part of it.
      assert.deepEqual(spec[words.join("")], option.schema.parse(value), name);
    }
    assert.ok(passed.length > 15);
  });

  it("reach the description as they were given", () => {
    const spec = read({
      cluster_name: "prod",
      high_availability: "true",
      node_count: "7",
      node_size: "s-8vcpu-16gb",
      etcd: '{"count": 5, "data_disk": 5000}',
      service_cidr: "10.100.0.0/16",
      node_port_range: "30000-37000",
      tags: '{"team": "platform"}',
      mirrors: '{"releases": "http://192.0.2.9:5080", "registries": {"ghcr.io": "http://192.0.2.9:5000/ghcr.io"}}',
      deletion_protection: "false",
      image: "https://images.example/flatcar.bin.bz2",
    });
    assert.equal(spec.etcd.count, 5);
    assert.equal(spec.etcd.disks.data, 5);
    assert.equal(spec.controllers.count, 3);
    assert.equal(spec.workers.count, 7);
    assert.equal(spec.workers.size, "s-8vcpu-16gb");
    assert.equal(spec.apiServiceAddress, "10.100.0.1");
    assert.equal(spec.dnsServiceAddress, "10.100.0.10");
    assert.deepEqual(spec.nodePortRange, { from: 30000, to: 37000 });
    assert.deepEqual(spec.tags, { team: "platform", KubernetesCluster: "prod" });
    assert.equal(spec.mirrors.releases, "http://192.0.2.9:5080");
    assert.equal(spec.deletionProtection, false);
    assert.equal(spec.image, "https://images.example/flatcar.bin.bz2");
  });

  it("of other namespaces are none of ours", () => {
    assert.equal(
      clusterSpec({ ...full(least), "digitalocean:apiEndpoint": "http://203.0.113.1:8080", "pulumi:tags": "{}" }).name,
      "kubernetes",
    );
  });

  const accepted: readonly (readonly [string, string])[] = [
    ["cluster_name", "a"],
    ["cluster_name", "a".repeat(40)],
    ["cluster_domain", "k8s.example.com"],
    ["node_count", "200"],
    ["pod_cidr", "10.32.0.0/12"],
    ["service_cidr", "10.3.0.0/28"],
    ["node_cidr", "192.168.0.0/24"],
    ["node_port_range", "20000-20000"],
    ["admin_cidrs", '["0.0.0.0/0", "::/0", "2001:db8::/32"]'],
    ["image", "flatcar-stable"],
    ["image", "123456"],
    ["ssh_public_keys", JSON.stringify([key("ssh-ed25519"), key("ssh-rsa"), key("sk-ssh-ed25519@openssh.com")])],
    ["mirrors", '{"registries": {"registry.example:5000": "https://mirror.example"}}'],
    ["etcd", "{}"],
    ["etcd", '{"count": 3}'],
    ["drain_timeout", "0"],
    ["tags", '{"KubernetesCluster": "kubernetes", "env": ""}'],
  ];
  for (const [name, value] of accepted) {
    it(`accept ${name} ${value.slice(0, 60)}`, () => void read({ [name]: value }));
  }

  /** Setting, value, the path in the message, and what the message says besides. */
  const refused: readonly (readonly [string, string, string, RegExp])[] = [
    ["cluster_name", "", "cluster_name", /got nothing; allowed: 1 to 40 lower-case/],
    ["cluster_name", "a".repeat(41), "cluster_name", /1 to 40/],
    ["cluster_name", "Prod", "cluster_name", /got "Prod"/],
    ["cluster_name", "1a", "cluster_name", /beginning with a letter/],
    ["cluster_name", "a-", "cluster_name", /not ending with a dash/],
    ["cloud", "gcp", "cloud", /got "gcp"; allowed: digitalocean, aws/],
    ["region", "", "region", /got nothing; .*such as fra1.*pulumi config set region <value>/],
    ["kubernetes_version", "1.2.3", "kubernetes_version", new RegExp(`allowed: ${catalogueVersions.join(", ")}`)],
    ["high_availability", "yes", "high_availability", /got "yes"; allowed: true or false/],
    ["node_count", "0", "node_count", /got 0; allowed: a whole number of machines from 1 to 5000/],
    ["node_count", "2.5", "node_count", /got 2.5/],
    ["node_count", "two", "node_count", /got "two"/],
    ["node_count", "5001", "node_count", /5000/],
    ["node_count", "256", "pod_cidr", /257 nodes \(this one has 256\): a prefix of at most \/15/],
    ["node_size", "s 2", "node_size", /size/],
    ["etcd", '{"count": 2}', "etcd.count", /got 2; allowed: 1, 3 or 5.*--path 'etcd.count'/],
    ["etcd", '{"data_disk": 100}', "etcd.data_disk", /got 100; allowed: a whole number of MB from 1024/],
    [
      "etcd",
      '{"counts": 3}',
      "etcd.counts",
      /got 3; allowed: there is no such setting; did you mean etcd.count\. Remove it: pulumi config rm --path 'etcd.counts'/,
    ],
    ["etcd", "[1]", "etcd", /got \[1\]/],
    ["node_cidr", "10.4.0.1/20", "node_cidr", /got "10.4.0.1\/20"/],
    ["node_cidr", "10.4.0.0/29", "node_cidr", /from \/16 to \/28/],
    ["node_cidr", "10.0.0.0/8", "node_cidr", /from \/16 to \/28/],
    ["node_cidr", "8.8.0.0/20", "node_cidr", /a private network/],
    ["node_cidr", "10.244.0.0/20", "node_cidr", /10\.244\.0\.0\/16, which digitalocean reserves/],
    ["node_cidr", "169.254.0.0/20", "node_cidr", /outside 169\.254\.0\.0\/16/],
    ["pod_cidr", "10.3.128.0/17", "service_cidr", /shares no address with corekube:pod_cidr \(10\.3\.128\.0\/17\)/],
    ["pod_cidr", "10.4.0.0/16", "pod_cidr", /shares no address with corekube:node_cidr/],
    ["pod_cidr", "10.2.0.0/25", "pod_cidr", /from \/8 to \/24/],
    ["pod_cidr", "10.2.0.0/24", "pod_cidr", /each of 2 nodes \(this one has 1\): a prefix of at most \/23/],
    ["service_cidr", "10.96.0.0/11", "service_cidr", /from \/12 to \/28/],
    ["service_cidr", "10.3.0.0/29", "service_cidr", /tenth address/],
    ["node_port_range", "32767-30000", "node_port_range", /lower one first/],
    ["node_port_range", "30000-70000", "node_port_range", /65535/],
    ["node_port_range", "0-100", "node_port_range", /1 to 65535/],
    ["node_port_range", "10000-11000", "node_port_range", /10250 \(kubelet\)/],
    ["cluster_domain", "Cluster.local", "cluster_domain", /lower-case DNS name/],
    ["cluster_domain", "cluster.local.", "cluster_domain", /DNS name/],
    ["network_provider", "calico", "network_provider", /allowed: flannel/],
    ["image", "two words", "image", /image/],
    // No cloud accepts it, so that no other cloud is named.
    ["image", "FLATCAR", "image", /an image of digitalocean, or the address of an image file\. Remove it/],
    ["admin_cidrs", "[]", "admin_cidrs", /got \[\]; allowed: 1 to 50 networks.*--path 'admin_cidrs\[0\]'/],
    ["admin_cidrs", '["192.0.2.7"]', "admin_cidrs[0]", /got "192.0.2.7".*one address is 192.0.2.7\/32/],
    ["admin_cidrs", "192.0.2.7/32", "admin_cidrs", /got "192.0.2.7\/32"/],
    ["ssh_public_keys", '["ssh-dss AAAAB3Nz"]', "ssh_public_keys[0]", /as ssh-keygen writes it/],
    ["ssh_public_keys", JSON.stringify([`${key("ssh-ed25519")}\nevil`]), "ssh_public_keys[0]", /in one line/],
    [
      "ssh_public_keys",
      JSON.stringify(Array.from({ length: 40 }, () => key("ssh-ed25519"))),
      "ssh_public_keys",
      /2400 characters/,
    ],
    ["tags", '{"a b": "c"}', 'tags["a b"]', /on digitalocean: letters.*150 characters\. Remove it: pulumi config rm/],
    ["tags", '{"KubernetesCluster": "other"}', "tags.KubernetesCluster", /the cluster's name \(kubernetes\)/],
    ["tags", '{"n": 1}', "tags.n", /got 1/],
    ["mirrors", '{"releases": "mirror.example"}', "mirrors.releases", /http or https address/],
    ["mirrors", '{"releases": "http://user@mirror.example"}', "mirrors.releases", /without user/],
    [
      "mirrors",
      '{"releases": "http://user:password@mirror.example"}',
      "mirrors.releases",
      /looks like a user with a password/,
    ],
    [
      "mirrors",
      '{"registries": {"https://ghcr.io": "http://192.0.2.9"}}',
      'mirrors.registries["https://ghcr.io"]',
      /host of a registry/,
    ],
    [
      "mirrors",
      '{"registries": {"ghcr.io": "192.0.2.9:5000"}}',
      'mirrors.registries["ghcr.io"]',
      /http or https address/,
    ],
    ["mirrors", '{"registry": {}}', "mirrors.registry", /did you mean mirrors.registries/],
    ["mirrors", '{"checksums": "no/such/file.json"}', "mirrors.checksums", /no\/such\/file.json.*ENOENT/],
    ["deletion_protection", "1", "deletion_protection", /true or false/],
    ["drain_timeout", "-1", "drain_timeout", /from 0/],
    ["boot_timeout", "10", "boot_timeout", /from 60/],
    [
      "node_cout",
      "3",
      "node_cout",
      /there is no such setting; did you mean corekube:node_count\. Remove it: pulumi config rm node_cout/,
    ],
    ["wholly_different_thing", "3", "wholly_different_thing", /there are cluster_name, cloud, /],
  ];
  for (const [name, value, path, words] of refused) {
    it(`refuse ${name} ${value.slice(0, 60)}`, () => {
      const message = refusal({ [name]: value });
      assert.ok(message.includes(`  - corekube:${path}: got `), message);
      assert.match(message, words);
    });
  }

  it("refuse one member of etcd with high availability", () => {
    assert.match(
      refusal({ high_availability: "true", etcd: '{"count": 1}' }),
      /corekube:etcd.count: got 1; allowed: 3 or 5/,
    );
  });

  it("refuse a node network without room for the machines, and name the prefix that would do", () => {
    assert.equal(read({ node_cidr: "10.4.0.0/28", node_count: "7" }).workers.count, 7);
    assert.match(
      refusal({ node_cidr: "10.4.0.0/28", node_count: "8" }),
      /room for 10 machines \(this one has 9 addresses for them\): a prefix of at most \/27/,
    );
  });

  it("are refused all at once, each by its name", () => {
    const message = refusal({
      cluster_name: "X",
      node_count: "-1",
      region: "",
      typo: "1",
      pod_cidr: "10.3.0.0/16",
      etcd: '{"count": 4, "size": 3}',
    });
    assert.match(message, /^7 problems in the stack's settings; nothing was created or changed:/);
    for (const path of ["cluster_name", "node_count", "region", "typo", "service_cidr", "etcd.count", "etcd.size"]) {
      assert.equal(message.split(`corekube:${path}: `).length, 2, `${path} once in:\n${message}`);
    }
  });

  it("that are secret are not repeated", () => {
    const message = refusal({ region: "Not A Region", cluster_name: "Bad" }, ["region"]);
    assert.doesNotMatch(message, /Not A Region/);
    assert.match(message, /corekube:region: got a secret value/);
    assert.match(message, /got "Bad"/);
  });

  it("of the running stack are read, and refused as the engine shows it best", () => {
    const before = pulumi.runtime.allConfig();
    try {
      pulumi.runtime.setAllConfig(full({ ...least, cluster_name: "running" }));
      assert.equal(loadClusterSpec().name, "running");
      pulumi.runtime.setAllConfig(full({ ...least, cluster_name: "RUNNING" }));
      assert.throws(
        loadClusterSpec,
        (error: unknown) => error instanceof pulumi.RunError && /corekube:cluster_name/.test(error.message),
      );
    } finally {
      pulumi.runtime.setAllConfig(before);
    }
  });
});

describe("checksums of a mirror", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-checksums-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const file = (content: unknown): string => {
    const path = join(folder, "checksums.json");
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return JSON.stringify({ checksums: path });
  };

  it("take the place of the official ones, where they are named", () => {
    const sha256 = "a".repeat(64);
    const proxy = versions.images["kube-proxy"].name;
    const spec = read({
      mirrors: file({
        releases: { [versions.releases.kubelet.url]: sha256 },
        images: { [proxy]: `sha256:${sha256}`, "docker.io/library/busybox:1.35": `sha256:${sha256}` },
      }),
    });
    assert.equal(spec.releases.kubelet.sha256, sha256);
    assert.equal(spec.releases.etcd.sha256, versions.releases.etcd.sha256);
    assert.equal(spec.images["kube-proxy"]?.digest, `sha256:${sha256}`);
    assert.equal(spec.images["coredns"]?.digest, versions.images.coredns.digest);
  });

  for (const [what, content, words] of [
    ["no JSON", "{", /JSON/],
    ["a checksum that is none", { releases: { "https://x.example/y": "abc" } }, /releases\.https:\/\/x\.example\/y/],
    ["a digest without sha256:", { images: { "a:b": "a".repeat(64) } }, /images\.a:b/],
    ["other keys", { release: {} }, /release/],
  ] as const) {
    it(`are refused for ${what}`, () => {
      const message = refusal({ mirrors: file(content) });
      assert.match(message, /corekube:mirrors.checksums: got ".*checksums.json"/);
      assert.match(message, words);
    });
  }
});

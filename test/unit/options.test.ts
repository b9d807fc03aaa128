/** What single options do to a machine's configuration. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import { smallestSize, usableMemory } from "../../components/cloud/sizes.js";
import { digitaloceanProfile } from "../../components/digitalocean/profile.js";
import { nodeConfig } from "../../components/nodeconfig/index.js";
import { reserve } from "../../components/nodeconfig/base/reservation.js";
import type { ClusterSpec, NodeResources, Role } from "../../components/spec/cluster.js";
import { clusterSpec } from "../../infra/config.js";

const spec = (settings: Readonly<Record<string, unknown>> = {}): ClusterSpec =>
  clusterSpec({
    "corekube:region": "fra1",
    "corekube:admin_cidrs": '["192.0.2.1/32"]',
    ...Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [
        `corekube:${key}`,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ),
  });
const text = (from: ClusterSpec, role: Role, path: string): string | undefined =>
  nodeConfig(from, role, digitaloceanProfile).files.find((file) => file.path === path)?.contents;
const unit = (from: ClusterSpec, role: Role, name: string): string => {
  const found = nodeConfig(from, role, digitaloceanProfile).units.find((candidate) => candidate.name === name);
  return `${found?.contents ?? ""}${Object.values(found?.dropins ?? {}).join("")}`;
};
const pod = (from: ClusterSpec, name: string) =>
  (
    parseYaml(text(from, "controller", `/etc/corekube/manifests/${name}.yaml`) ?? "") as {
      spec: { containers: { resources: unknown; command: string[] }[] };
    }
  ).spec.containers[0]!;

/** A machine whose tools answer like this. */
function machine(
  resources: NodeResources,
  has: { cpus: number; memory: number; blocks: number },
): { status: number | null; stderr: string; values: string } {
  const folder = mkdtempSync(join(tmpdir(), "corekube-reserve-"));
  const tool = (name: string, body: string): void => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  try {
    tool("nproc", `echo ${has.cpus}`);
    tool("stat", `echo '${has.blocks} * 4096'`);
    tool("mkdir", "");
    writeFileSync(join(folder, "meminfo"), `MemTotal:       ${has.memory} kB\nMemFree:          12 kB\n`);
    const script = `set -euo pipefail\n${reserve(resources).replace("/proc/meminfo", join(folder, "meminfo"))}\necho "$RESERVED_CPU $RESERVED_MEMORY $RESERVED_DISK"`;
    const { status, stdout, stderr } = spawnSync("bash", ["-c", script], {
      env: { PATH: `${folder}:/usr/bin:/bin` },
      encoding: "utf8",
    });
    return { status, stderr, values: stdout.trim() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("what nodes keep from pods", () => {
  const asked: NodeResources = { pods: { cpus: 2, memory: 2048, disk: 10_240 }, system: { cpus: 1, memory: 1024 } };

  it("leaves exactly the requested resources, besides the kubelet's eviction thresholds", () => {
    // 8 GB as a machine shows them, 160 GB of disk.
    const blocks = 41_284_608;
    const { status, values } = machine(asked, { cpus: 4, memory: 8_148_000, blocks });
    assert.equal(status, 0);
    const [cpu, memory, disk] = values.split(" ").map((value) => Number.parseInt(value, 10)) as [
      number,
      number,
      number,
    ];
    assert.equal(4000 - cpu, 2000);
    assert.equal(8_148_000 - memory - 100 * 1024, 2048 * 1024);
    const bytes = blocks * 4096;
    assert.ok(Math.abs(bytes * 0.9 - disk * 1024 - 10_240 * 2 ** 20) < 2 ** 20);
    assert.match(values, /^\d+m \d+Ki \d+Ki$/);
  });

  it("is what the system needs where pods may have the rest", () => {
    const { values } = machine(
      { pods: {}, system: { cpus: 0.25, memory: 512 } },
      { cpus: 2, memory: 4_000_000, blocks: 1_000_000 },
    );
    assert.equal(values, `250m ${512 * 1024}Ki 0Ki`);
  });

  it("is refused on a machine that has less", () => {
    const { status, stderr } = machine(asked, { cpus: 2, memory: 1_000_000, blocks: 1_000_000 });
    assert.equal(status, 1);
    assert.match(stderr, /too small.*reserved_resources/);
  });
});

describe("machine sizes", () => {
  it("are the cheapest that satisfy the requirements", () => {
    const of = (settings: Readonly<Record<string, unknown>>): string[] => {
      const { etcd, controllers, workers, publicWorkers } = spec(settings);
      return [etcd, controllers, workers, publicWorkers].map(({ size }) => size);
    };
    assert.deepEqual(of({}), ["s-1vcpu-2gb", "s-2vcpu-4gb", "s-4vcpu-8gb", "s-4vcpu-8gb"]);
    assert.deepEqual(of({ reserved_resources: { kube_cpus: 1, kube_mem: 1024 } })[2], "s-2vcpu-4gb");
    // Memory-optimized ones cost less than the others with so much memory.
    assert.equal(of({ public_reserved_resources: { kube_mem: 60_000 } })[3], "m-8vcpu-64gb");
    assert.equal(of({ etcd: { mem: 8192 } })[0], "m-2vcpu-16gb");
  });

  it("count what the kernel takes", () => {
    assert.ok(usableMemory({ memory: 4096 }) < 4096 * 0.98);
    const sizes = [
      { name: "small", cpus: 2, memory: 4096, disk: 0, monthly: 1 },
      { name: "large", cpus: 2, memory: 8192, disk: 0, monthly: 2 },
    ];
    assert.equal(smallestSize(sizes, { cpus: 2, memory: 4096, disk: 0 })?.name, "large");
    assert.equal(smallestSize(sizes, { cpus: 2, memory: 3800, disk: 0 })?.name, "small");
    assert.equal(smallestSize(sizes, { cpus: 3, memory: 1, disk: 0 }), undefined);
  });
});

describe("proxies", () => {
  const proxied = spec({
    http_proxy: "http://proxy.example:3128",
    https_proxy: "http://proxy.example:3129",
    no_proxy: "registry.example, 10.200.0.0/16",
  });

  it("are for downloads, the container runtime and the kubelet", () => {
    const file = text(proxied, "worker", "/etc/corekube/proxy.env") ?? "";
    for (const line of [
      "http_proxy=http://proxy.example:3128",
      "HTTP_PROXY=http://proxy.example:3128",
      "https_proxy=http://proxy.example:3129",
      "HTTPS_PROXY=http://proxy.example:3129",
    ]) {
      assert.ok(file.split("\n").includes(line), line);
    }
    for (const name of ["corekube-install.service", "containerd.service", "kubelet.service"])
      assert.match(unit(proxied, "worker", name), /^EnvironmentFile=-\/etc\/corekube\/proxy\.env$/m);
    assert.match(unit(proxied, "etcd", "corekube-install.service"), /proxy\.env/);
    assert.doesNotMatch(unit(proxied, "etcd", "etcd.service"), /proxy/);
  });

  it("never see what belongs to the cluster", () => {
    const line =
      /^no_proxy=(.*)$/m.exec(text(proxied, "controller", "/etc/corekube/proxy.env") ?? "")?.[1]?.split(",") ?? [];
    for (const entry of [
      "10.2.0.0/16",
      "10.3.0.0/16",
      "10.4.0.0/20",
      "169.254.169.254",
      "127.0.0.0/8",
      "localhost",
      ".svc",
      ".cluster.local",
      "registry.example",
      "10.200.0.0/16",
    ]) {
      assert.ok(line.includes(entry), entry);
    }
  });

  it("never see the API where its load balancer has a name, which programs compare before they look it up", () => {
    const aws = clusterSpec({
      "corekube:cloud": "aws",
      "corekube:region": "eu-west-1",
      "aws:region": "eu-west-1",
      "corekube:admin_cidrs": '["192.0.2.1/32"]',
      "corekube:https_proxy": "http://proxy.example:3129",
    });
    const host = "kubernetes-api-internal-0123456789abcdef.elb.eu-west-1.amazonaws.com";
    const direct = (entry: string): boolean => entry.startsWith(".") && host.endsWith(entry);
    assert.ok(aws.proxy?.noProxy.some(direct), aws.proxy?.noProxy.join());
    assert.ok(!aws.proxy?.noProxy.some((entry) => "s3.eu-west-1.amazonaws.com".endsWith(entry)));
  });

  it("leave nothing where there are none", () => {
    assert.equal(text(spec(), "worker", "/etc/corekube/proxy.env"), undefined);
  });
});

describe("disks of etcd", () => {
  it("are two volumes, the write-ahead log apart from the data", () => {
    const volumes = spec();
    assert.match(unit(volumes, "etcd", "etcd.service"), /--wal-dir=\/var\/lib\/etcd-wal\/wal /);
    assert.match(unit(volumes, "etcd", "etcd.service"), /^ReadWritePaths=\/var\/lib\/etcd \/var\/lib\/etcd-wal$/m);
    const script = text(volumes, "etcd", "/opt/corekube/bin/volume") ?? "";
    assert.match(script, /attach "\/dev\/disk\/by-id\/scsi-0DO_Volume_\$HOSTNAME-data" \/var\/lib\/etcd etcd$/m);
    assert.match(script, /attach "\/dev\/disk\/by-id\/scsi-0DO_Volume_\$HOSTNAME-wal" \/var\/lib\/etcd-wal etcd-wal$/m);
  });

  it("are the machine's own with disk_type ROOT", () => {
    const root = spec({ etcd: { count: 3, disk_type: "ROOT" } });
    assert.doesNotMatch(unit(root, "etcd", "etcd.service"), /wal|corekube-volume/);
    assert.equal(text(root, "etcd", "/opt/corekube/bin/volume"), undefined);
    assert.doesNotMatch(unit(root, "etcd", "corekube-activate.service"), /volume/);
    assert.match(
      text(root, "etcd", "/opt/corekube/bin/activate") ?? "",
      /install -d -o etcd -g etcd -m 0700 \/var\/lib\/etcd$/m,
    );
  });
});

describe("components", () => {
  it("ask for what their options say, and are limited where another takes over", () => {
    const asked = spec({
      apiserver: { cpus: 1.5, mem: 2048 },
      controller_manager: { cpus: 0.25, mem: 300 },
      controller_size: "s-4vcpu-8gb",
    });
    assert.deepEqual(pod(asked, "kube-apiserver").resources, { requests: { cpu: "1500m", memory: "2048Mi" } });
    assert.deepEqual(pod(asked, "kube-controller-manager").resources, {
      requests: { cpu: "250m", memory: "300Mi" },
      limits: { memory: "300Mi" },
    });
  });

  for (const [level, verbosity, word] of [
    ["ERROR", 0, "error"],
    ["WARN", 1, "warn"],
    ["INFO", 2, "info"],
    ["DEBUG", 4, "debug"],
  ] as const) {
    it(`tell at ${level} what belongs there`, () => {
      const described = spec({ log_level: level });
      assert.ok(pod(described, "kube-apiserver").command.includes(`--v=${verbosity}`));
      assert.deepEqual(
        (parseYaml(text(described, "worker", "/etc/corekube/kubelet.yaml") ?? "") as { logging: unknown }).logging,
        { verbosity },
      );
      assert.match(unit(described, "etcd", "etcd.service"), new RegExp(`--log-level=${word} `));
      assert.match(
        text(described, "worker", "/etc/containerd/config.toml") ?? "",
        new RegExp(`^level = "${word}"$`, "m"),
      );
    });
  }
});

describe("public workers", () => {
  it("have label and taint of their pool", () => {
    assert.match(unit(spec(), "public", "kubelet.service"), /corekube\.io\/pool=public/);
    const { registerWithTaints } = parseYaml(text(spec(), "public", "/etc/corekube/kubelet.yaml") ?? "") as {
      registerWithTaints: unknown;
    };
    assert.deepEqual(registerWithTaints, [{ key: "corekube.io/pool", value: "public", effect: "NoSchedule" }]);
    assert.match(unit(spec(), "worker", "kubelet.service"), /corekube\.io\/pool=worker/);
  });
});

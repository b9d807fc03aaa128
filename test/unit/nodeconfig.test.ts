/** What holds for the user-data of every machine, whatever the settings. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parse as parseYaml } from "yaml";
import { cloudNamed } from "../../components/clouds.js";
import { userDataBudget, userDataLimit } from "../../components/nodeconfig/budget.js";
import { etcdSettings, quotaBytes } from "../../components/nodeconfig/etcd.js";
import { nodeConfig, renderUserData } from "../../components/nodeconfig/index.js";
import { hostsToml, releaseUrl } from "../../components/nodeconfig/base/mirror.js";
import { controllerRules } from "../../components/nodeconfig/security/index.js";
import { controlPlaneUsers } from "../../components/nodeconfig/base/users.js";
import { merge, type NodeConfig } from "../../components/nodeconfig/base/types.js";
import type { ClusterSpec, Role } from "../../components/spec/cluster.js";
import { findSecrets, unpackUserData } from "../../lab/checks/secrets.js";
import { filesOf } from "../../components/contract/secretFiles.js";
import { servingUnits } from "../../components/contract/units.js";
import { clusters, roles } from "../golden/support/specs.js";
import { decode } from "../golden/support/decode.js";
import { anySpec } from "./support/arbitrary.js";

const config = (spec: ClusterSpec, role: Role): NodeConfig => nodeConfig(spec, role, cloudNamed(spec.cloud).profile);
const userData = (spec: ClusterSpec, role: Role): string => renderUserData(spec, role, cloudNamed(spec.cloud).profile);
const anyRole = fc.constantFrom(...roles);
const text = (found: NodeConfig, path: string): string =>
  found.files.find((file) => file.path === path)?.contents ?? assert.fail(`no ${path}`);
const unit = (found: NodeConfig, name: string): string =>
  found.units.find((candidate) => candidate.name === name)?.contents ?? assert.fail(`no ${name}`);

describe("user-data of any cluster", function () {
  this.timeout(120_000);

  it("fits into what clouds accept", () => {
    fc.assert(
      fc.property(anySpec, anyRole, (spec, role) => {
        assert.ok(Buffer.byteLength(userData(spec, role)) <= userDataLimit);
      }),
      { numRuns: 150 },
    );
  });

  it("is the same text for the same settings, and does not know how many workers there are", () => {
    fc.assert(
      fc.property(anySpec, anyRole, (spec, role) => {
        const more = { ...spec, workers: { ...spec.workers, count: spec.workers.count + 1 } };
        assert.equal(userData(spec, role), userData(structuredClone(spec), role));
        assert.equal(userData(spec, role), userData(more, role));
      }),
      { numRuns: 20 },
    );
  });

  it("names no machine and no address of one", () => {
    for (const [name, spec] of Object.entries(clusters)) {
      for (const role of roles) {
        const decoded = decode(userData(spec, role));
        assert.doesNotMatch(decoded, new RegExp(`${spec.name}-(etcd|controller|worker)-[0-9]`), name);
        const inside = [...decoded.matchAll(/\b(\d+\.\d+)\.\d+\.\d+\b/g)]
          .map((match) => match[1]!)
          .filter((start) => start === "10.4");
        assert.deepEqual(inside, [], `${name} ${role}: addresses in the private network`);
      }
    }
  });

  it("has no secret", () => {
    for (const spec of Object.values(clusters)) {
      for (const role of roles) {
        const decoded = decode(userData(spec, role));
        assert.deepEqual(findSecrets(decoded), []);
        assert.deepEqual(findSecrets(unpackUserData(userData(spec, role))), []);
        // Kubeconfigs and keys come later: paths, never content.
        // The metadata service's own token is asked for by each machine, and lives for minutes.
        assert.doesNotMatch(
          decoded.replaceAll("X-aws-ec2-metadata-token: $token", ""),
          /-----BEGIN|client-key-data|client-certificate-data|"?token"?: ?\S/,
        );
      }
    }
  });
});

describe("machines", () => {
  for (const role of roles) {
    const found = config(clusters.ha, role);

    it(`of role ${role} have every program that a unit starts`, () => {
      const scripts = found.files.filter(({ mode }) => (mode & 0o111) !== 0).map(({ path }) => path);
      const programs = found.units.flatMap(({ contents = "" }) =>
        [...contents.matchAll(/^Exec\w+=\+?(\S+)/gm)].map((match) => match[1]!),
      );
      assert.ok(programs.length >= 4);
      const downloaded = role === "etcd" ? ["/opt/bin/etcd"] : ["/opt/bin/kubelet"];
      for (const program of programs) assert.ok([...scripts, ...downloaded, "/bin/bash"].includes(program), program);
    });

    it(`of role ${role} write nothing to /usr, and keep scripts readable`, () => {
      for (const { path, mode } of [...found.files, ...found.directories]) {
        assert.match(path, /^\/(etc|opt)\//);
        assert.equal(mode & 0o022, 0, `${path} may be written by others`);
      }
    });

    it(`of role ${role} have only units that deliveries watch, or that are masked`, () => {
      // A machine serves without the approver (other controllers have one too), and without maintenance.
      const beside = ["corekube-approve.service", "corekube-maintain.service", "corekube-maintain.timer"];
      for (const { name, masked } of found.units)
        assert.ok(masked || beside.includes(name) || servingUnits.includes(name), name);
    });

    it(`of role ${role} start units only in an order that ends`, () => {
      const names = found.units.map(({ name }) => name);
      for (const { contents = "", name } of found.units) {
        const needed = [...contents.matchAll(/^(?:Requires|After|Wants)=(.*)$/gm)].flatMap((match) =>
          match[1]!.split(" "),
        );
        for (const other of needed)
          assert.ok(
            names.includes(other) || ["network-online.target", "containerd.service"].includes(other),
            `${name}: ${other}`,
          );
        assert.ok(!needed.includes(name));
      }
      for (const { enabled, contents, name } of found.units)
        assert.equal(enabled ?? false, contents?.includes("[Install]") ?? false, name);
    });

    it(`of role ${role} never start their service before the secrets are there`, () => {
      const service = role === "etcd" ? "etcd.service" : "kubelet.service";
      assert.ok(!found.units.find(({ name }) => name === service)?.enabled);
      assert.match(unit(found, "corekube-secrets.path"), /^PathExists=\/etc\/corekube\/secrets\/complete$/m);
      assert.match(text(found, "/opt/corekube/bin/activate"), new RegExp(`^start ${service} /opt/bin/`, "m"));
      const starters = found.units.filter(({ contents = "" }) =>
        contents.replace(/^(After|Description)=.*$/gm, "").includes(service),
      );
      assert.deepEqual(starters, []);
    });

    it(`of role ${role} do not reboot by themselves`, () => {
      assert.ok(found.units.find(({ name }) => name === "locksmithd.service")?.masked);
    });
  }

  it("that run pods verify what they download", () => {
    const script = text(config(clusters.single, "worker"), "/opt/corekube/bin/install");
    for (const name of ["kubelet", "cni-plugins"] as const) {
      assert.ok(script.includes(`${clusters.single.releases[name].url} ${clusters.single.releases[name].sha256}`));
    }
    assert.ok(!script.includes(clusters.single.releases.etcd.url));
  });

  it("that run pods refuse requests without a certificate or permission", () => {
    for (const role of ["controller", "worker"] as const) {
      const kubelet = parseYaml(text(config(clusters.single, role), "/etc/corekube/kubelet.yaml")) as Record<
        string,
        unknown
      >;
      assert.deepEqual(kubelet["authentication"], {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: "/etc/corekube/secrets/ca.crt" },
      });
      assert.deepEqual(kubelet["authorization"], { mode: "Webhook" });
      assert.equal(kubelet["readOnlyPort"], 0);
      assert.equal(kubelet["protectKernelDefaults"], true);
      assert.deepEqual(kubelet["clusterDNS"], ["10.3.0.10"]);
      assert.equal("staticPodPath" in kubelet, role === "controller");
      assert.equal("registerWithTaints" in kubelet, role === "controller");
    }
  });

  it("that are workers join with a token, controllers never do", () => {
    assert.match(
      unit(config(clusters.single, "worker"), "kubelet.service"),
      /--bootstrap-kubeconfig=\/etc\/corekube\/secrets\/bootstrap\.kubeconfig/,
    );
    assert.doesNotMatch(unit(config(clusters.single, "controller"), "kubelet.service"), /bootstrap/);
  });

  it("that run etcd talk to certificates only", () => {
    const etcd = unit(config(clusters.ha, "etcd"), "etcd.service");
    for (const flag of [
      "--client-cert-auth",
      "--peer-client-cert-auth",
      "--trusted-ca-file=",
      "--peer-trusted-ca-file=",
      "--tls-min-version=TLS1.2",
    ])
      assert.ok(etcd.includes(flag), flag);
    assert.deepEqual([...etcd.matchAll(/http:\/\/[^\s,]+/g)].map(String), []);
    assert.match(etcd, /^User=etcd$/m);
    // Delivered, so that it follows the disk of a member that runs; a flag would win over it.
    assert.doesNotMatch(etcd, /quota/);
    assert.match(etcd, /^EnvironmentFile=\/etc\/corekube\/secrets\/etcd\.env$/m);
    assert.equal(etcdSettings(clusters.ha), `ETCD_QUOTA_BACKEND_BYTES=${8 * 2 ** 30}\n`);
  });

  it("come back by themselves from any boot: every step repeats itself, and none needs another's first attempt", () => {
    for (const role of roles) {
      const steps = config(clusters.ha, role).units.filter(
        ({ name, masked }) => /^corekube-(?!maintain)/.test(name) && !masked,
      );
      assert.ok(steps.length >= 4, role);
      for (const { name, contents = "" } of steps.filter((step) => step.name.endsWith(".service"))) {
        assert.match(contents, /^Restart=(on-failure|always)$/m, name);
        assert.match(contents, /^StartLimitIntervalSec=0$/m, name);
        assert.doesNotMatch(contents, /^(Requires|BindsTo|Requisite)=/m, name);
      }
    }
  });

  it("boot the operating system that they were made with: nothing fetches another one", () => {
    for (const role of roles) {
      const masked = config(clusters.single, role).units.filter((each) => each.masked);
      assert.deepEqual(
        masked.map(({ name }) => name),
        ["locksmithd.service", "update-engine.service", "docker.service", "docker.socket"],
      );
    }
  });

  it("ask the time servers of the settings, or Flatcar's own", () => {
    const path = "/etc/systemd/timesyncd.conf.d/10-corekube.conf";
    for (const role of roles) {
      const withServers = config({ ...clusters.single, ntpServers: ["ntp.example.com", "10.4.0.1"] }, role);
      assert.equal(text(withServers, path), "[Time]\nNTP=ntp.example.com 10.4.0.1\n");
      assert.ok(!config(clusters.single, role).files.some((file) => file.path === path));
    }
  });

  it("that run etcd leave half of the volume free", () => {
    assert.equal(quotaBytes(3), 1.5 * 2 ** 30);
    assert.equal(quotaBytes(100), 8 * 2 ** 30);
  });
});

interface Pod {
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> };
  readonly spec: {
    readonly hostNetwork: boolean;
    readonly priorityClassName: string;
    readonly securityContext: { readonly runAsNonRoot: boolean; readonly runAsUser: number };
    readonly volumes: readonly { readonly hostPath: { readonly path: string } }[];
    readonly containers: readonly {
      readonly command: readonly string[];
      readonly image: string;
      readonly securityContext: { readonly capabilities: unknown };
      readonly volumeMounts: readonly { readonly mountPath: string; readonly readOnly?: boolean }[];
    }[];
  };
}

describe("control plane", () => {
  const found = config(clusters.ha, "controller");
  const pod = (name: string): Pod => parseYaml(text(found, `/etc/corekube/manifests/${name}.yaml`)) as Pod;
  const flags = (name: string): readonly string[] => pod(name).spec.containers[0]!.command;

  for (const name of ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]) {
    it(`${name} reads what it mounts, and restarts with new secrets`, () => {
      const { metadata, spec } = pod(name);
      const [container] = spec.containers;
      assert.equal(metadata.name, name);
      assert.equal(metadata.annotations["corekube/secrets"], "${SECRETS_DIGEST}");
      assert.equal(spec.priorityClassName, "system-node-critical");
      assert.ok(spec.hostNetwork);
      assert.match(container!.image, /@sha256:[0-9a-f]{64}$/);
      for (const { readOnly, mountPath } of container!.volumeMounts)
        assert.ok(readOnly || mountPath === "/var/log/kube-apiserver", mountPath);
      const mounts = container!.volumeMounts.map(({ mountPath }) => mountPath);
      const paths = container!.command.flatMap((flag) => /=(\/[^,]*)$/.exec(flag)?.[1] ?? []);
      assert.ok(paths.length > 0);
      for (const path of paths)
        assert.ok(
          mounts.some((mount) => path === mount || path.startsWith(`${mount}/`)),
          path,
        );
    });

    it(`${name} has only variables that the activation fills in`, () => {
      const activate = text(found, "/opt/corekube/bin/activate");
      const known = [
        ...(/for name in ([A-Z_0-9 ]+); do/.exec(activate)?.[1]?.split(" ") ?? []),
        // Computed from the rest of the text.
        ...[...activate.matchAll(/"\\\$\{([A-Z_0-9]+)\}"/g)].map((match) => match[1]!),
      ];
      const used = [...text(found, `/etc/corekube/manifests/${name}.yaml`).matchAll(/\$\{?([A-Z_0-9]+)\}?/g)].map(
        (match) => match[1]!,
      );
      for (const variable of used) assert.ok(known.includes(variable), variable);
    });
  }

  for (const name of ["kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const) {
    it(`${name} runs without root, and has exactly the files that it names`, () => {
      const id = controlPlaneUsers[name];
      const files = filesOf(name);
      assert.equal(pod(name).spec.securityContext.runAsNonRoot, true);
      assert.equal(pod(name).spec.securityContext.runAsUser, id);
      const named = flags(name).flatMap((flag) => new RegExp(`=/run/corekube/${name}/(.*)$`).exec(flag)?.[1] ?? []);
      assert.deepEqual([...files].sort(), [...new Set(named)].sort());
      assert.match(
        text(found, "/opt/corekube/bin/activate"),
        new RegExp(`^credentials ${name} ${id} ${files.join(" ")}$`, "m"),
      );
    });
  }

  it("runs each program under its own user", () => {
    assert.equal(new Set(Object.values(controlPlaneUsers)).size, 3);
  });

  it("keeps the capability that the official API server's program needs to start", () => {
    assert.deepEqual(pod("kube-apiserver").spec.containers[0]!.securityContext.capabilities, {
      drop: ["ALL"],
      add: ["NET_BIND_SERVICE"],
    });
    assert.deepEqual(pod("kube-scheduler").spec.containers[0]!.securityContext.capabilities, { drop: ["ALL"] });
  });

  it("answers strangers on the health paths only", () => {
    assert.ok(
      flags("kube-apiserver").includes("--authentication-config=/run/corekube/kube-apiserver/authentication.yaml"),
    );
    const authentication = parseYaml(controllerRules(clusters.ha)["authentication.yaml"]) as { anonymous: unknown };
    assert.deepEqual(authentication.anonymous, {
      enabled: true,
      conditions: [{ path: "/livez" }, { path: "/readyz" }, { path: "/healthz" }],
    });
    assert.ok(flags("kube-apiserver").includes("--authorization-mode=Node,RBAC"));
    assert.ok(!flags("kube-apiserver").some((flag) => flag.startsWith("--anonymous-auth")));
  });

  it("emulates the minor version before, all of its programs, where it is asked to", () => {
    const emulating = config({ ...clusters.ha, emulatedVersion: "1.35" }, "controller");
    const flag = /--emulated-version=1\.35\b/;
    for (const name of ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]) {
      assert.match(text(emulating, `/etc/corekube/manifests/${name}.yaml`), flag);
      assert.doesNotMatch(text(found, `/etc/corekube/manifests/${name}.yaml`), /emulated/);
    }
  });

  it("follows the settings", () => {
    for (const flag of [
      "--service-cluster-ip-range=10.100.0.0/16",
      "--service-node-port-range=30000-37000",
      "--service-account-issuer=https://kubernetes.default.svc.prod.example",
    ]) {
      assert.ok(flags("kube-apiserver").includes(flag), flag);
    }
    for (const flag of [
      "--cluster-cidr=10.32.0.0/12",
      "--service-cluster-ip-range=10.100.0.0/16",
      "--node-cidr-mask-size=24",
      "--bind-address=${PRIVATE_IPV4}",
    ]) {
      assert.ok(flags("kube-controller-manager").includes(flag), flag);
    }
  });
});

describe("mirrors", () => {
  it("keep the layout of the originals", () => {
    assert.equal(releaseUrl({}, "https://dl.k8s.io/a/b"), "https://dl.k8s.io/a/b");
    assert.equal(
      releaseUrl({ releases: "http://m.example:1/base/" }, "https://dl.k8s.io/a/b"),
      "http://m.example:1/base/dl.k8s.io/a/b",
    );
  });

  it("are the only source of images", () => {
    const toml = hostsToml("http://192.0.2.9:5000/registry.k8s.io");
    assert.match(toml, /^server = "http:\/\/192\.0\.2\.9:5000\/v2\/registry\.k8s\.io"$/m);
    assert.match(toml, /^\[host\."http:\/\/192\.0\.2\.9:5000\/v2\/registry\.k8s\.io"\]$/m);
    assert.match(toml, /^override_path = true$/m);
    assert.match(hostsToml("https://m.example"), /^server = "https:\/\/m\.example\/v2"$/m);
  });
});

describe("budget of user-data", () => {
  it("is what clouds accept, in bytes", () => {
    assert.equal(userDataBudget("x".repeat(16_384), "x"), 0);
    assert.throws(
      () => userDataBudget("x".repeat(16_385), "role worker"),
      /user-data of role worker: got 16385 bytes, clouds accept 16384; shorten .*ssh_public_keys/,
    );
    assert.throws(() => userDataBudget("ü".repeat(8193), "x"), /16386 bytes/);
  });
});

describe("parts of a configuration", () => {
  it("may not write the same file", () => {
    const part = { files: [{ path: "/etc/a", mode: 0o644, contents: "" }] };
    assert.throws(() => merge(part, part), /\/etc\/a: two parts/);
  });
});

/** The scripts that run on machines: checked by shellcheck where it is installed, and run for real against a server and folders of the test. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { cloudNamed } from "../../components/clouds.js";
import { nodeConfig } from "../../components/nodeconfig/index.js";
import { quote } from "../../components/nodeconfig/scripts/shell.js";
import { filesOf } from "../../components/contract/secretFiles.js";
import { controlPlanePrograms, controlPlaneUsers } from "../../components/nodeconfig/base/users.js";
import type { ClusterSpec, Role } from "../../components/spec/cluster.js";
import { clusters, roles } from "../golden/support/specs.js";
import { type Result, scriptFolder, scripts } from "./support/scripts.js";

const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");

describe("scripts", function () {
  this.timeout(60_000);
  const machine = scriptFolder();
  const { local, run, fake } = machine;
  let folder: string;
  beforeEach(() => {
    folder = machine.path;
  });

  for (const [cluster, spec] of Object.entries(clusters)) {
    for (const role of roles) {
      it(`of ${role} (${cluster}) are right by bash${hasShellcheck() ? " and by shellcheck" : ""}`, () => {
        for (const { path, contents } of scripts(spec, role)) {
          const file = join(folder, "script");
          writeFileSync(file, contents);
          const parsed = spawnSync("bash", ["-n", file], { encoding: "utf8" });
          assert.equal(parsed.status, 0, `${path}: ${parsed.stderr}`);
          assert.match(contents, /^set -euo pipefail$/m, path);
          if (hasShellcheck()) {
            const checked = spawnSync("shellcheck", [file], { encoding: "utf8" });
            assert.equal(checked.status, 0, `${path}: ${checked.stdout}`);
          }
        }
      });
    }
  }

  it("quote words as bash reads them", () => {
    for (const word of ["plain", "a b", "it's", "$HOME", "`x`", "https://a.example/b?c=d&e"]) {
      assert.equal(spawnSync("bash", ["-c", `printf %s ${quote(word)}`], { encoding: "utf8" }).stdout, word);
    }
  });

  describe("install", () => {
    let server: Server;
    let asked: string[];
    let files: Map<string, Buffer>;
    let spec: ClusterSpec;

    beforeEach(async () => {
      asked = [];
      files = new Map();
      server = createServer((request, response) => {
        asked.push(request.url ?? "");
        const content = files.get(request.url ?? "");
        response.writeHead(content ? 200 : 404).end(content);
      }).listen(0, "127.0.0.1");
      await once(server, "listening");
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const tree = join(folder, "tree");
      mkdirSync(join(tree, "etcd-v9", "doc"), { recursive: true });
      for (const name of ["etcd", "etcdctl", "etcdutl", "README.md", "doc/x.md"])
        writeFileSync(join(tree, "etcd-v9", name), name);
      mkdirSync(join(tree, "cni"));
      for (const name of ["bridge", "portmap"]) writeFileSync(join(tree, "cni", name), name);
      const pack = (...args: string[]): Buffer => spawnSync("tar", ["-C", tree, "-cz", ...args]).stdout;
      const contents = {
        kubelet: Buffer.from("kubelet"),
        kubectl: Buffer.from("kubectl"),
        etcd: pack("etcd-v9"),
        "cni-plugins": pack("-C", "cni", "."),
      };
      const { releases } = clusters.single;
      const place = (name: keyof typeof contents) => {
        const { host, pathname } = new URL(releases[name].url);
        files.set(`/${host}${pathname}`, contents[name]);
        return { url: releases[name].url, sha256: sha256(contents[name]) };
      };
      spec = {
        ...clusters.single,
        mirrors: { releases: address, registries: {} },
        releases: {
          kubelet: place("kubelet"),
          kubectl: place("kubectl"),
          etcd: place("etcd"),
          "cni-plugins": place("cni-plugins"),
        },
      };
    });
    afterEach(() => void server.close());

    /** With fewer tries and shorter pauses. */
    const install = (role: Role, changed: ClusterSpec = spec): Promise<Result> => {
      machine.link(changed, role);
      return run(
        local(changed, role, "install", (text) =>
          text.replace("--retry 4", "--retry 1").replace("--retry-delay 3", "--retry-delay 1"),
        ),
      );
    };
    const unpacked = (): string[] => readdirSync(join(folder, "opt/corekube/releases")).sort();

    it("puts programs in place, and downloads nothing twice", async () => {
      const first = await install("worker");
      assert.equal(first.code, 0, first.output);
      assert.deepEqual(readdirSync(join(folder, "opt/bin")), ["kubelet"]);
      assert.deepEqual(readdirSync(join(folder, "opt/cni/bin")).sort(), ["bridge", "portmap"]);
      assert.equal(statSync(join(folder, "opt/bin/kubelet")).mode & 0o777, 0o755);
      assert.equal(asked.length, 2);
      assert.equal((await install("worker")).code, 0);
      assert.equal(asked.length, 2);
      assert.equal(unpacked().length, 2);
    });

    it("takes etcd's programs out of their archive and leaves the rest", async () => {
      assert.equal((await install("etcd")).code, 0);
      assert.equal(readFileSync(join(folder, "opt/bin/etcdctl"), "utf8"), "etcdctl");
      assert.deepEqual(readdirSync(join(folder, "opt/corekube/installed/etcd")).sort(), ["etcd", "etcdctl", "etcdutl"]);
    });

    it("downloads what another checksum is wanted of, beside the one before", async () => {
      await install("worker");
      const before = unpacked();
      const content = Buffer.from("kubelet of the next version");
      files.set(
        [...files.keys()].find((path) => path.endsWith("/kubelet"))!,
        content,
      );
      const next = {
        ...spec,
        releases: { ...spec.releases, kubelet: { ...spec.releases.kubelet, sha256: sha256(content) } },
      };
      assert.equal((await install("worker", next)).code, 0);
      assert.equal(readFileSync(join(folder, "opt/bin/kubelet"), "utf8"), content.toString());
      assert.deepEqual(
        before.filter((name) => !unpacked().includes(name)),
        [],
      );
    });

    it("starts afresh after an interruption", async () => {
      mkdirSync(join(folder, "opt/corekube/releases/.new.abcdef/kubelet.d"), { recursive: true });
      assert.equal((await install("worker")).code, 0);
      assert.equal(unpacked().length, 2);
    });

    it("refuses a file with a wrong checksum, with all that one must know, and installs nothing of it", async () => {
      const wrong = {
        ...spec,
        releases: { ...spec.releases, kubelet: { ...spec.releases.kubelet, sha256: "0".repeat(64) } },
      };
      const { code, output } = await install("worker", wrong);
      assert.equal(code, 1);
      assert.match(
        output,
        new RegExp(
          `corekube-install: kubelet: wrong checksum of ${spec.mirrors.releases}/dl\\.k8s\\.io/\\S+: expected 0{64}, got ${spec.releases.kubelet.sha256}; fix the mirror`,
        ),
      );
      assert.ok(!existsSync(join(folder, "opt/bin/kubelet")));
      assert.deepEqual(unpacked(), []);
    });

    it("gives up on a file that is not there", async () => {
      files.clear();
      const { code, output } = await install("etcd");
      assert.equal(code, 1);
      assert.match(
        output,
        /corekube-install: etcd: cannot download http:\/\/127\.0\.0\.1:\d+\/github\.com\/\S+ \(curl exit code 22\)/,
      );
      assert.ok(asked.length > 1, "it tries more than once");
    });

    it("gives up on a mirror that does not answer", async () => {
      server.close();
      const { code, output } = await install("etcd");
      assert.equal(code, 1);
      assert.match(output, /curl exit code 7/);
    });
  });

  describe("metadata", () => {
    const ask = (answers: string): Promise<Result> => {
      fake("curl", `case "\${@: -1}" in ${answers} *) exit 22;; esac`);
      return run(local(clusters.single, "worker", "metadata"));
    };
    const good =
      "*/hostname) echo dev-worker-0;; */id) echo 3164494;; */region) echo fra1;; */public/0/*) echo 192.0.2.7;; */private/0/*) echo 10.4.0.5;;";

    it("writes what the cloud says", async () => {
      const { code, output } = await ask(good);
      assert.equal(code, 0, output);
      assert.equal(
        readFileSync(join(folder, "run/corekube/metadata.env"), "utf8"),
        "HOSTNAME=dev-worker-0\nPRIVATE_IPV4=10.4.0.5\nPUBLIC_IPV4=192.0.2.7\nREGION=fra1\nZONE=\nPROVIDER_ID=digitalocean://3164494\n",
      );
    });

    it("writes nothing when the cloud says nothing, or nonsense", async () => {
      for (const [answers, words] of [
        [good.replace("echo 10.4.0.5", "echo '10.4.0.5; reboot'"), /PRIVATE_IPV4: got '10\.4\.0\.5; reboot'/],
        [good.replace("echo fra1", "exit 28"), /^$/],
      ] as const) {
        const { code, output } = await ask(answers);
        assert.notEqual(code, 0);
        assert.match(output, words);
        assert.ok(!existsSync(join(folder, "run/corekube/metadata.env")));
      }
    });
  });

  describe("activate", () => {
    const environment = {
      HOSTNAME: "dev-controller-0",
      PRIVATE_IPV4: "10.4.0.5",
      ETCD_SERVERS: "https://10.4.0.2:2379,https://10.4.0.3:2379",
    };
    const approve = "restart --no-block corekube-approve.service";
    const manifest = (): string => join(folder, "etc/kubernetes/manifests/kube-apiserver.yaml");
    const calls = (): string[] =>
      existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8").trim().split("\n") : [];
    const secret = (name: string, content: string): void =>
      writeFileSync(join(folder, "etc/corekube/secrets", name), content);

    beforeEach(() => {
      for (const path of [
        "etc/corekube/secrets",
        "etc/corekube/manifests",
        "etc/kubernetes/manifests",
        "etc/systemd/system",
        "opt/corekube/bin",
        "run/corekube",
        "var/log",
      ])
        mkdirSync(join(folder, path), { recursive: true });
      for (const { path, contents } of nodeConfig(clusters.ha, "controller", cloudNamed(clusters.ha.cloud).profile)
        .files) {
        if (path.startsWith("/etc/corekube/")) writeFileSync(join(folder, path), contents);
      }
      for (const name of [...controlPlanePrograms.flatMap(filesOf), "approve"]) secret(name, name);
      writeFileSync(join(folder, "etc/systemd/system/kubelet.service"), "[Unit]");
      secret("ca.crt", "authority");
      secret("complete", "");
      fake(
        "systemctl",
        `case $* in\n  "--quiet is-active corekube-install.service") [ ! -e ${folder}/not-installed ]; exit ;;\n  --quiet*) [ -e ${folder}/running ]; exit ;;\nesac\necho "$*" >>${folder}/calls; touch ${folder}/running`,
      );
    });
    it("does nothing before the release files are there, and may be repeated", async () => {
      writeFileSync(join(folder, "not-installed"), "");
      const script = local(clusters.ha, "controller", "activate");
      const { code, output } = await run(script, environment);
      assert.equal(code, 1);
      assert.match(output, /^activate: corekube-install\.service has not succeeded yet$/m);
      assert.deepEqual(calls(), []);
      rmSync(join(folder, "not-installed"));
      assert.equal((await run(script, environment)).code, 0);
    });

    const activate = async (HOSTNAME = environment.HOSTNAME): Promise<void> => {
      const { code, output } = await run(local(clusters.ha, "controller", "activate"), { ...environment, HOSTNAME });
      assert.equal(code, 0, output);
    };

    it("fills in templates and leaves no variable", async () => {
      await activate();
      const text = readFileSync(manifest(), "utf8");
      assert.match(text, /^ +- --advertise-address=10\.4\.0\.5$/m);
      assert.match(text, /^ +- --etcd-servers=https:\/\/10\.4\.0\.2:2379,https:\/\/10\.4\.0\.3:2379$/m);
      assert.match(text, /^ +corekube\/secrets: "?[0-9a-f]{64}"?$/m);
      assert.match(readFileSync(join(folder, "etc/kubernetes/kubelet.yaml"), "utf8"), /^resolvConf: \S+resolv\.conf$/m);
      for (const name of readdirSync(join(folder, "etc/kubernetes/manifests")))
        assert.doesNotMatch(readFileSync(join(folder, "etc/kubernetes/manifests", name), "utf8"), /\$\{/);
      assert.deepEqual(readdirSync(join(folder, "etc/kubernetes/manifests")).sort(), [
        "kube-apiserver.yaml",
        "kube-controller-manager.yaml",
        "kube-scheduler.yaml",
      ]);
      assert.deepEqual(calls(), ["restart --no-block kubelet.service", approve]);
    });

    it("gives each program its own files, closed to everyone else", async () => {
      await activate();
      for (const program of controlPlanePrograms) {
        const id = controlPlaneUsers[program];
        const files = filesOf(program);
        const own = join(folder, "run/corekube", program);
        assert.deepEqual(readdirSync(own).sort(), [...files].sort());
        for (const path of [own, ...files.map((name) => join(own, name))]) {
          const { mode, uid, gid } = statSync(path);
          assert.deepEqual([mode & 0o777, uid, gid], [path === own ? 0o500 : 0o400, id, id], path);
        }
      }
      for (const path of ["etc/kubernetes/kubelet.yaml", "etc/kubernetes/manifests/kube-scheduler.yaml"])
        assert.equal(statSync(join(folder, path)).mode & 0o777, 0o600, path);
      const log = statSync(join(folder, "var/log/kube-apiserver"));
      assert.deepEqual([log.mode & 0o777, log.uid], [0o700, controlPlaneUsers["kube-apiserver"]]);
    });

    it("touches nothing when nothing has changed", async () => {
      await activate();
      utimesSync(manifest(), 1, 1);
      await activate();
      assert.equal(statSync(manifest()).mtimeMs, 1000);
      assert.deepEqual(calls(), ["restart --no-block kubelet.service", approve, approve]);
    });

    it("restarts no program that reads a renewed certificate again, and every program that does not", async () => {
      const all = (): string[] =>
        controlPlanePrograms.map((name) =>
          readFileSync(join(folder, "etc/kubernetes/manifests", `${name}.yaml`), "utf8"),
        );
      await activate();
      const before = all();
      for (const name of [
        "apiserver.crt",
        "apiserver.key",
        "etcd-client.key",
        "front-proxy-client.crt",
        "scheduler.crt",
      ])
        secret(name, "renewed");
      secret("scheduler.kubeconfig", "renewed");
      await activate();
      assert.deepEqual(
        all().map((text, index) => text === before[index]),
        [true, true, false],
      );
      assert.equal(readFileSync(join(folder, "run/corekube/kube-apiserver/apiserver.crt"), "utf8"), "renewed");
      for (const name of ["encryption.yaml", "audit.yaml", "service-account.pub"]) {
        const [was] = all();
        secret(name, "another");
        await activate();
        assert.notEqual(all()[0], was, name);
      }
      assert.deepEqual(
        calls().filter((call) => call.includes("kubelet")),
        ["restart --no-block kubelet.service"],
        "the first start, and no other",
      );
    });

    it("gives pods identities that no kubelet changes: of the text and of the machine", async () => {
      const identity = (): string => /^ +uid: "?([0-9a-f]{32})"?$/m.exec(readFileSync(manifest(), "utf8"))?.[1] ?? "";
      await activate();
      const found = [identity()];
      secret("encryption.yaml", "another");
      await activate();
      found.push(identity());
      await activate("dev-controller-1");
      found.push(identity());
      assert.ok(!found.includes(""));
      assert.equal(new Set(found).size, 3);
    });

    it("restarts the kubelet only when it has replaced the pods, which would have a second to end otherwise", async () => {
      fake("sleep", `echo "waited" >>${folder}/calls; touch ${folder}/replaced`);
      fake("ps", `if [ -e ${folder}/replaced ]; then echo 0; else echo 1000; fi`);
      await activate();
      secret("ca.crt", "another authority");
      await activate();
      assert.deepEqual(calls().slice(2), ["waited", "restart kubelet.service", approve]);
    });

    it("restarts everything when an authority has changed", async () => {
      fake("ps", "echo 0");
      await activate();
      const before = readFileSync(manifest(), "utf8");
      secret("ca.crt", "another authority");
      await activate();
      assert.notEqual(readFileSync(manifest(), "utf8"), before);
      assert.deepEqual(calls().slice(2), ["restart kubelet.service", approve]);
    });
  });
});

function hasShellcheck(): boolean {
  return spawnSync("shellcheck", ["--version"]).status === 0;
}

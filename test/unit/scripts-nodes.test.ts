/** The scripts of machines that join and that say whether they serve, run for real. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { clusters, roles } from "../golden/support/specs.js";
import { scriptFolder } from "./support/scripts.js";

describe("scripts of nodes", function () {
  this.timeout(60_000);
  const machine = scriptFolder();
  const { local, run, fake } = machine;
  let folder: string;
  beforeEach(() => {
    folder = machine.path;
  });

  describe("activate of a worker", () => {
    const kubeconfig = (server: string): string =>
      `apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority: /etc/corekube/secrets/ca.crt\n    server: ${server}\n  name: default-cluster\n`;
    const own = (): string => join(folder, "var/lib/kubelet/kubeconfig");
    const activate = async (server: string): Promise<void> => {
      const { code, output } = await run(local(clusters.ha, "worker", "activate"), {
        HOSTNAME: "dev-worker-0",
        API_SERVER: server,
      });
      assert.equal(code, 0, output);
    };

    beforeEach(() => {
      for (const path of [
        "etc/corekube/secrets",
        "etc/kubernetes",
        "etc/systemd/system",
        "opt/corekube/bin",
        "run/corekube",
        "var/lib/kubelet",
      ])
        mkdirSync(join(folder, path), { recursive: true });
      writeFileSync(join(folder, "etc/corekube/kubelet.yaml"), "kind: KubeletConfiguration\n");
      writeFileSync(join(folder, "etc/corekube/secrets/ca.crt"), "authority");
      writeFileSync(join(folder, "etc/systemd/system/kubelet.service"), "[Unit]");
      fake("systemctl", "true");
    });

    it("leads a kubelet that has joined to the API where it is now, with everything else as it was", async () => {
      writeFileSync(own(), kubeconfig("https://10.4.0.5:6443"), { mode: 0o600 });
      await activate("https://10.4.0.9:6443");
      assert.equal(readFileSync(own(), "utf8"), kubeconfig("https://10.4.0.9:6443"));
      assert.equal(statSync(own()).mode & 0o777, 0o600);
      utimesSync(own(), 1, 1);
      await activate("https://10.4.0.9:6443");
      assert.equal(statSync(own()).mtimeMs, 1000, "the same address changes nothing");
      assert.deepEqual(readdirSync(join(folder, "var/lib/kubelet")), ["kubeconfig"]);
    });

    it("restarts a kubelet for everything that it starts with, and for nothing else", async () => {
      fake("systemctl", `case $1 in --quiet) exit 0 ;; esac\necho "$*" >>${folder}/calls`);
      const restarts = (): number =>
        existsSync(join(folder, "calls")) ? readFileSync(join(folder, "calls"), "utf8").trim().split("\n").length : 0;
      const write = (path: string, text: string) => (): void => writeFileSync(join(folder, path), text);
      const program = (version: string) => (): void => {
        mkdirSync(join(folder, "opt/bin"), { recursive: true });
        rmSync(join(folder, "opt/bin/kubelet"), { force: true });
        symlinkSync(join(folder, "opt/bin", `kubelet-${version}`), join(folder, "opt/bin/kubelet"));
      };
      program("1")();
      write("run/corekube/metadata.env", "PRIVATE_IPV4=10.4.0.5\n")();
      await activate("https://10.4.0.9:6443");
      const changes: readonly (readonly [string, () => void, restart?: false])[] = [
        ["nothing", () => undefined, false],
        ["its unit", write("etc/systemd/system/kubelet.service", "[Unit]\n# 2")],
        ["its configuration", write("etc/corekube/kubelet.yaml", "kind: Other\n")],
        ["its program", program("2")],
        ["a proxy", write("etc/corekube/proxy.env", "http_proxy=x\n")],
        ["another proxy", write("etc/corekube/proxy.env", "http_proxy=y\n")],
        ["no proxy", () => rmSync(join(folder, "etc/corekube/proxy.env"))],
        ["what the cloud says of the machine", write("run/corekube/metadata.env", "PRIVATE_IPV4=10.4.0.6\n")],
        ["the authority", write("etc/corekube/secrets/ca.crt", "another authority")],
        ["a script", write("opt/corekube/bin/report", "true"), false],
      ];
      for (const [what, change, restart = true] of changes) {
        const before = restarts();
        change();
        await activate("https://10.4.0.9:6443");
        assert.equal(restarts() - before, restart ? 1 : 0, what);
      }
    });

    it("leaves it to the kubelet to join for the first time", async () => {
      await activate("https://10.4.0.9:6443");
      assert.ok(!existsSync(own()));
    });
  });

  describe("health", () => {
    const program = (name: string): string => join(folder, "opt/bin", name);
    beforeEach(() => {
      // Every unit's process is the shell that asks.
      fake("systemctl", "echo $PPID");
      mkdirSync(join(folder, "opt/bin"), { recursive: true });
      for (const name of ["kubelet", "etcd"]) symlinkSync("/bin/bash", program(name));
    });

    for (const [role, unit] of [
      ["worker", "kubelet"],
      ["controller", "kubelet"],
      ["etcd", "etcd"],
    ] as const)
      it(`waits until ${unit} runs the program that is installed now: ${role}`, async () => {
        fake("curl", "exit 0");
        mkdirSync(join(folder, "opt/corekube/bin"), { recursive: true });
        writeFileSync(join(folder, "opt/corekube/bin/member"), "#!/bin/bash\n", { mode: 0o755 });
        rmSync(program(unit));
        writeFileSync(program(unit), "");
        assert.deepEqual(await run(local(clusters.ha, role, "health")), {
          code: 1,
          output: `${unit}.service does not run ${program(unit)} yet\n`,
        });
      });

    it("says which part of a controller does not serve", async () => {
      fake("ps", "echo 5");
      fake("stat", "echo 0");
      fake(
        "curl",
        'case "$*" in *6443/readyz) printf "refused\\nMore details here: https://curl.se\\n" >&2; exit 60;; esac',
      );
      const { code, output } = await run(local(clusters.ha, "controller", "health"));
      assert.equal(code, 1);
      assert.equal(output, "kube-apiserver is not ready: refused\n");
    });

    it("waits for pods that still run with the secrets before", async () => {
      fake("curl", "exit 0");
      fake("ps", "echo 100");
      fake("stat", "date +%s");
      const { code, output } = await run(local(clusters.ha, "controller", "health"));
      assert.equal(code, 1);
      assert.equal(output, "kube-apiserver still runs with the previous secrets\n");
      fake("ps", "exit 1");
      assert.equal(
        (await run(local(clusters.ha, "controller", "health"))).output,
        "kube-apiserver is not running yet\n",
      );
    });

    it("waits for the certificate that logs and exec need", async () => {
      mkdirSync(join(folder, "run/corekube"), { recursive: true });
      writeFileSync(join(folder, "run/corekube/metadata.env"), "PRIVATE_IPV4=10.4.0.5\n");
      fake("curl", 'case "$*" in *https://10.4.0.5:10250/*) echo "no certificate" >&2; exit 35;; esac');
      assert.deepEqual(await run(local(clusters.ha, "worker", "health")), {
        code: 1,
        output: "kubelet has no serving certificate yet: no certificate\n",
      });
    });

    for (const role of roles) {
      it(`reports a healthy ${role} when all of its programs respond`, async () => {
        fake("curl", "exit 0");
        fake("ps", "echo 5");
        fake("stat", "echo 0");
        mkdirSync(join(folder, "run/corekube"), { recursive: true });
        writeFileSync(join(folder, "run/corekube/metadata.env"), "PRIVATE_IPV4=10.4.0.5\n");
        mkdirSync(join(folder, "opt/corekube/bin"), { recursive: true });
        writeFileSync(join(folder, "opt/corekube/bin/member"), "#!/bin/bash\n", { mode: 0o755 });
        assert.deepEqual(await run(local(clusters.ha, role, "health")), { code: 0, output: "" });
      });
    }
  });
});

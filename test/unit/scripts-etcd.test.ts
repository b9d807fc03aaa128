/** The scripts of etcd members, run for real. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { filesOf } from "../../components/contract/secretFiles.js";
import { clusters } from "../golden/support/specs.js";
import { scriptFolder } from "./support/scripts.js";

describe("scripts of etcd members", function () {
  this.timeout(60_000);
  const machine = scriptFolder();
  const { local, run, fake } = machine;
  let folder: string;
  beforeEach(() => {
    folder = machine.path;
  });

  describe("activate of an etcd member", () => {
    beforeEach(() => {
      for (const path of [
        "etc/corekube/secrets",
        "etc/systemd/system",
        "run/corekube",
        "var/lib/etcd",
        "var/lib/etcd-wal",
      ])
        mkdirSync(join(folder, path), { recursive: true });
      for (const name of filesOf("etcd")) writeFileSync(join(folder, "etc/corekube/secrets", name), name);
      writeFileSync(join(folder, "etc/corekube/secrets/etcd.env"), "ETCD_QUOTA_BACKEND_BYTES=4000\n");
      writeFileSync(join(folder, "etc/systemd/system/etcd.service"), "[Unit]");
      const log = (name: string): string => `echo "${name} $*" >>${folder}/calls`;
      fake("systemctl", `case $1 in --quiet) exit 0 ;; esac\n${log("systemctl")}`);
      fake("install", "true");
      fake("findmnt", `echo /dev/\${!#//\\//_}`);
      fake("resize2fs", log("resize2fs"));
      fake("sleep", `${log("sleep")}; echo 8000 >${folder}/size`);
      fake("blockdev", `case $2 in *wal*) echo 1 ;; *) cat ${folder}/size ;; esac`);
    });
    const activate = () => run(local(clusters.ha, "etcd", "activate"));
    const calls = (): string[] => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");

    it("grows both file systems under a member that runs, before it starts it with the new quota", async () => {
      writeFileSync(join(folder, "size"), "8000\n");
      const { code, output } = await activate();
      assert.equal(code, 0, output);
      assert.deepEqual(
        calls().map((call) => call.replaceAll(folder.replaceAll("/", "_"), "")),
        [
          "resize2fs /dev/_var_lib_etcd",
          "resize2fs /dev/_var_lib_etcd-wal",
          "systemctl restart etcd.service",
          "systemctl start --no-block corekube-maintain.service",
        ],
      );
    });

    it("does not restart a member for certificates, which it reads again", async () => {
      writeFileSync(join(folder, "size"), "8000\n");
      const restarts = async (name: string): Promise<number> => {
        writeFileSync(join(folder, "etc/corekube/secrets", name), `ETCD_QUOTA_BACKEND_BYTES=3000\n${Math.random()}`);
        const before = calls().filter((call) => call === "systemctl restart etcd.service").length;
        assert.equal((await activate()).code, 0);
        return calls().filter((call) => call === "systemctl restart etcd.service").length - before;
      };
      assert.equal((await activate()).code, 0);
      for (const name of ["server.crt", "server.key", "peer.crt", "peer.key", "cluster.env"])
        assert.equal(await restarts(name), 0, name);
      for (const name of ["etcd-ca.crt", "etcd.env"]) assert.equal(await restarts(name), 1, name);
    });

    it("restarts a member when what the machine is called, or its address, has changed", async () => {
      writeFileSync(join(folder, "size"), "8000\n");
      const restarts = () => calls().filter((call) => call === "systemctl restart etcd.service").length;
      const metadata = (text: string): void => writeFileSync(join(folder, "run/corekube/metadata.env"), text);
      metadata("PRIVATE_IPV4=10.4.0.2\n");
      assert.equal((await activate()).code, 0);
      const before = restarts();
      assert.equal((await activate()).code, 0);
      assert.equal(restarts(), before);
      metadata("PRIVATE_IPV4=10.4.0.9\n");
      assert.equal((await activate()).code, 0);
      assert.equal(restarts(), before + 1);
    });

    it("waits for a volume that shows its new size later", async () => {
      writeFileSync(join(folder, "size"), "3000\n");
      const { code, output } = await activate();
      assert.equal(code, 0, output);
      assert.deepEqual(
        calls()
          .slice(0, 2)
          .map((call) => call.split(" ")[0]),
        ["sleep", "resize2fs"],
      );
    });

    it("stops a member whose file system the kernel does not grow while it is mounted, and mounts it grown", async () => {
      writeFileSync(join(folder, "size"), "8000\n");
      fake("resize2fs", `case $1 in *wal) ;; *) echo "Operation not permitted" >&2; exit 1 ;; esac`);
      fake("umount", `echo "umount $*" >>${folder}/calls`);
      mkdirSync(join(folder, "opt/corekube/bin"), { recursive: true });
      writeFileSync(join(folder, "opt/corekube/bin/volume"), `#!/bin/bash\necho volume >>${folder}/calls\n`, {
        mode: 0o755,
      });
      const { code, output } = await activate();
      assert.equal(code, 0, output);
      assert.deepEqual(calls().slice(0, 3), ["systemctl stop etcd.service", `umount ${folder}/var/lib/etcd`, "volume"]);
    });

    it("does not start a member whose quota is larger than its volume allows", async () => {
      writeFileSync(join(folder, "size"), "3000\n");
      fake("sleep", "true");
      const { code, output } = await activate();
      assert.equal(code, 1);
      assert.match(output, /has 3000 bytes, expected at least 8000; check the size of the volume/);
      assert.equal(existsSync(join(folder, "calls")), false);
    });
  });

  describe("volume", () => {
    const calls = (): string[] => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");

    it("grows a file system that the kernel does not grow while it is mounted", async () => {
      for (const name of ["mount", "umount", "e2fsck"]) fake(name, `echo "${name} $*" >>${folder}/calls`);
      // As a kernel answers without the capability for it, and as it is once it is not mounted.
      fake("resize2fs", `grep -q e2fsck ${folder}/calls || { echo "Operation not permitted" >&2; exit 1; }`);
      fake("mountpoint", `[ "\${!#}" != ${folder}/var/lib/etcd ]`);
      fake("blkid", "echo ext4");
      for (const name of ["chown", "chmod"]) fake(name, "true");
      const script = local(clusters.ha, "etcd", "volume", (text) => text.replaceAll('-b "$device"', "-n x"));
      const { code, output } = await run(script, { HOSTNAME: "ha-etcd-0" });
      assert.equal(code, 0, output);
      assert.deepEqual(
        calls().map((call) => call.split(" ")[0]),
        ["mount", "umount", "e2fsck", "mount"],
      );
    });
  });

  describe("member", () => {
    const paths = {
      data: "var/lib/etcd/member/snap/db",
      log: "var/lib/etcd-wal/wal/0.wal",
      mark: "etc/corekube/etcd-has-served",
    };
    const place = (...names: (keyof typeof paths)[]): void => {
      for (const name of names) {
        mkdirSync(dirname(join(folder, paths[name])), { recursive: true });
        writeFileSync(join(folder, paths[name]), "");
      }
    };
    const member = () => run(local(clusters.ha, "etcd", "member"));

    it("may start without data as long as it has not served, and with all of it", async () => {
      assert.equal((await member()).code, 0);
      place("data", "log");
      mkdirSync(dirname(join(folder, paths.mark)), { recursive: true });
      assert.equal(
        (await run(local(clusters.ha, "etcd", "member", (text) => text.replace("${1-}", "serves")))).code,
        0,
      );
      assert.ok(existsSync(join(folder, paths.mark)));
      assert.equal((await member()).code, 0);
    });

    for (const [what, left] of [
      ["is gone", []],
      ["is only there in part", ["data"]],
      ["is only there in part", ["log"]],
    ] as const)
      it(`does not start where its data ${what} (${left.join() || "nothing left"}), and health says so`, async () => {
        mkdirSync(join(folder, "run/corekube"), { recursive: true });
        writeFileSync(join(folder, "run/corekube/metadata.env"), "HOSTNAME=ha-etcd-1\n");
        place("mark", ...left);
        const { code, output } = await member();
        assert.equal(code, 1);
        assert.match(output, new RegExp(`its data ${what}, .*pulumi up --replace '\\*\\*:Delivery::ha-etcd-1'`));
        mkdirSync(join(folder, "opt/corekube/bin"), { recursive: true });
        writeFileSync(join(folder, "opt/corekube/bin/member"), `#!/bin/bash\necho "no data"; exit 1\n`, {
          mode: 0o755,
        });
        const health = await run(local(clusters.ha, "etcd", "health"));
        assert.deepEqual([health.code, health.output], [1, "no data\n"]);
      });
  });
});

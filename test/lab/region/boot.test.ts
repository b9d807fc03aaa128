/** Real machines: they boot as a machine would, keep their disk and their volumes, and leave nothing behind. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { machineChecks } from "../../../lab/region/preflight.js";
import type { MachineSpec, VolumeSpec } from "../../../lab/region/spec.js";
import { TestRegion, traces, vpcB } from "./support/region.js";

const ignition = (mode: string, path: string): string =>
  JSON.stringify({
    ignition: { version: "3.4.0" },
    passwd: { users: [{ name: "etcd", uid: 232, system: true }] },
    storage: { files: [{ path, mode: 0o644, contents: { source: `data:,${mode}` } }] },
    systemd: {
      units: [
        {
          name: "hello.service",
          enabled: true,
          contents:
            "[Unit]\nDescription=hello\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'echo started >> /var/lib/hello'\n[Install]\nWantedBy=multi-user.target\n",
        },
      ],
    },
  });

describe("machines", function () {
  this.timeout(120_000);
  let untouched: string;
  let region: TestRegion;
  let first: MachineSpec;
  let second: MachineSpec;
  const volume: VolumeSpec = {
    id: "33333333-0000-4000-8000-000000000001",
    links: ["/dev/disk/by-id/scsi-0DO_Volume_data"],
    size: 1,
    machineId: null,
  };

  before(async function () {
    // The first time, the image is made.
    this.timeout(600_000);
    untouched = await traces();
    region = await TestRegion.start();
    first = region.machine(11, { userData: ignition("hello", "/etc/greeting") });
    second = region.machine(12);
    const took = await region.boot(first, second);
    process.stdout.write(`      two machines answered SSH after ${took} ms\n`);
  });

  after(async () => {
    await region?.stop();
    assert.equal(await traces(), untouched, "the region left something behind");
  });

  it("boot quickly, to a system without failed units", async () => {
    assert.equal(
      await region.ssh(first, "systemctl is-system-running --wait"),
      "running",
      await region.ssh(first, "systemctl --failed --no-legend"),
    );
    assert.equal(await region.ssh(second, "hostname"), second.name);
  });

  it("write a console of plain lines, at once", async () => {
    await region.ssh(first, "echo the-last-word | sudo tee /dev/console");
    await sleep(300);
    assert.match(region.console(first), /Reached target multi-user.target[\s\S]*the-last-word\n/);
    // Neither colours nor cursor movements.
    assert.equal(region.console(first).includes("\x1b"), false);
  });

  it("have the files and units of Ignition, once", async () => {
    assert.equal(
      await region.ssh(first, "cat /etc/greeting; id -u etcd; systemctl is-active hello; cat /var/lib/hello"),
      "hello232\nactive\nstarted",
    );
  });

  it("have a read-only /usr and their own kernel settings", async () => {
    assert.match((await region.try(first, "sudo touch /usr/x")).stderr, /Read-only file system/);
    assert.equal(
      await region.ssh(first, "echo 7 | sudo tee /proc/sys/kernel/panic >/dev/null; cat /proc/sys/kernel/panic"),
      "7",
    );
    assert.equal(await region.ssh(second, "cat /proc/sys/kernel/panic"), "10");
    await region.ssh(
      first,
      "for g in /sys/fs/cgroup/*/; do case $g in */systemd/|*/unified/) ;; *) sudo mkdir $g/trial && sudo rmdir $g/trial || exit 1;; esac; done",
    );
  });

  it("run containers, even if the host does not allow lower out-of-memory scores", async () => {
    const able = (await region.try(first, "sudo sh -c 'echo -1 > /proc/self/oom_score_adj'")).code === 0;
    const config = await region.ssh(
      first,
      "sudo containerd --config /usr/share/containerd/config.toml config dump | grep restrict_oom_score_adj",
    );
    assert.equal(config, `restrict_oom_score_adj = ${able ? "false" : "true"}`);
    const links = "for d in bin lib lib64; do sudo ln -s usr/$d /opt/box/$d; done";
    await region.ssh(
      first,
      `sudo mkdir -p /opt/box/usr /opt/box/proc /opt/box/dev /opt/box/sys && sudo mount --bind /usr /opt/box/usr && ${links}`,
    );
    await region.ssh(first, "sudo systemctl start containerd");
    assert.equal(
      await region.ssh(first, "sudo ctr run --rm --memory-limit 50000000 --rootfs /opt/box trial /bin/echo hello"),
      "hello",
    );
  });

  it("see only their own metadata", async () => {
    const base = "http://169.254.169.254/metadata/v1";
    assert.equal(await region.ssh(first, `curl -s ${base}/hostname`), first.name);
    assert.equal(await region.ssh(second, `curl -s ${base}/id`), String(second.id));
    assert.equal(await region.ssh(second, `curl -s ${base}/interfaces/private/0/ipv4/address`), second.privateIpv4);
    assert.equal(await region.ssh(first, `curl -s ${base}/user-data`), first.userData);
    assert.equal(
      await region.fetch(region.config.adminAddress, `http://${region.config.gateway}/metadata/v1/id`),
      null,
    );
  });

  it("reach each other in their network and no machine in another one", async () => {
    const stranger = region.machine(13, {}, vpcB);
    await region.boot(stranger);
    const stops = await Promise.all([first, stranger].map((spec) => region.serve(spec, 8000)));
    assert.equal(await region.connects(second, first.privateIpv4, 8000), true);
    assert.equal(await region.connects(second, first.publicIpv4, 8000), true);
    assert.equal(await region.connects(stranger, first.privateIpv4, 8000), false);
    assert.equal(await region.connects(second, stranger.privateIpv4, 8000), false);
    for (const stop of stops) stop();
    await region.remove(stranger.id);
  });

  it("stay in emergency mode when Ignition fails, and say why on the console", async () => {
    const broken = region.machine(14, { userData: ignition("x", "/usr/share/not-allowed") });
    await region.make(broken);
    assert.match(region.console(broken), /read-only file system[\s\S]*Ignition failed/i);
    assert.equal(region.pid(broken), undefined);
    await region.remove(broken.id);
  });

  it("keep a volume over a reboot from inside, and hand it whole to the next machine", async () => {
    const device = "/dev/disk/by-id/scsi-0DO_Volume_data";
    await region.want({ volumes: [{ ...volume, machineId: first.id }] });
    await region.ssh(
      first,
      `test -L ${device} && test -b ${device} && sudo mkfs.ext4 -q ${device} && sudo mount ${device} /mnt && echo kept | sudo tee /mnt/file`,
    );
    const pid = region.pid(first);
    await region.try(first, "sudo systemctl reboot");
    while (region.pid(first) === pid || region.pid(first) === undefined) await sleep(50);
    await region.reachable(first);
    assert.equal(
      await region.ssh(
        first,
        `sudo mount ${device} /mnt && cat /mnt/file; cat /var/lib/hello; cat /proc/sys/kernel/panic`,
      ),
      "kept\nstarted\nstarted\n10",
    );

    // In use when it is taken away: the old machine gets errors, the new one a whole file system.
    await region.ssh(first, "echo last | sudo tee -a /mnt/file");
    await region.want({ volumes: [volume] });
    assert.notEqual((await region.try(first, "echo lost | sudo tee -a /mnt/file")).code, 0);
    assert.notEqual((await region.try(first, `test -e ${device}`)).code, 0);
    await region.want({ volumes: [{ ...volume, machineId: second.id }] });
    assert.equal(await region.ssh(second, `sudo mount ${device} /mnt && cat /mnt/file`), "kept\nlast");
  });

  it("keep running when the lab restarts, are started again when they ended, and are removed when they are not wanted", async () => {
    const extra = region.machine(15);
    await region.boot(extra);
    const pid = region.pid(first);
    await region.power(second, "off");
    await region.restart({ machines: [first, second] });
    assert.equal(region.pid(first), pid);
    assert.equal(region.pid(extra), undefined);
    await region.reachable(second);
    assert.equal(
      await region.ssh(second, "sudo mount /dev/disk/by-id/scsi-0DO_Volume_data /mnt && cat /mnt/file"),
      "kept\nlast",
    );
    assert.equal(await region.ssh(first, "cat /var/lib/hello"), "started\nstarted");
  });

  it("power off when asked to, keeping the disk", async () => {
    const start = Date.now();
    await region.power(first, "shutdown");
    assert.ok(Date.now() - start < 15_000, "the machine ended by itself, before its power was cut");
    assert.equal(region.pid(first), undefined);
    await region.make(first);
    await region.reachable(first);
    assert.equal(await region.ssh(first, "cat /etc/greeting"), "hello");
  });

  it("pass the checks of the machine, which find a foreign process on a port of the region", async () => {
    for (const check of machineChecks) {
      const result = await check.run(region.config);
      if (check.name === "ports in the region")
        assert.match(
          result.ok ? "" : result.found,
          new RegExp(`port 80 in ${region.config.namespace} is taken by process [0-9]+`),
        );
      else assert.deepEqual({ name: check.name, ...result }, { name: check.name, ok: true });
    }
  });

  it("leave nothing behind when their region is removed", async () => {
    const left = await region.lose();
    assert.equal(existsSync(`${region.config.directory}/machines`), false);
    assert.doesNotMatch(left, /corekube-test-[0-9]|systemd-nspawn|region\/machines|region\/volumes|inet corekube/);
  });
});

/** Machines have the disk of their size, show its memory and CPUs, and leave nothing behind after a crash. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { MachineSpec } from "../../../lab/region/spec.js";
import { findSize } from "../../../lab/clouds/digitalocean/catalog/sizes.js";
import { memTotal, shown as visible } from "../../../lab/region/hardware.js";
import { initOf } from "../../../lab/region/nspawn.js";
import { run } from "../../../lab/process/run.js";
import { TestRegion, traces } from "./support/region.js";

/** The part of a machine that its size decides. */
function sized(slug: string): Pick<MachineSpec, "memory" | "vcpus" | "disk"> {
  const { memory, vcpus, disk } = findSize(slug)!;
  return { memory, vcpus, disk };
}

describe("hardware of machines", function () {
  this.timeout(120_000);
  let untouched: string;
  let region: TestRegion;
  let small: MachineSpec;
  let large: MachineSpec;

  before(async function () {
    this.timeout(600_000);
    untouched = await traces();
    region = await TestRegion.start();
    small = region.machine(31, sized("s-1vcpu-2gb"));
    large = region.machine(32, sized("s-4vcpu-8gb"));
    await region.boot(small, large);
  });

  after(async () => {
    await region?.stop();
    assert.equal(await traces(), untouched, "the region left something behind");
  });

  /** What a machine says of itself, in the ways in which the product, the kubelet and a user ask. */
  async function shown(spec: MachineSpec): Promise<Record<string, number>> {
    const commands = {
      memory: "awk '/^MemTotal:/ { print $2 }' /proc/meminfo",
      free: "free --kibi | awk '/^Mem:/ { print $2 }'",
      folders: "ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l",
      // As cadvisor counts them for the kubelet.
      cores: "cat /sys/devices/system/node/node[0-9]*/cpu[0-9]*/topology/core_id | wc -l",
      online: "getconf _NPROCESSORS_ONLN",
      configured: "getconf _NPROCESSORS_CONF",
      cpuinfo: "grep -c ^processor /proc/cpuinfo",
      lscpu: "lscpu --parse=CPU | grep -vc '^#'",
      disk: "df --output=size --block-size=1M / | tail -1",
      kubelet:
        "sudo mkdir -p /var/lib/kubelet /var/lib/containerd; df --output=size --block-size=1M /var/lib/kubelet | tail -1",
      containerd: "df --output=size --block-size=1M /var/lib/containerd | tail -1",
    };
    const script = Object.entries(commands)
      .map(([name, command]) => `echo "${name} $(${command})"`)
      .join("; ");
    const lines = (await region.ssh(spec, script)).split("\n").map((line) => line.split(/\s+/));
    return Object.fromEntries(lines.map(([name, value]) => [name!, Number(value)]));
  }

  async function assertShown(spec: MachineSpec): Promise<void> {
    const { memory, free, disk = 0, kubelet, containerd, ...cpus } = await shown(spec);
    assert.deepEqual({ memory, free }, { memory: memTotal(spec.memory), free: memTotal(spec.memory) });
    assert.deepEqual(cpus, Object.fromEntries(Object.keys(cpus).map((name) => [name, visible(spec).vcpus])));
    // A real one's root has 98.2% of the size's gigabytes (60306 MB of 60 GB).
    assert.ok(disk > spec.disk * 1024 * 0.97 && disk < spec.disk * 1024, `${disk} MB for a disk of ${spec.disk} GB`);
    assert.deepEqual({ kubelet, containerd }, { kubelet: disk, containerd: disk });
  }

  it("is that of the size, whichever way one asks", async () => {
    await assertShown(small);
    await assertShown(large);
  });

  it("cannot be written, and breaks no unit", async () => {
    assert.notEqual((await region.try(large, "echo 1 | sudo tee /proc/meminfo")).code, 0);
    assert.notEqual((await region.try(large, "sudo touch /sys/devices/system/cpu/cpu9")).code, 0);
    assert.equal(
      await region.ssh(large, "systemctl is-system-running --wait"),
      "running",
      await region.ssh(large, "systemctl --failed --no-legend"),
    );
  });

  it("costs the host what is written, not what the disk could hold", async () => {
    const { size, blocks } = statSync(join(region.config.directory, "machines", String(large.id), "disk.img"));
    assert.equal(size, 160 * 1024 ** 3);
    assert.ok(blocks * 512 < 150 * 1024 ** 2, `${Math.round((blocks * 512) / 1024 ** 2)} MB are taken`);
  });

  it("is not held by machines that were started later", async () => {
    const [former, later] = [region.machine(33, sized("s-1vcpu-2gb")), region.machine(34, sized("s-1vcpu-2gb"))];
    await region.make(former);
    await region.make(later);
    await region.remove(former.id);
    const files = await run(["losetup", "--list", "--noheadings", "--output", "BACK-FILE"]);
    assert.deepEqual(
      [former, later].map(({ id }) => files.includes(`/machines/${id}/`)),
      [false, true],
    );
    await region.remove(later.id);
  });

  it("comes back after the host lost its mounts and loop devices, with the disk's content kept", async () => {
    await region.ssh(small, "echo kept | sudo tee /var/lib/content");
    await region.power(small, "off");
    const root = join(region.config.directory, "machines", String(small.id), "root");
    const device = (await run(["findmnt", "--noheadings", "--output", "SOURCE", root])).trim();
    await run(["umount", root]);
    await run(["losetup", "--detach", device]);
    await region.make(small);
    await region.reachable(small);
    await assertShown(small);
    assert.equal(await region.ssh(small, "cat /var/lib/content"), "kept");
  });

  it("is gone with the region, also when only its names are known", async () => {
    assert.ok(initOf(region.config, large.id));
    const left = await region.lose();
    assert.equal(left.includes("corekube-machines-") || left.includes(`${region.config.namespace}-`), false, left);
  });
});

/** What machines show of their hardware: figures of each size, in the kernel's formats. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sizes } from "../../lab/clouds/digitalocean/catalog/sizes.js";
import { cpuinfo, memTotal, meminfo, topologyFiles, writeHardware } from "../../lab/region/hardware.js";

describe("hardware of lab machines", () => {
  it("has the memory that a machine's kernel leaves", () => {
    // The first as reported by a real one; the others within what `free -m` says on real ones (957, 3919 and 7951 MB).
    assert.equal(memTotal(2048), 2_014_480);
    assert.deepEqual(
      [1024, 4096, 8192].map((size) => Math.floor(memTotal(size) / 1024)),
      [959, 3919, 7951],
    );
  });

  it("is plausible for every size of the catalogue", () => {
    for (const { slug, memory, vcpus } of sizes) {
      const values: Record<string, number> = Object.fromEntries(
        [...meminfo({ memory, vcpus }).matchAll(/^(\S+): +([0-9]+) kB$/gm)].map(([, name, value]) => [
          name!,
          Number(value),
        ]),
      );
      const { MemTotal = 0, MemFree = 0, MemAvailable = 0, Buffers = 0, Cached = 0 } = values;
      assert.ok(MemTotal > memory * 1024 * 0.88 && MemTotal < memory * 1024, slug);
      assert.ok(
        MemFree > 0 && MemFree < MemAvailable && MemAvailable < MemTotal && MemFree + Buffers + Cached < MemTotal,
        slug,
      );
      assert.equal(values["SwapTotal"], 0, slug);
      for (const [name, value] of Object.entries(values))
        assert.ok(Number.isInteger(value) && value >= 0, `${slug} ${name}`);
      assert.equal(
        Object.keys(topologyFiles({ memory, vcpus })).filter((path) => /^cpu\/cpu[0-9]+\/topology\/core_id$/.test(path))
          .length,
        vcpus,
        slug,
      );
    }
  });

  it("repeats the host's first processor", () => {
    const host =
      "processor\t: 5\nmodel name\t: X: Y\ncpu MHz\t\t: 2596.122\nsiblings\t: 2\ncore id\t\t: 9\ncpu cores\t: 2\n\nprocessor\t: 6\n\n";
    assert.equal(
      cpuinfo({ vcpus: 3, memory: 1024 }, host),
      [0, 1, 2]
        .map(
          (id) =>
            `processor\t: ${id}\nmodel name\t: X: Y\ncpu MHz\t\t: 2596.122\nsiblings\t: 3\ncore id\t\t: ${id}\ncpu cores\t: 3\n\n`,
        )
        .join(""),
    );
  });

  it("counts CPUs in lists and masks as the kernel does", () => {
    const files = (vcpus: number) => topologyFiles({ vcpus, memory: 1024 });
    assert.deepEqual(
      [files(1)["cpu/online"], files(4)["cpu/online"], files(4)["node/node0/cpumap"]],
      ["0", "0-3", "f"],
    );
    assert.equal(files(40)["cpu/cpu32/topology/core_siblings"], "ff,ffffffff");
    assert.equal(files(40)["cpu/cpu32/topology/thread_siblings"], "1,00000000");
    assert.equal(files(40)["cpu/cpu32/topology/thread_siblings_list"], "32");
  });

  it("is rewritten for another size", () => {
    const folder = mkdtempSync(join(tmpdir(), "corekube-hardware-"));
    try {
      writeHardware(join(folder, "hardware"), { vcpus: 4, memory: 8192 });
      writeHardware(join(folder, "hardware"), { vcpus: 2, memory: 4096 });
      assert.deepEqual(readdirSync(folder), ["hardware"]);
      const cpus = readdirSync(join(folder, "hardware/node/node0")).filter((name) => /^cpu[0-9]+$/.test(name));
      assert.deepEqual(cpus, ["cpu0", "cpu1"]);
      for (const cpu of cpus) assert.ok(existsSync(join(folder, "hardware/node/node0", cpu, "topology/core_id")));
      assert.match(readFileSync(join(folder, "hardware/meminfo"), "utf8"), /^MemTotal: +4013328 kB\n/);
      assert.match(readFileSync(join(folder, "hardware/cpuinfo"), "utf8"), /^cpu cores\s*: 2$/m);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { labConfig, type LabConfig } from "../../lab/config.js";
import { run } from "../../lab/process/run.js";
import { release as addRelease } from "../../lab/commands/release.js";
import { ensureMirror, type Checksums } from "../../lab/mirror/index.js";
import { images, imagesOf, imageTools, madeFrom } from "../../lab/mirror/images.js";
import { readRecords, writeRecords } from "../../lab/mirror/records.js";
import { ensureRelease, mirrorPath, releases, writeTar } from "../../lab/mirror/releases.js";
import { allTools, toolPath, usualTools } from "../../lab/toolchain/index.js";
import { toolchainParts } from "../../lab/toolchain/parts.js";
import { toolOrigins } from "../../lab/toolchain/store.js";
import { catalogueVersions, versions, versionsOf, type Versions } from "../../lab/toolchain/versions.js";

const everyRelease = catalogueVersions.map(versionsOf);
const quiet = { report: () => undefined };
const digestOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

/** Their source is not served as Go modules: clusters of the lab do without them. */
const notServed = /ebs-csi-driver|do-csi-plugin|sig-storage\/(csi-|livenessprobe)|headlamp/;

/** Notes where a tool came from, as the toolchain does. */
function noteOrigin(path: string, origin: string): void {
  const file = join(dirname(path), "tools.json");
  writeFileSync(file, JSON.stringify({ ...toolOrigins(dirname(path)), [basename(path)]: origin }));
}

describe("lab mirror: content", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-files-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A cache whose tools are small texts. */
  function cacheWith(
    name: string,
    tools: readonly string[],
    content = (tool: string): string => `the tool ${tool}`,
  ): LabConfig {
    const config = labConfig({ COREKUBE_CACHE: join(folder, name), COREKUBE_LAB_DIR: join(folder, `${name}-lab`) });
    for (const tool of tools) {
      const path = toolPath(config, tool);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content(tool));
      chmodSync(path, 0o755);
      noteOrigin(path, content(tool));
    }
    return config;
  }

  const release = (name: string) => {
    const found = releases(versions).find(({ url }) => url.includes(name));
    assert.ok(found, name);
    return found;
  };
  const entriesOf = async (file: string): Promise<string[]> => (await run(["tar", "-tzf", file])).trim().split("\n");

  it("has every file and image of each release that the lab can make, and the one to try a cluster with", () => {
    for (const from of everyRelease) {
      assert.deepEqual(
        releases(from)
          .map(({ url }) => url)
          .sort(),
        Object.values(from.releases)
          .map(({ url }) => url)
          .sort(),
      );
      assert.deepEqual(
        images(from)
          .map(({ name }) => name)
          .sort(),
        [
          ...Object.values(from.images)
            .map(({ name }) => name)
            .filter((name) => !notServed.test(name)),
          ...Object.values(from.toolchain.tryout).map(({ name }) => name),
        ].sort(),
      );
    }
  });

  it("has images of an add-on that is off by default only where a stack turns it on: their tools take minutes", () => {
    const tools = (addons: readonly string[]): string[] => imageTools(imagesOf(versions, "digitalocean", addons));
    const velero = ["velero", "velero-plugin-for-aws", "cp-plugin"];
    assert.deepEqual(
      tools([]).filter((tool) => velero.includes(tool)),
      [],
    );
    assert.deepEqual(
      tools(["velero", "coredns"]).filter((tool) => !tools([]).includes(tool)),
      velero,
    );
  });

  it("makes each release of tools of its own version, and what two of them share once", () => {
    const config = cacheWith("a", []);
    const [older, newer] = ["1.35.4", "1.36.3"].map(versionsOf) as [Versions, Versions];
    for (const tool of ["kubelet", "kube-apiserver", "etcd", "aws-cloud-controller-manager"])
      assert.notEqual(toolPath(config, tool, older), toolPath(config, tool, newer), tool);
    for (const tool of ["coredns", "pause", "digitalocean-cloud-controller-manager", "bridge", "containerd"])
      assert.equal(toolPath(config, tool, older), toolPath(config, tool, newer), tool);
    // An image that two releases name alike is the same image.
    const made = new Map<string, string>();
    for (const from of everyRelease)
      for (const image of images(from)) {
        const inputs = madeFrom(config, from, image);
        assert.equal(made.get(image.name) ?? inputs, inputs, image.name);
        made.set(image.name, inputs);
      }
  });

  it("serves every release that was made for it, with their checksums, whichever was asked for last", async () => {
    let config = cacheWith("a", []);
    const plan = { stale: [], pulled: new Map(), tools: [] };
    for (const from of [versionsOf("1.35.4"), versionsOf("1.36.3")]) {
      for (const { tools } of releases(from))
        for (const tool of tools) {
          const path = toolPath(config, tool, from);
          mkdirSync(dirname(path), { recursive: true });
          writeFileSync(path, `${tool} of ${from.kubernetes}`);
        }
      // Another region: what is in the cache is there for each of them.
      config = { ...config, directory: join(folder, `region of ${from.kubernetes}`) };
      await ensureMirror(config, { from, ...plan }, quiet);
    }
    const { releases: sums } = JSON.parse(readFileSync(join(config.directory, "checksums.json"), "utf8")) as Checksums;
    for (const from of [versionsOf("1.35.4"), versionsOf("1.36.3")])
      for (const { url } of releases(from))
        assert.equal(sums[url], digestOf(join(config.cache, "mirror", "files", mirrorPath(url))), url);
    assert.ok(!Object.keys(sums).some((url) => url.includes("v1.36.1")), "nobody has made it");
  });

  it("adds no release that the catalogue does not have", async () => {
    await assert.rejects(
      addRelease(labConfig({ COREKUBE_LAB_DIR: folder }), "dev", "1.34.1"),
      /VERSION: got "1\.34\.1", allowed are 1\.35\.4, .*; for example: make release VERSION=1\.35\.4/,
    );
  });

  it("packs etcd of an older release under that version's name", async () => {
    const from = versionsOf("1.35.4");
    const config = cacheWith("a", []);
    for (const tool of ["etcd", "etcdctl", "etcdutl"]) {
      const path = toolPath(config, tool, from);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, "3.6");
    }
    const wanted = releases(from).find(({ url }) => url.includes("/etcd-io/etcd/"))!;
    await ensureRelease(config, from, wanted, undefined, quiet);
    const file = join(config.cache, "mirror", "files", mirrorPath(wanted.url));
    assert.match(file, /v3\.6\.14/);
    assert.equal((await entriesOf(file))[0], "etcd-v3.6.14-linux-amd64/");
  });

  it("consists of tools that the toolchain has", () => {
    const known = new Set(allTools());
    assert.deepEqual(
      [...releases(versions).flatMap(({ tools }) => tools), ...imageTools(images(versions))].filter(
        (tool) => !known.has(tool),
      ),
      [],
    );
  });

  it("has images of add-ons that are off by default, and builds their tools, only for clusters with these add-ons", () => {
    const tools = (addons: readonly string[]) =>
      ["digitalocean", "aws"].flatMap((cloud) => imageTools(imagesOf(versions, cloud, addons)));
    const usual = new Set(usualTools());
    assert.deepEqual(
      tools([]).filter((tool) => !usual.has(tool)),
      [],
    );
    // It runs beside the machines.
    const noImage = new Set(["versitygw"]);
    for (const { addon, packages } of toolchainParts().filter((part) => part.addon !== undefined))
      for (const tool of Object.keys(packages)) {
        assert.ok(!usual.has(tool), tool);
        assert.equal(tools([addon!]).includes(tool), !noImage.has(tool), `${tool} in an image of ${addon}`);
      }
    assert.ok(!usual.has("traefik"));
  });

  it("lays files out by the original's host and path", () => {
    assert.equal(mirrorPath("https://dl.example.org/release/v1/bin/tool"), "dl.example.org/release/v1/bin/tool");
  });

  it("serves a file that is the tool itself unchanged", async () => {
    const config = cacheWith("a", ["kubelet"]);
    const record = await ensureRelease(config, versions, release("kubelet"), undefined, quiet);
    const file = join(config.cache, "mirror", "files", mirrorPath(release("kubelet").url));
    assert.equal(readFileSync(file, "utf8"), "the tool kubelet");
    assert.equal(record.sha256, digestOf(file));
  });

  it("packs etcd as the original is packed, executable", async () => {
    const config = cacheWith("a", ["etcd", "etcdctl", "etcdutl"]);
    await ensureRelease(config, versions, release("/etcd-io/etcd/"), undefined, quiet);
    const file = join(config.cache, "mirror", "files", mirrorPath(release("/etcd-io/etcd/").url));
    const top = `etcd-v${versions.etcd}-linux-amd64`;
    assert.deepEqual(await entriesOf(file), [`${top}/`, `${top}/etcd`, `${top}/etcdctl`, `${top}/etcdutl`]);
    await run(["tar", "-xzf", file, "-C", folder, `${top}/etcdctl`]);
    assert.equal(statSync(join(folder, top, "etcdctl")).mode & 0o777, 0o755);
  });

  it("packs the CNI plugins without a folder", async () => {
    const wanted = release("cni-plugins");
    const config = cacheWith("a", wanted.tools);
    await ensureRelease(config, versions, wanted, undefined, quiet);
    const entries = await entriesOf(join(config.cache, "mirror", "files", mirrorPath(wanted.url)));
    for (const plugin of ["bridge", "host-local", "loopback", "portmap"])
      assert.ok(entries.includes(`./${plugin}`), plugin);
  });

  it("gives the same bytes for the same tools, independent of time and folder", async () => {
    const wanted = release("/etcd-io/etcd/");
    const first = cacheWith("a", wanted.tools);
    const second = cacheWith("b", [...wanted.tools].reverse());
    for (const tool of wanted.tools) utimesSync(toolPath(second, tool), 1_000_000, 1_000_000);
    const records = [
      await ensureRelease(first, versions, wanted, undefined, quiet),
      await ensureRelease(second, versions, wanted, undefined, quiet),
    ];
    assert.equal(records[0]!.sha256, records[1]!.sha256);
  });

  it("makes a file again only when it is missing or its tools have changed", async () => {
    const wanted = release("kubelet");
    const config = cacheWith("a", ["kubelet"]);
    const file = join(config.cache, "mirror", "files", mirrorPath(wanted.url));
    const first = await ensureRelease(config, versions, wanted, undefined, quiet);
    const lines: string[] = [];
    const progress = { report: (line: string) => lines.push(line) };
    assert.equal(await ensureRelease(config, versions, wanted, first, progress), first);
    assert.deepEqual(lines, []);
    rmSync(file);
    assert.equal((await ensureRelease(config, versions, wanted, first, progress)).sha256, first.sha256);
    assert.equal(digestOf(file), first.sha256);
    rmSync(toolPath(config, "kubelet"));
    cacheWith("a", ["kubelet"], () => "another kubelet");
    assert.notEqual((await ensureRelease(config, versions, wanted, first, progress)).sha256, first.sha256);
  });

  it("serves an official file byte for byte, so that the official checksum holds", async () => {
    const wanted = release("/etcd-io/etcd/");
    const config = cacheWith("a", wanted.tools);
    const official = join(dirname(toolPath(config, "etcd")), "official", basename(wanted.url));
    mkdirSync(dirname(official));
    writeFileSync(official, "as published");
    const record = await ensureRelease(config, versions, wanted, undefined, quiet);
    assert.equal(record.sha256, createHash("sha256").update("as published").digest("hex"));
  });

  it("keeps modes in layers, but no owners and times", async () => {
    const make = async (name: string, time: number): Promise<string> => {
      const tree = join(folder, name);
      mkdirSync(join(tree, "tmp"), { recursive: true });
      chmodSync(join(tree, "tmp"), 0o1777);
      writeFileSync(join(tree, "file"), "x", { mode: 0o640 });
      chmodSync(join(tree, "file"), 0o640);
      utimesSync(join(tree, "file"), time, time);
      await writeTar(tree, join(folder, `${name}.tar`));
      return digestOf(join(folder, `${name}.tar`));
    };
    assert.equal(await make("one", 1_000), await make("two", 2_000));
    const listing = await run(["tar", "--numeric-owner", "-tvf", join(folder, "one.tar")]);
    assert.match(listing, /^-rw-r----- 0\/0 .* \.\/file$/m);
    assert.match(listing, /^drwxrwxrwt 0\/0 .* \.\/tmp\/$/m);
  });

  it("makes an image again only when a tool in it has changed", () => {
    const tools = allTools();
    const before = cacheWith("a", tools);
    const inputs = new Map(images(versions).map((image) => [image.name, madeFrom(before, versions, image)]));
    noteOrigin(toolPath(before, "coredns"), "https://example.org/coredns");
    assert.deepEqual(
      images(versions)
        .filter((image) => madeFrom(before, versions, image) !== inputs.get(image.name))
        .map(({ name }) => name),
      [versions.images.coredns.name],
    );
  });

  it("makes everything again when its records are damaged", () => {
    const config = cacheWith("a", []);
    mkdirSync(join(config.cache, "mirror"), { recursive: true });
    writeRecords(config, { releases: { x: { inputs: "1", sha256: "2" } }, images: {} });
    assert.equal(readRecords(config).releases["x"]?.sha256, "2");
    writeFileSync(join(config.cache, "mirror", "records.json"), '{"releases": {');
    assert.deepEqual(readRecords(config), { releases: {}, images: {} });
  });
});

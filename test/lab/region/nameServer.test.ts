/** The region's name server and this host's file of names: a real dnsmasq, with files of the test's own. */
import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { awsPackages } from "../../../lab/clouds/aws/moto.js";
import { labConfig } from "../../../lab/config.js";
import { freePort } from "../../../lab/process/freePort.js";
import { until } from "../../../lab/process/until.js";
import { setHostNames } from "../../../lab/region/hostNames.js";
import { applyNames, type NamePlace } from "../../../lab/region/nameServer.js";
import type { NameSpec } from "../../../lab/region/spec.js";
import { ensurePackages } from "../../../lab/toolchain/index.js";

const name = "api-0123456789abcdef.elb.eu-central-1.amazonaws.com";
const own = "127.0.0.1 localhost\n192.0.2.7 mine # corekube-test\n\n# corekube-side1 is a comment\n";

describe("names of a region", function () {
  this.timeout(900_000);
  let folder: string;
  let hosts: string;
  const configOf = (region: string) => labConfig({ COREKUBE_LAB: region, COREKUBE_LAB_DIR: join(folder, region) });
  const lines = (): string[] => readFileSync(hosts, "utf8").split("\n").filter(Boolean);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "corekube-names-"));
    hosts = join(folder, "hosts");
    writeFileSync(hosts, own);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  describe("on this host", () => {
    const one: readonly NameSpec[] = [{ name, addresses: ["198.18.35.9", "198.18.35.10"] }];

    it("are lines of their region, which come, change and go, and nobody else's", async () => {
      chmodSync(hosts, 0o604);
      await setHostNames(configOf("side1"), one, hosts);
      await setHostNames(configOf("side2"), [{ name: "other", addresses: ["198.18.34.9"] }], hosts);
      await setHostNames(configOf("side1"), [{ name, addresses: ["198.18.33.8"] }], hosts);
      assert.equal(
        readFileSync(hosts, "utf8"),
        `${own}198.18.34.9 other # corekube-side2\n198.18.33.8 ${name} # corekube-side1\n`,
      );
      assert.equal(statSync(hosts).mode & 0o777, 0o604, "others still read the file");
      await setHostNames(configOf("side1"), [], hosts);
      await setHostNames(configOf("side2"), [], hosts);
      assert.equal(readFileSync(hosts, "utf8"), own);
    });

    it("lose no line when regions change them at the same time", async () => {
      const regions = ["side1", "side2", "side3", "side4", "side5", "side6"];
      await Promise.all(regions.map((region) => setHostNames(configOf(region), one, hosts)));
      assert.equal(lines().length, 3 + 2 * regions.length);
      await Promise.all(regions.map((region) => setHostNames(configOf(region), [], hosts)));
      assert.equal(readFileSync(hosts, "utf8"), own);
    });
  });

  describe("at the server", () => {
    let place: NamePlace;
    let resolver: Resolver;
    const config = () => configOf("test");
    const code = (asked: Promise<unknown>): Promise<unknown> =>
      asked.then(
        () => "an answer",
        (error: NodeJS.ErrnoException) => error.code,
      );

    before(() => ensurePackages({ report: () => undefined }, undefined, awsPackages));
    beforeEach(async () => {
      place = { address: "127.0.0.1", port: await freePort(), hosts };
      resolver = new Resolver({ timeout: 1_000, tries: 1 });
      resolver.setServers([`${place.address}:${place.port}`]);
      await applyNames(config(), [{ name, addresses: ["198.18.35.9"] }], place);
    });
    afterEach(() => applyNames(config(), [], place));

    it("have their addresses for a minute, whatever the case of their letters", async () => {
      assert.deepEqual(await resolver.resolve4(name.toUpperCase(), { ttl: true }), [
        { address: "198.18.35.9", ttl: 60 },
      ]);
      // There, without such an address: a client that asks for both goes on with the other.
      assert.equal(await code(resolver.resolve6(name)), "ENODATA");
    });

    it("do not exist where the cloud has not made them; for others there is no way out", async () => {
      assert.equal(await code(resolver.resolve4(`gone-${name}`)), "ENOTFOUND");
      assert.equal(await code(resolver.resolve4("ip-10-4-0-9.eu-central-1.compute.internal")), "ENOTFOUND");
      assert.equal(await code(resolver.resolve4("registry.k8s.io")), "EREFUSED");
    });

    it("follow their load balancer to another address, here and on the host, and end with the last one", async () => {
      const machine = { name: "ip-10-4-0-9.eu-central-1.compute.internal", addresses: ["10.4.0.9"], inside: true };
      await applyNames(config(), [{ name, addresses: ["198.18.35.10"] }, machine], place);
      await until("the new address", { timeout: 5_000 }, async () =>
        assert.deepEqual(await resolver.resolve4(name), ["198.18.35.10"]),
      );
      assert.deepEqual(await resolver.resolve4(machine.name), machine.addresses);
      assert.equal(lines().length, 3, "machines' names are nobody's outside");
      assert.ok(lines().includes(`198.18.35.10 ${name} # corekube-test`), lines().join("; "));
      await applyNames(config(), [], place);
      assert.equal(await code(resolver.resolve4(name)), "ECONNREFUSED");
      assert.equal(lines().length, 2, "also those that a region of this name has left behind are gone");
    });
  });
});

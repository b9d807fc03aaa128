/** The region's proxy: a real squid that machines download through, when it is asked for. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import type { MachineSpec } from "../../../lab/region/spec.js";
import { parseProxyLog, proxyFaults } from "../../../lab/checks/proxy.js";
import { proxyDirectory } from "../../../lab/region/names.js";
import { isAlive, readMark, signalMark, waitForEnd } from "../../../lab/process/marks.js";
import { ensureProxy, proxyLog, proxyUrl, setProxyMode } from "../../../lab/region/proxy.js";
import { tryRun } from "../../../lab/process/run.js";
import { ensurePackages, proxyPackages } from "../../../lab/toolchain/index.js";
import { startMirror } from "./support/mirror.js";
import { TestRegion, quiet, traces } from "./support/region.js";

describe("the region's proxy", function () {
  this.timeout(120_000);
  let untouched: string;
  let region: TestRegion;
  let machine: MachineSpec;
  let file: string;
  let stopMirror: () => void = () => undefined;
  const mark = () => readMark(`${proxyDirectory(region.config)}/process.json`);
  const get = (options: string, url: string) =>
    region.try(machine, `curl --silent --show-error --fail --max-time 10 ${options} ${url}`);

  before(async function () {
    this.timeout(600_000);
    await ensurePackages(quiet, undefined, proxyPackages);
    untouched = await traces();
    region = await TestRegion.start();
    file = `${region.config.mirrorUrl}/dl.k8s.io/v1.0.0/kubelet`;
    stopMirror = await startMirror(region.config);
    machine = region.machine(41);
    await region.boot(machine);
  });

  after(async () => {
    stopMirror();
    await region?.stop();
    assert.equal(await traces(), untouched, "the region left something behind");
  });

  it("is off by default, and machines reach the mirror directly", async () => {
    await ensureProxy(region.config);
    assert.equal(mark(), undefined);
    assert.equal((await get("--noproxy '*'", file)).stdout, "content");
    assert.notEqual((await get(`--proxy ${proxyUrl(region.config)}`, file)).code, 0);
  });

  it("forwards requests of machines, and logs it", async () => {
    setProxyMode(region.config, "on");
    await ensureProxy(region.config);
    const first = mark();
    await ensureProxy(region.config);
    assert.deepEqual(mark(), first, "one that runs is kept");
    assert.equal((await get(`--proxy ${proxyUrl(region.config)}`, file)).stdout, "content");
    const tunnel = await get(
      `--proxytunnel --proxy ${proxyUrl(region.config)}`,
      `http://${new URL(region.config.registryUrl).host}/v2/`,
    );
    assert.equal(tunnel.stdout, "content");
    assert.notEqual(
      (await get(`--proxy ${proxyUrl(region.config)}`, "http://kubernetes.default.svc.cluster.local/")).code,
      0,
    );
    const requests = parseProxyLog(readFileSync(proxyLog(region.config), "utf8"));
    assert.deepEqual(
      requests.map(({ client, method, host, port, path, status }) => ({
        client,
        method,
        host,
        port,
        path,
        ok: status === 200,
      })),
      [
        {
          client: machine.publicIpv4,
          method: "GET",
          host: region.config.gateway,
          port: 5080,
          path: "/dl.k8s.io/v1.0.0/kubelet",
          ok: true,
        },
        { client: machine.publicIpv4, method: "CONNECT", host: region.config.gateway, port: 5000, path: "", ok: true },
        {
          client: machine.publicIpv4,
          method: "GET",
          host: "kubernetes.default.svc.cluster.local",
          port: 80,
          path: "/",
          ok: false,
        },
      ],
    );
    const expected = {
      machines: [
        {
          name: machine.name,
          addresses: [machine.publicIpv4],
          releases: [file],
          registries: [new URL(region.config.registryUrl).host],
        },
      ],
      networks: ["10.2.0.0/16"],
      clusterDomain: "cluster.local",
    };
    const faults = proxyFaults(requests, expected);
    assert.equal(faults.length, 1, faults.join("\n"));
    assert.match(
      faults[0]!,
      /^machine-41 asked the proxy for kubernetes\.default\.svc\.cluster\.local:80, which must not pass it/,
    );
  });

  it("serves machines only", async () => {
    const fromHost = await region.fetch(region.config.adminAddress, file);
    assert.match(fromHost ?? "", /200$/, "the host has its own way");
    const refused = await tryRun([
      "curl",
      "--silent",
      "--max-time",
      "5",
      "--noproxy",
      "",
      "--proxy",
      proxyUrl(region.config),
      "--output",
      "/dev/null",
      "--write-out",
      "%{http_code}",
      file,
    ]);
    assert.equal(refused.stdout, "403");
  });

  it("is the only way to mirror and registry where that is wanted", async () => {
    setProxyMode(region.config, "only");
    await region.restart();
    for (const url of [file, `${region.config.registryUrl}/v2/`]) {
      const direct = await get("--noproxy '*'", url);
      assert.equal(direct.code, 7, `${url}: ${direct.code} ${direct.stdout} ${direct.stderr}`);
      assert.equal((await get(`--proxy ${proxyUrl(region.config)}`, url)).stdout, "content", url);
    }
    assert.equal((await get("--noproxy '*'", "http://169.254.169.254/metadata/v1/id")).stdout, String(machine.id));
  });

  it("is started again with the lab when it died", async () => {
    const died = mark();
    assert.ok(signalMark(died, "SIGKILL") && (await waitForEnd(died, 5_000)));
    await region.restart();
    assert.ok(isAlive(mark()));
    assert.equal((await get(`--proxy ${proxyUrl(region.config)}`, file)).stdout, "content");
  });

  it("goes with the region, also after a crash of the lab", async () => {
    const last = mark();
    assert.ok(isAlive(last));
    const left = await region.lose();
    assert.equal(isAlive(last), false);
    assert.equal(existsSync(proxyDirectory(region.config)), false);
    assert.equal(left.includes("squid"), false, left);
  });
});

/** The proxy's access log: recorded lines, what is read out of them, and what the check says of them. */
import assert from "node:assert/strict";
import { labConfig } from "../../lab/config.js";
import { parseProxyLog, proxyFaults, type ProxyExpectation } from "../../lab/checks/proxy.js";
import { firewallText } from "../../lab/region/firewall.js";
import { behindProxy, squidConfig, wantedProxyMode } from "../../lab/region/proxy.js";

/** In squid's configured log format. */
const recorded = `1795273001.120 198.18.33.3 GET 200 http://198.18.33.1:5080/dl.k8s.io/v1.36.3/bin/linux/amd64/kubelet
1795273001.480 198.18.33.3 CONNECT 200 registry.k8s.io:443
1795273002.001 198.18.33.4 GET 200 http://198.18.33.1:5080/dl.k8s.io/v1.36.3/bin/linux/amd64/kubelet
1795273002.733 198.18.33.4 GET 401 http://198.18.33.1:5000/v2/docker.io/library/nginx/manifests/1.22?ns=docker.io
1795273003.900 198.18.33.4 NONE 400 error:invalid-request
`;

const kubelet = "http://198.18.33.1:5080/dl.k8s.io/v1.36.3/bin/linux/amd64/kubelet";
const expected: ProxyExpectation = {
  machines: [
    { name: "worker-0", addresses: ["198.18.33.3"], releases: [kubelet], registries: ["registry.k8s.io"] },
    {
      name: "worker-1",
      addresses: ["198.18.33.4", "10.4.0.11"],
      releases: [kubelet],
      registries: ["198.18.33.1:5000"],
    },
  ],
  networks: ["10.2.0.0/16", "10.3.0.0/24", "10.4.0.0/16"],
  clusterDomain: "cluster.local",
};
const faults = (lines: string): readonly string[] => proxyFaults(parseProxyLog(lines), expected);

describe("lab proxy log", () => {
  it("is read: who, what, where, with which answer", () => {
    const requests = parseProxyLog(recorded);
    assert.equal(requests.length, 4);
    assert.deepEqual(requests[1], {
      time: 1795273001.48,
      client: "198.18.33.3",
      method: "CONNECT",
      status: 200,
      host: "registry.k8s.io",
      port: 443,
      path: "",
    });
    assert.deepEqual(
      [requests[3]?.port, requests[3]?.path],
      [5000, "/v2/docker.io/library/nginx/manifests/1.22?ns=docker.io"],
    );
  });

  it("leaves out a line that is still being written, and refuses one of somebody else's", () => {
    assert.equal(parseProxyLog(`${recorded}1795273004.000 198.18`).length, 4);
    assert.throws(() => parseProxyLog("hello\n"), /access log of the proxy: got "hello"/);
  });

  it("is right when every machine downloaded all through the proxy", () => {
    assert.deepEqual(faults(recorded), []);
  });

  it("tells each download that passed by it, by machine", () => {
    const lines = recorded.split("\n");
    assert.deepEqual(faults(lines.filter((_, index) => index !== 2).join("\n")), [
      `worker-1 did not download ${kubelet} through the proxy`,
    ]);
    assert.deepEqual(faults(lines.filter((_, index) => index !== 1).join("\n")), [
      "worker-0 did not ask the registry registry.k8s.io through the proxy",
    ]);
    // A failed request is not a download.
    assert.deepEqual(faults(recorded.replace("198.18.33.4 GET 200", "198.18.33.4 GET 404")), [
      `worker-1 did not download ${kubelet} through the proxy`,
    ]);
  });

  it("tells everything that must not pass it", () => {
    const inside = [
      "10.2.3.4:80",
      "10.3.0.1:443",
      "10.4.0.12:6443",
      "169.254.169.254:80",
      "127.0.0.1:10248",
      "[::1]:80",
      "localhost:80",
      "kubernetes:443",
      "web.default.svc:80",
      "a.b.svc.cluster.local:80",
    ];
    for (const host of inside) {
      const found = faults(`${recorded}1795273005.000 10.4.0.11 CONNECT 503 ${host}\n`);
      assert.equal(found.length, 1, host);
      assert.match(found[0]!, /^worker-1 asked the proxy for .*, which must not pass it \(CONNECT, status 503\)$/);
    }
    for (const host of ["docker.io:443", "198.18.33.1:5080", "11.2.3.4:80", "mycluster.local:80"])
      assert.deepEqual(faults(`${recorded}1795273005.000 10.4.0.11 CONNECT 200 ${host}\n`), [], host);
  });
});

describe("lab proxy", () => {
  const config = labConfig({ COREKUBE_LAB: "lab", COREKUBE_LAB_DIR: "/region" });

  it("is enabled by COREKUBE_LAB_PROXY", () => {
    const mode = (value?: string): string =>
      wantedProxyMode(config, value === undefined ? {} : { COREKUBE_LAB_PROXY: value });
    assert.deepEqual([mode(), mode("0"), mode("1"), mode("only")], ["off", "off", "on", "only"]);
    assert.throws(() => mode("yes"), /COREKUBE_LAB_PROXY: got "yes", allowed are 0, 1 and only/);
  });

  it("listens on the gateway for the region's machines", () => {
    assert.match(
      squidConfig(config),
      /^http_port 198\.18\.16\.1:3128\nacl machines src 198\.18\.16\.0\/24\nhttp_access allow machines\nhttp_access deny all\n/,
    );
  });

  it("closes the direct way before any rule that would open it", () => {
    const input = { publicCidr: config.publicCidr, vpcs: [], machines: [], firewalls: [] };
    const rule = "ip daddr 198.18.16.1 tcp dport { 5080, 5000 } reject with tcp reset";
    const text = firewallText({ ...input, behindProxy: behindProxy(config) });
    assert.ok(text.indexOf(rule) > 0 && text.indexOf(rule) < text.indexOf("ip daddr 198.18.16.0/24 jump checked"));
    assert.equal(firewallText(input).includes("reject"), false);
  });
});

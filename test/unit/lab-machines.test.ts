/** Pure parts of the lab's machines: names, haproxy's configuration, metadata, kinds of user-data, process marks. */
import assert from "node:assert/strict";
import type { LoadBalancerSpec } from "../../lab/region/spec.js";
import { labConfig } from "../../lab/config.js";
import { backendName, haproxyConfig } from "../../lab/region/haproxy.js";
import { userDataKind } from "../../lab/region/ignition.js";
import { netmask } from "../../lab/clouds/digitalocean/addresses.js";
import { type DropletMetadata, metadataAnswer } from "../../lab/clouds/digitalocean/metadata.js";
import { machineOfNamespace, machineName, privatePort, publicPort, volumeFile } from "../../lab/region/names.js";
import { isAlive, markOf, signalMark } from "../../lab/process/marks.js";

const config = labConfig({ COREKUBE_LAB: "lab", COREKUBE_LAB_DIR: "/region" });

describe("lab names", () => {
  it("recognize a machine's namespace whole, never by its beginning", () => {
    assert.equal(machineOfNamespace(config, machineName(config, 42)), 42);
    for (const other of [
      "corekube-lab",
      "corekube-lab-",
      "corekube-lab2-42",
      "corekube-lab-42x",
      "corekube-lab-042",
      "corekube-test-42",
      "x-corekube-lab-42",
    ]) {
      assert.equal(machineOfNamespace(config, other), undefined, other);
    }
  });

  it("fit into what the kernel allows for a link", () => {
    for (const port of [publicPort, privatePort]) assert.ok(port(400_000_001).length <= 15);
    assert.throws(() => publicPort(1_234_567_890_123), /machine id: got 1234567890123/);
  });

  it("refuse a volume id that would leave the folder", () => {
    assert.equal(volumeFile(config, "abc-1"), "/region/volumes/abc-1.img");
    for (const id of ["../x", "a/b", ""]) assert.throws(() => volumeFile(config, id), /volume id/);
  });
});

describe("lab load balancers", () => {
  const balancer: LoadBalancerSpec = {
    id: "one",
    name: "api",
    ip: "203.0.113.50",
    network: "EXTERNAL",
    vpcId: "v",
    privateIpv4: "10.0.0.50",
    forwarding: [{ entryPort: 443, targetPort: 6443 }],
    healthCheck: {
      protocol: "https",
      port: 6443,
      path: "/readyz",
      interval: 10,
      timeout: 5,
      healthyThreshold: 3,
      unhealthyThreshold: 2,
    },
    targets: [{ machineId: 7, privateIpv4: "10.0.0.7" }],
    allow: [],
  };
  const paths = { socket: "/s", state: "/t" };

  it("become a frontend and a backend for each rule", () => {
    const text = haproxyConfig([balancer], paths);
    const name = backendName(balancer, 443);
    for (const line of [
      `frontend ${name}`,
      "  mode tcp",
      "  bind 203.0.113.50:443",
      `backend ${name}`,
      "  source 10.0.0.50",
      "  option httpchk GET /readyz",
      "  timeout check 5s",
      "  default-server check port 6443 inter 10s rise 3 fall 2 check-ssl verify none",
      "  server machine-7 10.0.0.7:6443",
    ]) {
      assert.ok(text.split("\n").includes(line), `${line} is missing in\n${text}`);
    }
    assert.doesNotMatch(text, /tcp-request/);
  });

  it("ask for no page when the check is TCP, and refuse whom the list does not name", () => {
    const text = haproxyConfig(
      [
        {
          ...balancer,
          allow: ["192.0.2.1/32", "10.0.0.0/20"],
          healthCheck: { ...balancer.healthCheck, protocol: "tcp" },
        },
      ],
      paths,
    );
    assert.doesNotMatch(text, /httpchk|check-ssl/);
    assert.match(text, /\n {2}tcp-request connection reject unless \{ src 192\.0\.2\.1\/32 10\.0\.0\.0\/20 \}\n/);
  });

  it("give two balancers and two rules different names", () => {
    const names = [balancer, { ...balancer, id: "two" }].flatMap((each) => [
      backendName(each, 80),
      backendName(each, 443),
    ]);
    assert.equal(new Set(names).size, 4);
  });
});

describe("lab metadata", () => {
  const machine: DropletMetadata = {
    id: 7,
    name: "one",
    region: "fra1",
    publicIpv4: "203.0.113.7",
    privateIpv4: "10.0.16.7",
    vpcCidr: "10.0.16.0/20",
    macs: { public: "02:00:00:00:00:07", private: "02:00:00:00:01:07" },
    tags: ["a", "b"],
    userData: '{"ignition":{}}',
    sshKeys: ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"],
  };
  const body = (path: string): string | undefined => metadataAnswer(config, machine, path)?.body;

  it("answers in the original's layout", () => {
    const v1 = "/metadata/v1";
    assert.equal(body(`${v1}/id`), "7");
    assert.equal(body(`${v1}/hostname`), "one");
    assert.equal(body(`${v1}/user-data`), machine.userData);
    assert.equal(body(`${v1}/public-keys`), machine.sshKeys.join("\n"));
    assert.equal(body(`${v1}/interfaces/public/0/ipv4/address`), "203.0.113.7");
    assert.equal(body(`${v1}/interfaces/private/0/ipv4/netmask`), "255.255.240.0");
    assert.equal(body(`${v1}/interfaces/private/0/ipv4/gateway`), "10.0.16.1");
    assert.equal(body(`${v1}/tags/`), "a\nb");
    assert.equal(body(`${v1}/interfaces/`), "public/\nprivate/");
    assert.equal(body(`${v1}/`)?.split("\n")[0], "id");
    assert.equal((JSON.parse(body(`${v1}.json`)!) as { droplet_id: number }).droplet_id, 7);
  });

  it("knows nothing else", () => {
    for (const path of [
      "/",
      "/metadata",
      "/metadata/v1/nothing",
      "/metadata/v1/id/x",
      "/metadata/v1/toString",
      "/metadata/v1/constructor/name",
      "/metadata/v2/id",
    ]) {
      assert.equal(metadataAnswer(config, machine, path), undefined, path);
    }
  });

  it("computes netmasks", () => {
    assert.deepEqual([0, 8, 20, 24, 31, 32].map(netmask), [
      "0.0.0.0",
      "255.0.0.0",
      "255.255.240.0",
      "255.255.255.0",
      "255.255.255.254",
      "255.255.255.255",
    ]);
  });
});

describe("lab user-data", () => {
  it("is distinguished as on Flatcar", () => {
    const kinds = [
      "",
      " \n",
      '{"ignition":{"version":"3.4.0"}}',
      "#!/bin/sh\n",
      "#cloud-config\n",
      "{}",
      "null",
      "hello",
    ].map(userDataKind);
    assert.deepEqual(kinds, ["none", "none", "ignition", "other", "other", "other", "other", "other"]);
  });
});

describe("lab process marks", () => {
  it("know a process again, and not another one with its pid", () => {
    const mark = markOf(process.pid)!;
    assert.ok(isAlive(mark));
    assert.equal(isAlive({ ...mark, startTime: "1" }), false);
    assert.equal(isAlive({ ...mark, bootId: "other" }), false);
    assert.equal(signalMark({ ...mark, startTime: "1" }, "SIGKILL"), false);
    assert.equal(signalMark(mark, 0), true);
  });
});

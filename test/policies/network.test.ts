/** Which networks count as the world. */
import assert from "node:assert/strict";
import { clouds } from "../../components/clouds.js";
import type { ClusterSpec } from "../../components/spec/cluster.js";
import { noWorldOpenAccess } from "../../policies/network.js";
import { runProgram, runTimeout } from "../component/support/registrations.js";
import { awsTestSpec, testSpec } from "../component/support/spec.js";
import { run, unknownText } from "./support/run.js";

const type = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";

const problems = (props: Readonly<Record<string, unknown>>) =>
  run(noWorldOpenAccess(clouds), [
    { type, name: "ssh", props: { ipProtocol: "tcp", fromPort: 22, toPort: 22, ...props } },
  ]);

describe("open networks", () => {
  for (const [network, isWorld] of [
    ["0.0.0.0/0", true],
    ["128.0.0.0/7", true],
    ["9.0.0.0/8", false],
    ["::/0", true],
    ["2000::/15", true],
    ["2001::/16", false],
  ] as const) {
    it(`${network} ${isWorld ? "is" : "is not"} the world`, async () => {
      const said = await problems({ [network.includes(":") ? "cidrIpv6" : "cidrIpv4"]: network });
      assert.equal(said.length, isWorld ? 1 : 0);
    });
  }

  it("with a protocol that is not known yet count as TCP, with UDP they do not count", async () => {
    assert.equal((await problems({ ipProtocol: unknownText, cidrIpv4: "0.0.0.0/0" })).length, 1);
    assert.equal((await problems({ ipProtocol: "udp", cidrIpv4: "0.0.0.0/0" })).length, 0);
  });
});

describe("rules that the stack adds to the firewall", function () {
  this.timeout(runTimeout);
  const open: ClusterSpec["firewallRules"] = [
    { role: "etcd", protocol: "tcp", ports: "2000-3000", from: "everyone" },
    { role: "worker", protocol: "tcp", ports: "9100", from: "everyone" },
    { role: "worker", protocol: "tcp", ports: "10250", from: "0.0.0.0/1" },
    { role: "controller", protocol: "tcp", ports: "10250", from: "198.51.100.0/24" },
    { role: "controller", protocol: "udp", ports: "1-65535", from: "everyone" },
  ];

  for (const [cloud, specWith] of [
    ["digitalocean", testSpec],
    ["aws", awsTestSpec],
  ] as const) {
    it(`count as the program's own on ${cloud}`, async () => {
      const said = async (firewallRules: ClusterSpec["firewallRules"]) => {
        const { registrations } = await runProgram(specWith({ firewallRules }));
        const resources = registrations.map(({ type, name, inputs }) => ({ type, name, props: inputs }));
        return (await run(noWorldOpenAccess(clouds), resources)).map(({ message }) => message);
      };
      assert.deepEqual(await said([]), []);
      const found = await said(open);
      assert.equal(found.length, 2, found.join());
      assert.match(found[0]!, /port 2379 and 2380 and 2381 is open to 0\.0\.0\.0\/0/);
      assert.match(found[1]!, /port 10250 is open to 0\.0\.0\.0\/1/);
    });
  }
});

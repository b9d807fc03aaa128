/** Which networks count as the world. */
import assert from "node:assert/strict";
import { clouds } from "../../components/clouds.js";
import { noWorldOpenAccess } from "../../policies/network.js";
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

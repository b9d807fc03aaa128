import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { costs, costTable, documents, shippedSpec } from "../../bench/costs.js";
import { awsOf, type AwsSpec } from "../../components/aws/settings.js";
import { withBlock } from "../../bench/document.js";
import { projectDirectory } from "../../lab/config.js";

const sum = (lines: ReturnType<typeof costs>): number => lines.reduce((total, { monthly }) => total + monthly, 0);

describe("cost estimates", () => {
  for (const [document, stacks] of Object.entries(documents)) {
    it(`docs/${document} has what the settings and prices give; npx tsx bench/costs.ts writes it`, () => {
      const text = readFileSync(join(projectDirectory, "docs", document), "utf8");
      assert.equal(text, withBlock(text, "costs", costTable(stacks), document));
    });
  }

  it("counts what private machines bring along", () => {
    const spec = shippedSpec("aws");
    const on = (changes: Partial<AwsSpec>) =>
      costs({ ...spec, cloudSettings: { cloud: "aws", ...awsOf(spec), ...changes } });
    const what = costs(spec)
      .map((line) => line.what)
      .join(", ");
    assert.match(what, /1 × t3\.micro \(bastion\)/);
    // One of each zone for NAT and the external load balancer, and the bastion's.
    assert.match(what, /3 NAT gateways, 2 network load balancers, 7 public addresses/);
    const open = on({ machines: "public" });
    assert.match(open.map((line) => line.what).join(), /12 public addresses/);
    assert.ok(sum(open) < sum(costs(spec)));
    const single = on({ nat: "single" });
    assert.equal((sum(costs(spec)) - sum(single)).toFixed(2), (2 * (0.045 + 0.005) * 730).toFixed(2));
  });
});

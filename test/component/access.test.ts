/** How the program reaches machines. */
import assert from "node:assert/strict";
import { dropletAddresses, elasticAddress } from "./support/mocks.js";
import { type Run, runProgram, runTimeout } from "./support/registrations.js";
import { awsTestSpec, testSpec } from "./support/spec.js";

describe("the way to machines", function () {
  this.timeout(runTimeout);
  const reached = (run: Run) =>
    [...run.of("Delivery"), ...run.of("Join")].map(({ name, inputs }) => ({
      name,
      host: inputs["host"],
      bastion: inputs["bastion"],
    }));

  it("leads through the bastion to private addresses, for each of them, where machines have no public ones", async () => {
    const run = await runProgram(awsTestSpec({ highAvailability: true, aws: { machines: "private" } }));
    const ways = reached(run);
    assert.equal(ways.length, 8);
    for (const way of ways)
      assert.deepEqual(way, {
        name: way.name,
        host: dropletAddresses(way.name).private,
        bastion: elasticAddress("dev-bastion"),
      });
  });

  it("is straight where they have public addresses", async () => {
    for (const spec of [awsTestSpec({ highAvailability: true }), testSpec()]) {
      for (const way of reached(await runProgram(spec)))
        assert.deepEqual(way, { name: way.name, host: dropletAddresses(way.name).public, bastion: undefined });
    }
  });
});

/** The state is read while the engine writes it. */
import assert from "node:assert/strict";
import { runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

const state = "pulumi:pulumi:readStackResourceOutputs";
const message = "failed to load checkpoint: EOF";

/** Answers with an error the first times, then with an empty state. */
function failing(times: number): {
  readonly calls: Record<string, () => Record<string, unknown>>;
  asked: () => number;
} {
  let asked = 0;
  return { calls: { [state]: () => (asked++ < times ? { error: message } : { outputs: {} }) }, asked: () => asked };
}

describe("recorded state", function () {
  this.timeout(runTimeout);

  it("a state that is just being written is read again", async () => {
    const { calls, asked } = failing(2);
    const run = await runProgram(testSpec(), calls);
    assert.ok(run.of("Droplet").length > 0);
    assert.equal(asked(), 3);
  });
});

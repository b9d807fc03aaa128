/** The state is read while the engine writes it. */
import assert from "node:assert/strict";
import { readRecorded, type Recorded } from "../../components/rollout/program/servingMachines.js";
import { registrationsOf } from "./support/registrations.js";

const token = "pulumi:pulumi:readStackResourceOutputs";
const outputs: Readonly<Record<string, Recorded>> = {
  "urn:pulumi:test::corekube::corekube:machine:Join::dev-worker-0": {
    type: "corekube:machine:Join",
    outputs: { nodeName: "dev-worker-0" },
  },
};

describe("recorded state", () => {
  it("a state that is just being written is read again", async () => {
    let asked = 0;
    let recorded: unknown;
    await registrationsOf(
      async () => {
        recorded = await readRecorded();
      },
      { [token]: () => (++asked <= 2 ? { error: "failed to load checkpoint: EOF" } : { outputs }) },
    );
    assert.deepEqual(recorded, outputs);
    assert.equal(asked, 3);
  });

  it("is asked for once in a run: it is as large as the cluster, and stays as it was when the run began", async () => {
    let asked = 0;
    const recorded: unknown[] = [];
    const answer = { [token]: () => ({ outputs: asked++ === 0 ? outputs : {} }) };
    await registrationsOf(async () => {
      for (let reader = 0; reader < 3; reader++) recorded.push(await readRecorded());
    }, answer);
    assert.deepEqual(recorded, [outputs, outputs, outputs]);
    await registrationsOf(async () => void recorded.push(await readRecorded()), answer);
    assert.deepEqual(recorded.at(-1), {}, "another run asks for its own");
  });
});

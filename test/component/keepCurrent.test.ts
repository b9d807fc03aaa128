import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import sinon from "sinon";
import { keepCurrent } from "../../infra/keepCurrent.js";

/** Longer than what becomes known together is gathered. */
const gathered = 700;
const row = (name: string, address: string) => ({ name, address });

describe("a stack's outputs during a run", () => {
  let sent: sinon.SinonStub;

  beforeEach(async () => {
    const recorded = {
      "urn:pulumi:test::corekube::pulumi:pulumi:Stack::corekube-test": {
        type: "pulumi:pulumi:Stack",
        outputs: {
          endpoint: "https://192.0.2.1:6443",
          machines: [row("worker-0", "10.0.0.1"), row("worker-1", "10.0.0.2")],
        },
      },
    };
    const mocks: pulumi.runtime.Mocks = {
      newResource: ({ inputs, name }) => ({ id: name, state: inputs as Record<string, unknown> }),
      call: ({ token, inputs }) => {
        if (token !== "pulumi:pulumi:readStackResourceOutputs") throw new Error(`unknown token ${token}`);
        return { ...(inputs as Record<string, unknown>), outputs: recorded };
      },
    };
    await pulumi.runtime.setMocks(mocks, "corekube", "test", false, "organization");
    sinon.stub(pulumi.runtime, "getStackResource").returns({} as ReturnType<typeof pulumi.runtime.getStackResource>);
    sent = sinon.stub(pulumi.runtime, "registerResourceOutputs");
  });
  afterEach(() => sinon.restore());

  /** What is known of a run that is not at its end: the last row never comes. */
  async function run(endpoint: string, first: string): Promise<void> {
    const never = pulumi.output(new Promise<{ name: string; address: string }>(() => undefined));
    const rows = new Map([
      ["worker-0", pulumi.output(row("worker-0", first))],
      ["worker-1", never],
    ]);
    keepCurrent({ endpoint: pulumi.output(endpoint) }, rows);
    await setTimeout(gathered);
  }

  it("are not sent while they are those of the run before", async () => {
    await run("https://192.0.2.1:6443", "10.0.0.1");
    assert.equal(sent.callCount, 0);
  });

  it("are sent once with what has changed, and with the rows of the run before for the rest", async () => {
    await run("https://192.0.2.1:6443", "10.0.0.9");
    assert.equal(sent.callCount, 1);
    const { machines } = sent.firstCall.args[1] as { machines: unknown };
    assert.deepEqual(machines, [row("worker-0", "10.0.0.9"), row("worker-1", "10.0.0.2")]);
  });

  it("are sent where only an output has changed", async () => {
    await run("https://192.0.2.7:6443", "10.0.0.1");
    assert.equal(sent.callCount, 1);
  });
});

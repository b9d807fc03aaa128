/** What machines were made with is in the state once, and a run says which of them differ. */
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import sinon from "sinon";
import type { Configuration } from "../../components/contract/configurations.js";
import { runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

type Kept = Readonly<Record<string, Configuration>>;

describe("configurations of machines", function () {
  this.timeout(runTimeout);
  afterEach(() => sinon.restore());

  const keptBy = async (spec = testSpec(), outputs: Record<string, unknown> = {}): Promise<Kept> => {
    const run = await runProgram(spec, { "pulumi:pulumi:readStackResourceOutputs": { outputs } });
    return run.one("Configurations", "cluster").inputs["configurations"] as Kept;
  };
  const join = (name: string, configuration: string) => ({
    [`urn:pulumi:s::p::corekube:machine:Join::${name}`]: {
      type: "corekube:machine:Join",
      outputs: { hostKey: "ssh-ed25519 AAAA", nodeName: name, configuration },
    },
  });
  const kept = (configurations: Kept) => ({
    "urn:pulumi:s::p::corekube:machine:Configurations::cluster": {
      type: "corekube:machine:Configurations",
      outputs: { configurations },
    },
  });

  it("are one for each role, however many workers there are", async () => {
    const few = await keptBy(testSpec({ workerCount: 1 }));
    assert.equal(Object.keys(few).length, 4);
    assert.deepEqual(await keptBy(testSpec({ workerCount: 40 })), few);
    assert.ok(JSON.stringify(few).length < 12_000, `${JSON.stringify(few).length} bytes`);
  });

  it("keep those of machines that run with earlier ones, no others, and the run says so", async () => {
    const warn = sinon.stub(pulumi.log, "warn").resolves();
    const before = await keptBy();
    assert.deepEqual(warn.args, [], "a new cluster");
    const worker = Object.values(before).find(({ settings }) => "reserved_resources" in settings)!;
    const now = await keptBy(testSpec({ logLevel: "DEBUG" }), {
      ...kept(before),
      ...join("dev-worker-1", worker.digest),
    });
    assert.deepEqual(Object.keys(now).length, 5);
    assert.deepEqual(now[worker.digest], worker);
    assert.equal(warn.callCount, 1);
    assert.match(String(warn.firstCall.args[0]), /dev-worker-1: log_level "INFO" -> "DEBUG" .*\n.*pulumi up --replace/);
  });
});

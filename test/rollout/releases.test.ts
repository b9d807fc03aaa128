/** What the state says of a cluster's releases, on the real engine: recorded before machines change, finished when all of them have. */
import assert from "node:assert/strict";
import path from "node:path";
import { OrderStack, PROJECT } from "./support.js";

const from = (file: string): string => JSON.stringify(path.join(PROJECT, "components", file));

/** One machine of each stage, one after another, as a rollout lets them change. */
const PROGRAM = `
import * as pulumi from "@pulumi/pulumi";
import { recordedState } from ${from("cloud/recordedState.js")};
import { FinishedReleases, recordedReleases, StartedReleases } from ${from("releases/clusterReleases.js")};
import { chooseReleases } from ${from("spec/upgrade.js")};
const config = new pulumi.Config();
class Stub extends pulumi.CustomResource {
  declare readonly configuration: pulumi.Output<string>;
  constructor(type: string, name: string, args: object, opts?: pulumi.CustomResourceOptions) {
    super("corekube:machine:" + type, name, { configuration: undefined, ...args }, opts);
  }
}
export = async () => {
  const recorded = recordedReleases(await recordedState());
  const choice = chooseReleases({ kubernetes_version: config.get("version") ?? "", emulated_version: config.get("emulated") ?? "" }, recorded);
  if ("problem" in choice) throw new pulumi.RunError(choice.problem.path + ": " + choice.problem.allowed);
  const { kubernetesVersion, nodeVersion, emulatedVersion } = choice.releases;
  const started = new StartedReleases(choice.releases);
  await started.recorded();
  const current = { etcd: { digest: nodeVersion }, controller: { digest: [kubernetesVersion, emulatedVersion, nodeVersion].join() }, worker: { digest: nodeVersion }, public: { digest: "" } };
  const machines: unknown[] = [];
  let before: pulumi.Resource = started;
  for (const role of ["etcd", "controller", "worker"] as const) {
    const { digest } = current[role];
    const delivery: Stub = new Stub("Delivery", "machine-" + role, { machineId: role, files: { digest }, configuration: digest }, { dependsOn: [before] });
    machines.push({ machine: { role, name: "machine-" + role }, configuration: delivery.configuration });
    before = delivery;
  }
  new FinishedReleases(choice.releases, recorded.finished, machines as never, current);
};
`;

describe("releases on the engine", function () {
  this.timeout(900_000);
  const stack = new OrderStack();
  before(() => stack.create(PROGRAM));
  after(() => stack.remove());

  const recorded = async () => {
    const of = async (name: string) => {
      const releases = await stack.recorded(`:Releases::${name}`);
      const values = ["kubernetesVersion", "nodeVersion", "emulatedVersion"].map((key) => releases?.[key]);
      return values.filter((value) => value !== undefined).join(" ");
    };
    return { started: await of("started"), finished: await of("finished") };
  };
  const ask = async (version: string, emulated = "") => {
    await stack.set("version", version);
    await stack.set("emulated", emulated);
  };
  const well = async (): Promise<readonly string[]> => {
    const run = await stack.run("up");
    assert.equal(run.code, 0, run.output);
    return run.calls;
  };
  const refused = async (reason: RegExp): Promise<void> => {
    for (const command of ["preview", "up"] as const) {
      const { code, output, calls } = await stack.run(command);
      assert.notEqual(code, 0, output);
      assert.match(output, reason);
      assert.deepEqual(calls, []);
    }
  };

  it("are begun before the first machine, and finished after the last one", async () => {
    await ask("1.35.4");
    const stub = ["machine-etcd", "machine-controller", "machine-worker"].map((name) => `create Delivery ${name}`);
    assert.deepEqual(
      await well(),
      ["create Releases started", ...stub, "create Releases finished"].flatMap((call) => [call, `done ${call}`]),
    );
    assert.deepEqual(await recorded(), { started: "1.35.4 1.35.4", finished: "1.35.4 1.35.4" });
  });

  it("stay, when nothing is asked", async () => {
    await ask("");
    const { code, output } = await stack.run("preview", {}, ["--expect-no-changes"]);
    assert.equal(code, 0, output);
    assert.deepEqual(await well(), []);
  });

  it("are begun and not finished when a machine fails, and the way back is open while it emulates", async () => {
    await ask("1.36.3", "1.35");
    const run = await stack.run("up", { fail: "update Delivery machine-controller" });
    assert.notEqual(run.code, 0);
    assert.deepEqual(await recorded(), { started: "1.36.3 1.35.4 1.35", finished: "1.35.4 1.35.4" });
    await ask("1.35.4");
    assert.ok((await well()).includes("done update Delivery machine-controller"));
    assert.deepEqual(await recorded(), { started: "1.35.4 1.35.4", finished: "1.35.4 1.35.4" });
  });

  it("are had once all machines have them, nodes and etcd aside, which keep theirs", async () => {
    await ask("1.36.3", "1.35");
    const calls = await well();
    assert.deepEqual(
      calls.filter((call) => call.includes("Delivery")),
      ["update Delivery machine-controller", "done update Delivery machine-controller"],
    );
    assert.deepEqual(await recorded(), { started: "1.36.3 1.35.4 1.35", finished: "1.36.3 1.35.4 1.35" });
  });

  it("cannot be taken back once a run has begun to finish them, even when it is killed at the first machine", async () => {
    await ask("1.36.3");
    await stack.run("up", { kill: "update Delivery machine-etcd" });
    await stack.unlock();
    await ask("1.35.4");
    await refused(/kubernetes_version: .*or is being finished/s);
    await ask("1.36.3");
    await well();
    assert.deepEqual(await recorded(), { started: "1.36.3 1.36.3", finished: "1.36.3 1.36.3" });
    await ask("1.35.4");
    await refused(/kubernetes_version: .*all machines have 1\.36/s);
  });

  it("are not finished by a run that leaves a machine out", async () => {
    await ask("1.36.1");
    const machine = "urn:pulumi:test::order::corekube:machine:Delivery::machine-worker";
    const { code, output } = await stack.run("up", {}, ["--exclude", machine]);
    assert.equal(code, 0, output);
    assert.deepEqual(await recorded(), { started: "1.36.1 1.36.1", finished: "1.36.3 1.36.3" });
    await well();
    assert.deepEqual(await recorded(), { started: "1.36.1 1.36.1", finished: "1.36.1 1.36.1" });
  });
});

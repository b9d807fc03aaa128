/** Labels and taints that workers get: in their Joins, and in no user-data. */
import assert from "node:assert/strict";
import { joinShape } from "../../components/contract/resources.js";
import { checkInputs } from "../../provider/operation/inputs.js";
import type { Properties } from "../../provider/rpc/properties.js";
import { type Run, runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

describe("labels and taints of workers", function () {
  this.timeout(runTimeout);
  const settings = {
    nodeLabels: { disk: "fast" },
    nodeTaints: [{ key: "dedicated", value: "gpu", effect: "NoSchedule" as const }],
    publicNodeLabels: { edge: "1" },
    publicNodeTaints: [{ key: "edge", value: "", effect: "NoExecute" as const }],
  };
  let plain: Run;
  let labelled: Run;
  before(async () => {
    const publicWorkers = { ...testSpec().publicWorkers, count: 1, size: "s-2vcpu-4gb" };
    plain = await runProgram(testSpec({ publicWorkers }));
    labelled = await runProgram(testSpec({ publicWorkers, ...settings }));
  });
  const given = (run: Run, name: string) => {
    const { labels, taints } = run.one("Join", name).inputs;
    return { labels, taints };
  };

  it("are their roles, and those of their pool's settings", () => {
    assert.deepEqual(given(plain, "dev-worker-0"), { labels: { "node-role.kubernetes.io/worker": "" }, taints: {} });
    assert.deepEqual(given(labelled, "dev-worker-1"), {
      labels: { disk: "fast", "node-role.kubernetes.io/worker": "" },
      taints: { "dedicated:NoSchedule": "gpu" },
    });
    assert.deepEqual(given(labelled, "dev-public-0"), {
      labels: { edge: "1", "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/public": "" },
      taints: { "edge:NoExecute": "" },
    });
  });

  it("replace no machine: user-data is the same", () => {
    const userData = (run: Run) => run.of("Droplet").map(({ name, inputs }) => [name, inputs["userData"]]);
    assert.deepEqual(userData(labelled), userData(plain));
  });

  it("come with every default: a new cluster's preview does not ask the provider, and a run is bound to what it had", () => {
    const { inputs } = plain.one("Join", "dev-worker-0");
    const missing = Object.entries(checkInputs(joinShape, inputs as Properties).inputs).filter(
      ([name]) => inputs[name] === undefined,
    );
    assert.deepEqual(missing, []);
    assert.equal(inputs["port"], 22);
  });
});

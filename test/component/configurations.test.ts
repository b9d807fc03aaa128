/** What machines run is in the state once for each role, and each machine's resource has its digest. */
import assert from "node:assert/strict";
import type { Configuration } from "../../components/contract/configurations.js";
import { runProgram, runTimeout } from "./support/registrations.js";
import { testSpec } from "./support/spec.js";

describe("configurations of machines", function () {
  this.timeout(runTimeout);

  const of = async (spec = testSpec()) => {
    const run = await runProgram(spec);
    const configuration = (role: string) => run.one("Configuration", `dev-${role}`).inputs as unknown as Configuration;
    return { run, configuration };
  };

  it("are the same however many workers there are", async () => {
    const few = await of(testSpec({ workerCount: 1 }));
    const many = await of(testSpec({ workerCount: 40 }));
    for (const role of ["etcd", "controller", "worker", "public"])
      assert.deepEqual(few.configuration(role), many.configuration(role), role);
  });

  it("are known by their digests to the machines' own resources, and by nothing else", async () => {
    const { run, configuration } = await of();
    const machines: readonly (readonly [type: string, name: string, role: string])[] = [
      ["Delivery", "dev-etcd-0", "etcd"],
      ["Delivery", "dev-controller-0", "controller"],
      ["Join", "dev-worker-0", "worker"],
    ];
    for (const [type, name, role] of machines)
      assert.equal(run.one(type, name).inputs["configuration"], configuration(role).digest, name);
  });

  it("change with a flag in the one file that has it, and for no other role", async () => {
    const before = await of();
    const { components } = testSpec();
    const larger = { ...components, "kube-apiserver": { ...components["kube-apiserver"], memory: 1900 } };
    const after = await of(testSpec({ components: larger }));
    const differing = (role: string): string[] =>
      Object.keys(after.configuration(role).files).filter(
        (path) => after.configuration(role).files[path]?.contents !== before.configuration(role).files[path]?.contents,
      );
    assert.deepEqual(differing("controller"), ["/etc/corekube/manifests/kube-apiserver.yaml"]);
    for (const role of ["etcd", "worker", "public"]) assert.deepEqual(differing(role), [], role);
  });
});

/** `ci/up` on the real program and engine, with providers that make nothing: what a run leaves behind, done or failed. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownStack } from "../stacks/ownStack.js";
import type { Hold } from "../support/stubProviders.js";
import { script, type ScriptRun } from "./support/run.js";

describe("ci/up: the timeline", function () {
  this.timeout(600_000);
  const own = ownStack("ci-up");
  const { folder } = own;
  const file = (name: string): string => join(folder, name);
  const read = (name: string): string => readFileSync(file(name), "utf8");

  before(() => {
    // A cluster that is thrown away.
    writeFileSync(file("policies.json"), JSON.stringify({ "ca-keys-protected": { stacks: ["corekube/ha"] } }));
  });

  /** Previews, and applies that. */
  const deploy = (hold?: Hold): Promise<ScriptRun> =>
    own.stack.with(async (env) => {
      const variables = { ...env, COREKUBE_POLICY_CONFIG: file("policies.json"), GITHUB_STEP_SUMMARY: file("page.md") };
      const args = ["--stack", "ha", "--out", folder];
      const preview = await script("preview", args, variables);
      assert.equal(preview.code, 0, preview.output);
      writeFileSync(file("page.md"), "");
      return script("up", [...args, "--preview", file("preview.json")], variables);
    }, hold);

  const assertNoSecrets = (output: string): void => {
    for (const text of [output, ...["timeline.txt", "timeline.svg", "page.md"].map(read)])
      assert.doesNotMatch(text, /PRIVATE KEY|client-key-data/);
  };

  it("is left by a run that made a cluster: as text, as a picture, and on the page of the run", async () => {
    const { code, output } = await deploy();
    assert.equal(code, 0, output);
    const text = read("timeline.txt");
    for (const machine of ["etcd-0", "etcd-2", "controller-1", "worker-0", "public-0"])
      assert.match(text, new RegExp(`^kubernetes-${machine} .*█.* made in [0-9.]+ s`, "m"));
    assert.match(text, /^the run took [0-9.]+ s$/m);
    assert.match(
      read("timeline.svg"),
      /^<svg [\s\S]*update of stack ha, ended \d{4}-[\s\S]*kubernetes-etcd-0[\s\S]*<\/svg>\n$/,
    );
    assert.ok(output.includes(text.trim()) && read("page.md").includes(text.trim()));
    assert.match(output, /kubernetes-worker-0 \(Join\) created in \d+ s/, "what is done is printed as it comes");
    assertNoSecrets(output);
  });

  it("is left by a run that fails: until there, with what failed, and the error says what to do", async () => {
    await own.stack.type("pulumi config set log_level DEBUG");
    const { code, output } = await deploy((what) =>
      what === "update kubernetes-etcd-1" ? Promise.reject(new Error("the member does not serve")) : Promise.resolve(),
    );
    assert.equal(code, 1, output);
    const text = read("timeline.txt");
    assert.match(text, /^kubernetes-etcd-0 .* changed in [0-9.]+ s, from [0-9.]+ s on$/m);
    assert.match(text, /^kubernetes-etcd-1 .* changed in .*, FAILED$/m);
    assert.doesNotMatch(text, /controller/);
    assert.match(read("timeline.svg"), /kubernetes-etcd-1[\s\S]*failed/);
    assert.match(read("page.md"), /❌ Stack `ha`: failed[\s\S]*```text\nkubernetes-etcd-0/);
    assert.match(output, /kubernetes-etcd-1 \(Delivery\): error: .*the member does not serve[\s\S]*What to do:/);
    assertNoSecrets(output);
  });
});

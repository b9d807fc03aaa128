/** `corekube dashboard` against a real API server that has no pod of it. What it does with one: the tests of add-ons in clusters. */
import assert from "node:assert/strict";
import { START_TIMEOUT, TestApi } from "../provider/support/api.js";
import { exported, ImportedStack, secret } from "./support.js";

describe("corekube dashboard", function () {
  this.timeout(60_000);
  const stack = new ImportedStack();
  let api: TestApi;

  before(async function () {
    this.timeout(START_TIMEOUT);
    api = await TestApi.start();
    await stack.create();
    await stack.import(exported([], { kubeconfig: secret(api.kubeconfig) }));
  });
  after(() => {
    api.stop();
    stack.engine.remove();
  });

  const run = (...args: readonly string[]) => stack.corekube(["dashboard", ...args]);

  it("says how to turn it on where there is none", async () => {
    const { code, stdout, stderr } = await run();
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(
      stderr,
      /^dashboard: got no pod with k8s-app=headlamp in the namespace dashboard is ready; allowed: .*addons\.dashboard\.enabled true\. Run: pulumi config set --path addons\.dashboard\.enabled true && pulumi up$/m,
    );
  });

  it("refuses what is no port", async () => {
    for (const port of ["-1", "65536", "http"]) {
      const { code, stderr } = await run("--port", port);
      assert.equal(code, 2, stderr);
      assert.match(stderr, new RegExp(`^--port: got ${port}; allowed: .*Run: corekube dashboard --port 0`, "m"));
    }
  });

  it("says so before it has a cluster", async () => {
    const empty = new ImportedStack();
    await empty.create();
    try {
      const { code, stderr } = await empty.corekube(["dashboard"]);
      assert.equal(code, 1);
      assert.match(stderr, /^stack: got no output kubeconfig; .*Run: pulumi up/m);
    } finally {
      empty.engine.remove();
    }
  });
});

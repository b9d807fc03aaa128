import assert from "node:assert/strict";
import { EngineProgress } from "../../../lab/commands/engine-progress.js";

describe("progress of the engine", () => {
  const shown: string[] = [];
  let now = 0;
  const progress = (): EngineProgress =>
    new EngineProgress(
      (line) => shown.push(line),
      () => now,
    );

  beforeEach(() => {
    shown.length = 0;
    now = 0;
  });

  it("tells what is at work, longest first, and how long each took", () => {
    const engine = progress();
    engine.line(" +  digitalocean:index:Droplet kubernetes-etcd-0 creating (0s)");
    now = 3000;
    engine.line(" +  corekube:machine:Delivery kubernetes-etcd-0 creating (0s)");
    engine.line("@ Updating......");
    now = 9000;
    assert.equal(
      engine.waiting(),
      "creating kubernetes-etcd-0 (Droplet), 9 s; creating kubernetes-etcd-0 (Delivery), 6 s",
    );
    engine.line(" +  digitalocean:index:Droplet kubernetes-etcd-0 created (9s)");
    assert.deepEqual(shown, ["kubernetes-etcd-0 (Droplet) created in 9 s"]);
    assert.equal(engine.waiting(), "creating kubernetes-etcd-0 (Delivery), 6 s");
  });

  it("passes on what a provider says about a resource at work, and forgets one that failed", () => {
    const engine = progress();
    engine.line(" +  corekube:etcd:Cluster kubernetes creating (0s)");
    engine.line(" +  corekube:machine:Join kubernetes-worker-2 creating (17s) waiting for kubelet.service");
    now = 20_000;
    assert.equal(engine.waiting(), "creating kubernetes-worker-2 (Join), 20 s: waiting for kubelet.service");
    engine.line(" +  corekube:machine:Join kubernetes-worker-2 **creating failed** error: 1 error occurred:");
    assert.equal(engine.waiting(), "");
    assert.equal(engine.changes, 0);
  });

  it("counts changes, and nothing for a run without any", () => {
    const engine = progress();
    engine.line("Resources:");
    engine.line("    52 unchanged");
    assert.equal(engine.changes, 0);
    engine.line(" ~  kubernetes:core/v1:ConfigMap coredns updated (0.5s)");
    engine.line(" -  digitalocean:index/droplet:Droplet kubernetes-worker-2 deleted (3s)");
    assert.equal(engine.changes, 2);
  });

  it("passes diagnostics on", () => {
    const engine = progress();
    engine.line("    corekube:machine:Delivery kubernetes-etcd-0  error: etcd.service failed");
    engine.line("    warning: using pulumi-resource-tls from $PATH at /somewhere/pulumi-resource-tls");
    engine.line("Diagnostics:");
    engine.line("    error: etcd.service failed");
    engine.line("Resources:");
    assert.deepEqual(shown, ["corekube:machine:Delivery kubernetes-etcd-0  error: etcd.service failed", "Resources:"]);
  });
});

import assert from "node:assert/strict";
import { rolloutPlan } from "../../components/rollout/provider/rolloutPlan.js";
import { Join } from "../../provider/resources/join.js";
import type { Properties } from "../../provider/rpc/properties.js";
import { START_TIMEOUT, TestApi } from "./support/api.js";
import { waitOnly } from "./support/limits.js";
import { checked, eventually, operation } from "./support/operation.js";

const SYSTEM_ID = "0123456789abcdef0123456789abcdef";

describe("Join's deletion, on a real API", function () {
  this.timeout(90_000);
  waitOnly({ api: 8 });
  const join = new Join();
  let api: TestApi;

  before(async function () {
    this.timeout(START_TIMEOUT);
    api = await TestApi.start();
  });
  after(() => api?.stop());
  beforeEach(async () => {
    await api.node("worker-0");
    await api.node("worker-1", { systemId: "1".repeat(32) });
  });
  afterEach(async () => {
    await api.deletePods();
    await api.deleteNodes();
    await api.policy.deleteCollectionNamespacedPodDisruptionBudget({ namespace: "default" });
  });

  const inputs = (given: Properties = {}): Properties =>
    checked(join, {
      machine: "worker-0",
      machineId: "9",
      host: "127.0.0.1",
      nodeName: "worker-0",
      server: api.server,
      caCertificate: "BEGIN CERTIFICATE",
      drainTimeout: 6,
      ...given,
    });
  const own = (kubeconfig = api.kubeconfig) => operation({ sshPrivateKey: "PRIVATE KEY", kubeconfig });
  const state = (given: Properties = {}, systemId = SYSTEM_ID) => ({
    inputs: inputs(given),
    outputs: { hostKey: "k", nodeName: "worker-0", systemId },
  });
  const nodeNames = async (): Promise<string[]> =>
    (await api.cluster.core.listNode()).items.map((node) => node.metadata?.name ?? "").sort();

  it("moves ordinary pods, leaves those of DaemonSets, static and finished ones, and removes the Node", async () => {
    await api.pod("worker-0", "plain");
    await api.pod("worker-0", "replica", { owner: "ReplicaSet" });
    await api.pod("worker-0", "daemon", { owner: "DaemonSet" });
    await api.pod("worker-0", "static", { mirror: true });
    await api.pod("worker-0", "done", { phase: "Succeeded" });
    await api.pod("worker-0", "failed", { phase: "Failed" });
    await api.pod("worker-1", "elsewhere");
    await join.delete(own(), state());
    assert.deepEqual(await api.podNames(), ["daemon", "done", "elsewhere", "failed", "static"]);
    assert.deepEqual(await nodeNames(), ["worker-1"]);
  });

  it("names pods that nothing creates again, before they are evicted", async () => {
    await api.pod("worker-0", "plain");
    await api.pod("worker-0", "replica", { owner: "ReplicaSet" });
    const run = own();
    await join.delete(run, state());
    assert.match(run.warnings.join(), /worker-0: these pods have no controller[^:]*: default\/plain$/);
  });

  describe("with a volume", () => {
    const name = "attached";
    beforeEach(() =>
      api.cluster.storage.createVolumeAttachment({
        body: {
          metadata: { name },
          spec: { attacher: "example.com", nodeName: "worker-0", source: { persistentVolumeName: "pv-1" } },
        },
      }),
    );
    afterEach(() => api.cluster.storage.deleteVolumeAttachment({ name }).catch(() => undefined));

    it("lets the machine go only when it is detached", async () => {
      const run = own();
      const deletion = join.delete(run, state({ drainTimeout: 30 }));
      await eventually(() => run.statuses.some((text) => text.includes("waiting for volumes to be detached: pv-1")));
      assert.deepEqual(await nodeNames(), ["worker-0", "worker-1"]);
      await api.cluster.storage.deleteVolumeAttachment({ name });
      await deletion;
      assert.deepEqual(await nodeNames(), ["worker-1"]);
      assert.deepEqual(run.warnings, []);
    });

    it("does not wait for a kubelet that is silent, and says what that means for its pods", async () => {
      await api.deleteNodes();
      await api.node("worker-0", { ready: "silent" });
      const run = own();
      const began = Date.now();
      await join.delete(run, state({ drainTimeout: 60 }));
      assert.ok(Date.now() - began < 30_000);
      assert.match(run.warnings.join(), /still has volumes attached \(pv-1\).*six minutes/);
    });
  });

  it("drains as long as this run says, not as the one before said", async () => {
    await api.pod("worker-0", "guarded", { app: "web" });
    await api.budget("web", 0);
    rolloutPlan.begin({ machines: [], drainTimeout: 0 });
    try {
      await join.delete(own(), state({ drainTimeout: 60 }));
      assert.deepEqual(await nodeNames(), ["worker-1"]);
    } finally {
      rolloutPlan.begin({ machines: [] });
    }
  });

  it("retries and reports while a budget refuses, and continues when it allows", async () => {
    await api.pod("worker-0", "guarded", { app: "web" });
    await api.budget("web", 0);
    const run = own();
    const deletion = join.delete(run, state({ drainTimeout: 30 }));
    await eventually(() => run.statuses.some((text) => text.includes("1 held by disruption budgets")));
    assert.deepEqual(await api.podNames(), ["guarded"]);
    await api.budget("web", 1);
    await deletion;
    assert.deepEqual(await api.podNames(), []);
  });

  it("fails when the time is over, naming pods and budgets, and leaves the Node cordoned", async () => {
    await api.pod("worker-0", "guarded", { app: "web" });
    await api.pod("worker-0", "slow", { grace: 600 });
    await api.budget("web", 0);
    await assert.rejects(join.delete(own(), state()), (error: Error) => {
      assert.match(error.message, /worker-0: the node could not be drained within 6 s/);
      assert.match(error.message, /default\/guarded: .*disruption budget web/);
      assert.match(error.message, /default\/slow: is still terminating/);
      assert.match(error.message, /kubectl uncordon worker-0/);
      return true;
    });
    assert.equal((await api.cluster.core.readNode({ name: "worker-0" })).spec?.unschedulable, true);
    await api.budget("web", 1);
    await api.deletePods();
    await join.delete(own(), state());
    assert.deepEqual(await nodeNames(), ["worker-1"]);
  });

  it("lets a held pod go with the only worker, with a warning", async () => {
    await api.cluster.core.deleteNode({ name: "worker-1" });
    await api.node("controller-0", { controller: true, systemId: "2".repeat(32) });
    await api.pod("worker-0", "guarded", { app: "web" });
    await api.budget("web", 0);
    const run = own();
    await join.delete(run, state({ drainTimeout: 60 }));
    assert.match(run.warnings.join(), /no other node is left for these pods.*default\/guarded/);
    assert.deepEqual(await nodeNames(), ["controller-0"]);
  });

  it("lets held pods go when every worker leaves at once", async () => {
    await api.pod("worker-0", "a", { app: "web" });
    await api.pod("worker-1", "b", { app: "web" });
    await api.budget("web", 0);
    const other = { inputs: inputs({ nodeName: "worker-1", drainTimeout: 60 }), outputs: { systemId: "1".repeat(32) } };
    await Promise.all([join.delete(own(), state({ drainTimeout: 60 })), join.delete(own(), other)]);
    assert.deepEqual(await nodeNames(), []);
  });

  it("does not wait for pods of a machine that is gone", async () => {
    await api.cluster.core.deleteNode({ name: "worker-0" });
    await api.node("worker-0", { ready: "silent" });
    await api.pod("worker-0", "stuck", { grace: 600 });
    await join.delete(own(), state({ drainTimeout: 60 }));
    assert.deepEqual(await nodeNames(), ["worker-1"]);
  });

  describe("of a machine whose kubelet does not report that it is ready", () => {
    const becomes = async (name: string, ready: false | "silent"): Promise<void> => {
      await api.cluster.core.deleteNode({ name });
      await api.node(name, { ready, ...(name === "worker-1" ? { systemId: "1".repeat(32) } : {}) });
    };
    const hold = async (): Promise<void> => {
      await api.pod("worker-0", "guarded", { app: "web" });
      await api.budget("web", 0);
    };

    it("lets pods that a budget holds go with one that is silent, and names them", async () => {
      await becomes("worker-0", "silent");
      await hold();
      await api.pod("worker-0", "stuck", { grace: 600 });
      const run = own();
      await join.delete(run, state());
      assert.match(
        run.warnings.join(),
        /worker-0: .*silent.*although a disruption budget holds them: default\/guarded$/,
      );
      assert.deepEqual(await nodeNames(), ["worker-1"]);
    });

    it("keeps to budgets where no other worker reports: then it is the API that they do not reach, and they may serve", async () => {
      await api.node("controller-0", { controller: true, systemId: "2".repeat(32) });
      for (const name of ["worker-0", "worker-1"]) await becomes(name, "silent");
      await hold();
      await assert.rejects(join.delete(own(), state()), /default\/guarded: .*disruption budget web/);
      assert.ok((await nodeNames()).includes("worker-0"));
    });

    it("keeps to budgets where the kubelet reports, because its pods may serve", async () => {
      await becomes("worker-0", false);
      await hold();
      await assert.rejects(
        join.delete(own(), state()),
        /default\/guarded: .*disruption budget web[\s\S]*pulumi config set drain_timeout 0 && pulumi up/,
      );
    });

    it("lets pods end where the kubelet reports, as long as their own time lasts", async () => {
      await becomes("worker-0", false);
      await api.pod("worker-0", "ending", { grace: 5 });
      await join.delete(own(), state({ drainTimeout: 60 }));
      // Without a kubelet, the pod stays in the API.
      const { metadata } = await api.cluster.core.readNamespacedPod({ namespace: "default", name: "ending" });
      assert.ok(metadata?.deletionTimestamp !== undefined && metadata.deletionTimestamp.getTime() <= Date.now());
      assert.deepEqual(await nodeNames(), ["worker-1"]);
    });
  });

  it("leaves a Node alone that belongs to another machine, and accepts one that is gone", async () => {
    await api.pod("worker-0", "plain");
    await join.delete(own(), state({}, "f".repeat(32)));
    assert.deepEqual(await nodeNames(), ["worker-0", "worker-1"]);
    assert.deepEqual(await api.podNames(), ["plain"]);
    await api.cluster.core.deleteNode({ name: "worker-0" });
    await join.delete(own(), state());
  });

  it("continues with a warning if the API does not answer or rejects the kubeconfig", async () => {
    const away = own(api.kubeconfig.replace(/127\.0\.0\.1:\d+/, "127.0.0.1:1"));
    const wrong = own(api.kubeconfig.replace(/"token":"\w+"/, '"token":"wrong"'));
    const start = Date.now();
    await Promise.all([join.delete(away, state()), join.delete(wrong, state())]);
    assert.match(away.warnings.join(), /removed without being drained.*ECONNREFUSED.*kubectl delete node worker-0/);
    assert.match(wrong.warnings.join(), /removed without being drained.*401/);
    assert.ok(Date.now() - start < 20_000);
  });

  it("ends at once when interrupted", async () => {
    await api.pod("worker-0", "guarded", { app: "web" });
    await api.budget("web", 0);
    const run = own();
    const deletion = join.delete(run, state({ drainTimeout: 60 }));
    await eventually(() => run.statuses.some((text) => text.includes("held")));
    const start = Date.now();
    run.interrupt();
    await assert.rejects(deletion, /interrupted/);
    assert.ok(Date.now() - start < 1_000);
  });

  it("a refresh finds a Node that is gone, so that the next run joins again with the same host key", async () => {
    assert.deepEqual(await join.read(own(), state()), state().outputs);
    await api.cluster.core.deleteNode({ name: "worker-0" });
    const outputs = await join.read(own(), state());
    assert.deepEqual(outputs, { hostKey: "k", systemId: SYSTEM_ID });
    assert.deepEqual(join.diff({ inputs: inputs(), outputs }, inputs()).changes, [
      { path: "nodeName", kind: "update", input: false },
    ]);
  });
});

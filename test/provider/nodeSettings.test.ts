/** Labels and taints from settings on a Node of a real API, beside those that others have put there. */
import assert from "node:assert/strict";
import { Join } from "../../provider/resources/join.js";
import { takesPods } from "../../provider/kubernetes/node.js";
import type { Properties } from "../../provider/rpc/properties.js";
import { eventually, operation } from "./support/operation.js";
import { joiningMachine } from "./support/joining.js";

describe("labels and taints of a Node, on a real API", function () {
  this.timeout(120_000);
  const join = new Join();
  const joining = joiningMachine(join, {
    caCertificate: "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n",
    timeout: 50,
  });
  const { inputs } = joining;

  const own = () =>
    operation({ sshUser: "root", sshPrivateKey: joining.machine.privateKey, kubeconfig: joining.api.kubeconfig });
  const node = () => joining.api.cluster.core.readNode({ name: "worker-0" });
  const patch = (body: readonly object[]) => joining.api.cluster.core.patchNode({ name: "worker-0", body });
  /** Without the seal of what settings have given. */
  const labels = async () =>
    Object.fromEntries(
      Object.entries((await node()).metadata?.labels ?? {}).filter(
        ([name]) => !name.startsWith("corekube.node-restriction.kubernetes.io/"),
      ),
    );
  /** Without those that the API server itself gives to a new Node. */
  const taints = async () =>
    ((await node()).spec?.taints ?? [])
      .map(({ key, value = "", effect }) => `${key}=${value}:${effect}`)
      .filter((taint) => !taint.startsWith("node.kubernetes.io/"));
  const update = (before: Properties, after: Properties) =>
    join.update(
      own(),
      {
        inputs: inputs(before),
        outputs: { hostKey: joining.machine.hostKey, nodeName: "worker-0", host: "127.0.0.1" },
      },
      inputs(after),
    );

  it("are there before pods may run on it", async () => {
    const wanted = {
      labels: { "node-role.kubernetes.io/worker": "", disk: "fast" },
      taints: { "dedicated:NoSchedule": "gpu", "night:NoExecute": "" },
    };
    await joining.api.node("worker-0", { ready: false });
    const creation = join.create(own(), inputs(wanted));
    let seen: Record<string, string> = {};
    void creation.catch(() => undefined);
    await eventually(() => {
      void labels().then((now) => (seen = now));
      return seen["disk"] === "fast";
    }, 40_000);
    assert.equal((await node()).status?.conditions?.[0]?.status, "False");
    assert.deepEqual(await taints(), ["dedicated=gpu:NoSchedule", "night=:NoExecute"]);
    assert.equal((await labels())["node-role.kubernetes.io/worker"], "");
    const ready = await node();
    ready.status!.conditions![0]!.status = "True";
    await joining.api.cluster.core.replaceNodeStatus({ name: "worker-0", body: ready });
    await creation;
  });

  it("change without a connection to the machine, and only what settings have set is removed", async () => {
    await joining.api.node("worker-0");
    await patch([
      { op: "add", path: "/metadata/labels", value: { theirs: "1" } },
      { op: "add", path: "/spec/taints", value: [{ key: "theirs", effect: "NoSchedule" }] },
    ]);
    const first = { labels: { disk: "fast", rack: "7" }, taints: { "a:NoSchedule": "1", "b:NoSchedule": "" } };
    await joining.machine.stop();
    await update({}, first);
    assert.deepEqual(await labels(), { theirs: "1", disk: "fast", rack: "7" });
    assert.deepEqual(await taints(), ["theirs=:NoSchedule", "a=1:NoSchedule", "b=:NoSchedule"]);
    await update(first, { labels: { disk: "slow" }, taints: { "b:NoSchedule": "2" } });
    assert.deepEqual(await labels(), { theirs: "1", disk: "slow" });
    assert.deepEqual(await taints(), ["theirs=:NoSchedule", "b=2:NoSchedule"]);
    await update({ labels: { disk: "slow" }, taints: { "b:NoSchedule": "2" } }, {});
    assert.deepEqual(await labels(), { theirs: "1" });
    assert.deepEqual(await taints(), ["theirs=:NoSchedule"]);
  });

  it("are all there after a run that stopped half-way, whatever its state says", async () => {
    await joining.api.node("worker-0");
    await update({}, { labels: { old: "1" } });
    // The state has the new labels already, but the Node still has the old one.
    await update({ labels: {}, taints: { "x:NoSchedule": "" } }, { labels: { fresh: "1" } });
    assert.deepEqual(await labels(), { fresh: "1" });
  });

  it("are not removed for a node that lists what others have set: it may write its own annotations", async () => {
    await joining.api.node("worker-0");
    await patch([
      { op: "add", path: "/metadata/labels", value: { theirs: "1" } },
      { op: "add", path: "/spec/taints", value: [{ key: "quarantine", effect: "NoSchedule" }] },
    ]);
    await update({}, { labels: { disk: "fast" } });
    await patch([
      {
        op: "add",
        path: "/metadata/annotations/corekube.io~1node-settings",
        value: JSON.stringify({ labels: ["disk", "theirs"], taints: ["quarantine:NoSchedule"] }),
      },
    ]);
    await update({ labels: { disk: "fast" } }, { labels: { disk: "slow" } });
    assert.deepEqual(await labels(), { theirs: "1", disk: "slow" });
    assert.deepEqual(await taints(), ["quarantine=:NoSchedule"]);
    assert.equal(takesPods(await node()), false);
  });

  it("hold against others who write to the Node at the same time", async () => {
    await joining.api.node("worker-0");
    const many = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`label-${index}`, "1"]));
    await Promise.all([
      update({}, { labels: many }),
      ...Array.from({ length: 8 }, (_, index) =>
        patch([{ op: "add", path: `/metadata/annotations/theirs-${index}`, value: "" }]).catch(() =>
          patch([{ op: "add", path: "/metadata/annotations", value: {} }]),
        ),
      ),
    ]);
    assert.deepEqual(await labels(), many);
  });

  it("are a difference only if they differ", () => {
    const given = { labels: { disk: "fast" }, taints: { "a:NoSchedule": "" } };
    const outputs = { hostKey: "k", nodeName: "worker-0", systemId: "s" };
    const changes = (before: Properties, after: Properties) =>
      join
        .diff({ inputs: inputs(before), outputs }, inputs(after))
        .changes.map(({ path, kind, replace }) => [path, kind, replace]);
    assert.deepEqual(changes(given, given), []);
    assert.deepEqual(changes(given, { ...given, labels: { disk: "slow" } }), [['labels["disk"]', "update", false]]);
    assert.deepEqual(changes(given, {}), [
      ['labels["disk"]', "delete", false],
      ['taints["a:NoSchedule"]', "delete", false],
    ]);
  });

  it("say what to do where the Node is gone", async () => {
    await assert.rejects(
      update({}, { labels: { disk: "fast" } }),
      /worker-0: the Node object is gone.*pulumi refresh && pulumi up/,
    );
  });

  it("do not make a Node closed for ordinary pods: budgets hold on clusters whose workers all have a taint", async () => {
    await joining.api.node("worker-0");
    await patch([{ op: "add", path: "/spec/taints", value: [] }]);
    await update({}, { taints: { "dedicated:NoSchedule": "gpu" } });
    assert.equal(takesPods(await node()), true);
    await patch([{ op: "add", path: "/spec/taints/-", value: { key: "theirs", effect: "NoSchedule" } }]);
    assert.equal(takesPods(await node()), false);
  });
});

/** Pods of a DaemonSet on nodes of which some are down: with a real API server, and a real controller of DaemonSets. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { V1Pod } from "@kubernetes/client-node";
import { limits } from "../../provider/operation/limits.js";
import { NodeCleanup } from "../../provider/resources/nodeCleanup.js";
import { NodePods } from "../../provider/resources/nodePods.js";
import { tool } from "../support/tools.js";
import { START_TIMEOUT, TestApi } from "./support/api.js";
import { waitOnly } from "./support/limits.js";
import { checked, eventually, incomplete, operation } from "./support/operation.js";
import { killAtExit } from "./support/processes.js";

const namespace = "default";
const name = "proxy";
const metadata = { name, namespace };

describe("the pods of a DaemonSet", function () {
  this.timeout(120_000);
  const kind = new NodePods();
  let api: TestApi;
  let directory: string;
  let controller: ChildProcess;
  /** Nodes whose kubelets run pods. */
  const alive = new Set<string>();
  /** Nodes whose new pods do not become ready. */
  const crashing = new Set<string>();
  let most = 0;
  let kubelets: NodeJS.Timeout;
  waitOnly({ settleWorkers: 6, api: 2 });

  before(async function () {
    this.timeout(START_TIMEOUT);
    api = await TestApi.start();
    directory = mkdtempSync(path.join(tmpdir(), "corekube-daemonsets-"));
    const kubeconfig = path.join(directory, "kubeconfig");
    writeFileSync(kubeconfig, api.kubeconfig);
    controller = spawn(
      await tool("kube-controller-manager"),
      [
        `--kubeconfig=${kubeconfig}`,
        "--controllers=daemonset-controller",
        ...["--leader-elect=false", "--secure-port=0"],
      ],
      { stdio: "ignore" },
    );
    killAtExit(controller);
    kubelets = setInterval(() => void runPods().catch(() => undefined), 300);
  });
  after(async () => {
    clearInterval(kubelets);
    controller.kill("SIGKILL");
    api.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(() => {
    most = 0;
    crashing.clear();
    alive.clear();
  });
  afterEach(async () => {
    await api.cluster.apps.deleteNamespacedDaemonSet({ name, namespace, propagationPolicy: "Background" });
    // As the garbage collector would.
    await api.cluster.apps.deleteCollectionNamespacedControllerRevision({ namespace });
    await api.deleteNodes();
    await eventually(async () => {
      await api.deletePods();
      return (await pods()).length === 0;
    });
  });

  const pods = async (): Promise<V1Pod[]> => (await api.cluster.core.listNamespacedPod({ namespace })).items;
  const isReady = ({ metadata: own, status }: V1Pod): boolean =>
    own?.deletionTimestamp === undefined && status?.conditions?.some(({ type }) => type === "Ready") === true;
  const nodeOf = ({ spec }: V1Pod): string =>
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]
      ?.values?.[0] ?? "";

  /** What a scheduler and kubelets do. */
  async function runPods(): Promise<void> {
    const all = await pods();
    const unready = all.filter((pod) => alive.has(nodeOf(pod)) && !isReady(pod)).length;
    if (all.length > 0) most = Math.max(most, unready);
    for (const pod of all) {
      const at = { namespace, name: pod.metadata!.name! };
      const node = nodeOf(pod);
      if (pod.spec?.nodeName === undefined)
        await api.cluster.core.createNamespacedPodBinding({
          ...at,
          body: { metadata: { name: at.name }, target: { kind: "Node", name: node } },
        });
      if (!alive.has(node)) continue;
      if (pod.metadata?.deletionTimestamp !== undefined)
        await api.cluster.core.deleteNamespacedPod({ ...at, gracePeriodSeconds: 0 });
      else if (!isReady(pod)) {
        const image = pod.spec!.containers[0]!.image;
        if (crashing.has(`${node}/${image}`)) continue;
        await api.cluster.core.patchNamespacedPodStatus({
          ...at,
          body: [
            { op: "add", path: "/status/phase", value: "Running" },
            { op: "add", path: "/status/conditions", value: [{ type: "Ready", status: "True" }] },
          ],
        });
      }
    }
  }

  const spec = (image: string) => ({
    selector: { matchLabels: { app: name } },
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "10%" } },
    template: {
      metadata: { labels: { app: name } },
      spec: { tolerations: [{ operator: "Exists" }], terminationGracePeriodSeconds: 1, containers: [{ name, image }] },
    },
  });

  async function makeDaemonSet(...nodes: string[]): Promise<void> {
    for (const node of nodes) {
      await api.node(node);
      alive.add(node);
    }
    await api.cluster.apps.createNamespacedDaemonSet({ namespace, body: { metadata, spec: spec("proxy:1") } });
    await kind.create(operation(), inputs("1"));
  }

  const inputs = (template: string, given: object = {}) =>
    checked(kind, { kubeconfig: api.kubeconfig, namespace, name, template, ...given });
  const change = (image: string) =>
    api.cluster.apps.patchNamespacedDaemonSet({
      name,
      namespace,
      body: [{ op: "replace", path: "/spec/template/spec/containers/0/image", value: image }],
    });
  const update = (run = operation(), given: object = {}) =>
    kind.update(run, { inputs: inputs("1"), outputs: { template: "1" } }, inputs("2", given));
  const images = async (): Promise<Record<string, string>> =>
    Object.fromEntries((await pods()).filter(isReady).map((pod) => [nodeOf(pod), pod.spec!.containers[0]!.image!]));
  const report = (node: string, status: string, message: string) =>
    api.cluster.core.patchNodeStatus({
      name: node,
      body: [{ op: "replace", path: "/status/conditions", value: [{ type: "Ready", status, message }] }],
    });
  const silence = async (node: string): Promise<void> => {
    alive.delete(node);
    await report(node, "Unknown", "Kubelet stopped posting node status.");
    for (const pod of (await pods()).filter((each) => nodeOf(each) === node))
      await api.cluster.core.patchNamespacedPodStatus({
        namespace,
        name: pod.metadata!.name!,
        body: [{ op: "replace", path: "/status/conditions", value: [] }],
      });
  };

  it("are all current and ready at its end", async () => {
    await makeDaemonSet("a", "b", "c");
    await change("proxy:2");
    assert.deepEqual(await update(), { template: "2" });
    assert.deepEqual(await images(), { a: "proxy:2", b: "proxy:2", c: "proxy:2" });
  });

  it("are not held up by a node whose kubelet is silent, and are replaced one at a time", async () => {
    await makeDaemonSet("a", "b", "c", "d");
    await silence("a");
    await change("proxy:2");
    most = 0;
    const run = operation();
    await update(run);
    assert.deepEqual(await images(), { b: "proxy:2", c: "proxy:2", d: "proxy:2" });
    assert.equal(most, 1, "pods away at the same time");
    assert.match(run.warnings.join("\n"), /default\/proxy: not waited for on a, where no pod can start/);
    assert.equal(run.warnings.length, 1);
  });

  it("are waited for on a node that is not ready, for a while", async () => {
    await makeDaemonSet("a", "b");
    alive.delete("a");
    await report("a", "False", "PLEG is not healthy");
    await change("proxy:2");
    const run = operation();
    const began = performance.now();
    await update(run);
    assert.ok(performance.now() - began > limits.settleWorkers * 1000);
    assert.match(run.warnings.join("\n"), /not waited for on a, .*PLEG is not healthy/);
  });

  it("that do not become ready end the wait, by name and with the command that shows why; the next run goes on", async () => {
    await makeDaemonSet("a", "b");
    crashing.add("a/proxy:2").add("b/proxy:2");
    await change("proxy:2");
    const failure = await incomplete(update(operation(), { timeout: 20 }));
    assert.match(failure.message, /within 20 s, these nodes got no current pod.*proxy-\w+ is Pending, not ready/);
    assert.match(failure.message, /kubectl -n default describe pods -l app=proxy\nRun `pulumi up` again/);
    assert.equal(Object.keys(await images()).length, 1, "the other node keeps its pod");
    const failed = { inputs: inputs("2"), outputs: {} };
    assert.deepEqual(
      kind.diff(failed, inputs("2")).changes.map(({ path: changed }) => changed),
      ["template"],
    );
    crashing.clear();
    assert.deepEqual(await kind.update(operation(), failed, inputs("2")), { template: "2" });
    assert.deepEqual(kind.diff({ inputs: inputs("2"), outputs: { template: "2" } }, inputs("2")).changes, []);
  });

  it("clean up what an add-on left on nodes: once on each that serves, and go", async () => {
    const cleanup = new NodeCleanup();
    const of = { kubeconfig: api.kubeconfig, namespace, name: "cleanup", image: "tools:1", pause: "pause:1" };
    const state = { inputs: checked(cleanup, { ...of, command: ["tool", "delete"] }), outputs: {} };
    await makeDaemonSet("a", "b", "c");
    for (const node of ["a", "b", "c"])
      await api.cluster.core.patchNode({
        name: node,
        body: [{ op: "add", path: "/metadata/labels", value: { "kubernetes.io/os": "linux" } }],
      });
    await silence("c");
    const made = await cleanup.create(operation(), state.inputs);
    assert.equal(made.id, "default/cleanup");
    assert.deepEqual(cleanup.diff(state, { ...state.inputs, command: ["tool", "delete"] }).changes, []);
    assert.ok(!(await pods()).some(({ metadata: own }) => own?.name?.startsWith("cleanup")));
    const cleaned = new Map<string, readonly string[]>();
    const looking = setInterval(() => {
      void pods()
        .then((all) => all.filter((pod) => pod.metadata?.name?.startsWith("cleanup") && isReady(pod)))
        .then((done) => done.forEach((pod) => cleaned.set(nodeOf(pod), pod.spec!.initContainers![0]!.command!)));
    }, 100);
    const run = operation();
    await cleanup.delete(run, state);
    clearInterval(looking);
    assert.deepEqual([...cleaned].sort(), [
      ["a", ["tool", "delete"]],
      ["b", ["tool", "delete"]],
    ]);
    assert.match(run.warnings.join(), /default\/cleanup: not waited for on c/);
    const left = (await api.cluster.apps.listNamespacedDaemonSet({ namespace })).items;
    assert.deepEqual(
      left.map((each) => each.metadata?.name),
      [name],
    );
    const gone = operation();
    const kubeconfig = api.kubeconfig.replace(api.server, "https://127.0.0.1:1");
    await cleanup.delete(gone, { inputs: { ...state.inputs, kubeconfig }, outputs: {} });
    assert.match(gone.warnings.join(), /default\/cleanup: not run: .*ends with its next boot/);
  });
});

/** metrics-server as its users see it: kubectl top, rights of others, and a horizontal pod autoscaler under load. */
import assert from "node:assert/strict";
import { checksOf } from "../../../lab/checks/index.js";
import type { CheckContext } from "../../../lab/cluster/context.js";
import { projectDirectory } from "../../../lab/config.js";
import { until } from "../../../lab/process/until.js";
import { powerOff, powerOn } from "../faults/faults.js";
import { withCluster } from "./support.js";

const apiService = "v1beta1.metrics.k8s.io";
const folder = `${projectDirectory}/examples/autoscaling`;

describe("metrics-server", function () {
  this.timeout(900_000);
  const cluster = withCluster({ settings: { public_node_count: 1 } });
  let context: CheckContext;
  before(async () => {
    context = await cluster.context();
  });

  const rows = async (...args: readonly string[]): Promise<string[][]> =>
    (await context.kubectl(["top", ...args, "--no-headers"]))
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/));
  const available = (): Promise<string> =>
    context.kubectlValue('{.status.conditions[?(@.type=="Available")].status}', "apiservice", apiService);

  it("kubectl top nodes answers for every node", async () => {
    const check = checksOf("full").find(({ name }) => name === "kubectl top nodes answers for every node")!;
    assert.equal(check.applies?.(context), true);
    await check.run(context);
    assert.deepEqual([...new Set(context.nodes().map(({ role }) => role))].sort(), ["controller", "public", "worker"]);
  });

  it("kubectl top pods answers for every pod, on controllers too", async () => {
    const path = '{range .items[?(@.status.phase=="Running")]}{.metadata.name}{"\\n"}{end}';
    const pods = (await context.kubectlValue(path, "pods", "-n", "kube-system")).split("\n");
    await until("figures of all pods", { timeout: 90_000 }, async () => {
      const answered = new Map(
        (await rows("pods", "-n", "kube-system")).map(([name, cpu, memory]) => [name, [cpu, memory]]),
      );
      for (const pod of pods) assert.match(answered.get(pod)?.join(" ") ?? "nothing", /^\d+m \d+Mi$/, pod);
    });
    const own = (await rows("pods", "-n", "kube-system", "-l", "k8s-app=metrics-server"))[0] ?? [];
    process.stdout.write(`      metrics-server uses ${own.slice(1).join(" ")}\n`);
  });

  it("who may view a namespace may see what its pods use, and nobody else may", async () => {
    const may = async (user: string): Promise<string> =>
      (await context.tryKubectl(["auth", "can-i", "list", "pods.metrics.k8s.io", "-n", "default", "--as", user]))
        .stdout;
    await context.kubectl(["create", "rolebinding", "view", "--clusterrole=view", "--user=ada", "-n", "default"]);
    await until("the aggregated role", { timeout: 30_000 }, async () => (await may("ada")).trim() === "yes");
    assert.equal((await may("bob")).trim(), "no");
    await context.kubectl(["get", "pods.metrics.k8s.io", "-n", "default", "--as", "ada"]);
    const refused = await context.tryKubectl(["get", "pods.metrics.k8s.io", "-n", "default", "--as", "bob"]);
    assert.match(refused.stderr, /User "bob" cannot list resource "pods" in API group "metrics\.k8s\.io"/);
  });

  it("API servers verify its certificate: with another authority they refuse it", async () => {
    const bundle = await context.kubectlValue("{.spec.caBundle}", "apiservice", apiService);
    const other = await context.kubectlValue(
      "{.data.requestheader-client-ca-file}",
      ...["configmap", "extension-apiserver-authentication", "-n", "kube-system"],
    );
    const trust = (caBundle: string): Promise<string> =>
      context.kubectl([
        "patch",
        "apiservice",
        apiService,
        "--type=merge",
        "-p",
        JSON.stringify({ spec: { caBundle } }),
      ]);
    await trust(Buffer.from(other).toString("base64"));
    try {
      await until("the certificate is refused", { timeout: 120_000 }, async () => (await available()) === "False");
      const why = '{.status.conditions[?(@.type=="Available")].message}';
      assert.match(
        await context.kubectlValue(why, "apiservice", apiService),
        /certificate signed by unknown authority/,
      );
    } finally {
      await trust(bundle);
    }
    await until("the certificate is accepted", { timeout: 120_000 }, async () => (await available()) === "True");
  });

  it("the example scales up under load, and down again", async () => {
    const pods = async (): Promise<number> =>
      Number(await context.kubectlValue("{.status.readyReplicas}", "deployment", "counter"));
    const since = (began: number): string => `${Math.round((Date.now() - began) / 1000)} s`;
    await context.kubectl(["apply", "-f", `${folder}/web.yaml`]);
    await context.kubectl(["wait", "--for=condition=Available", "deployment/counter", "--timeout=120s"]);
    await until("the autoscaler has figures", { timeout: 180_000 }, async () => {
      const used = "{.status.currentMetrics[0].resource.current.averageUtilization}";
      return (await context.kubectlValue(used, "hpa", "counter")) !== "";
    });
    assert.equal(await pods(), 1);
    const loaded = Date.now();
    await context.kubectl(["apply", "-f", `${folder}/load.yaml`]);
    await until("more pods", { timeout: 240_000 }, async () => (await pods()) > 1);
    process.stdout.write(`      up after ${since(loaded)}\n`);
    const ended = Date.now();
    await context.kubectl(["delete", "-f", `${folder}/load.yaml`]);
    await until("one pod again", { timeout: 300_000 }, async () => (await pods()) === 1);
    process.stdout.write(`      down after ${since(ended)}\n`);
    await context.kubectl(["delete", "-f", `${folder}/web.yaml`]);
  });

  it("without figures, because the machine of its pod dies, the autoscaler keeps its pods, and goes on afterwards", async () => {
    const ready = async (): Promise<number> =>
      Number((await context.kubectlValue("{.status.readyReplicas}", "deployment", "counter")) || 0);
    const wanted = async (): Promise<number> =>
      Number(await context.kubectlValue("{.spec.replicas}", "deployment", "counter"));
    const status = (): Promise<string> =>
      context.kubectlValue('{.status.conditions[?(@.type=="ScalingActive")].status}', "hpa", "counter");
    await context.kubectl(["apply", "-f", `${folder}/web.yaml`, "-f", `${folder}/load.yaml`]);
    await until("more pods", { timeout: 300_000 }, async () => (await ready()) > 1);
    const before = await wanted();
    const path = "{.items[0].spec.nodeName}";
    const node = await context.kubectlValue(path, "pods", "-n", "kube-system", "-l", "k8s-app=metrics-server");
    const machine = context.machines().find(({ name }) => name === node)!;
    await powerOff(context, machine);
    await until("the end of the figures", { timeout: 240_000 }, async () => assert.equal(await status(), "False"));
    assert.ok((await wanted()) >= before);
    await powerOn(context, machine);
    const began = Date.now();
    await until("figures", { timeout: 300_000 }, async () => assert.equal(await status(), "True"));
    process.stdout.write(`      figures again ${Math.round((Date.now() - began) / 1000)} s after its machine was on\n`);
    assert.ok((await wanted()) >= before);
    await context.kubectl(["delete", "-f", `${folder}/load.yaml`]);
    await until("one pod again", { timeout: 400_000 }, async () => (await ready()) === 1);
    await context.kubectl(["delete", "-f", `${folder}/web.yaml`]);
  });

  it("a run afterwards changes nothing", () => cluster.changes.settled());

  it("without it: its objects are gone, and so is its API", async () => {
    await cluster.changes.set({ "addons.metrics_server.enabled": "false" });
    await cluster.changes.up();
    const left = await context.kubectl([
      "get",
      "apiservices,deployments,services,clusterroles,secrets",
      "-A",
      "-o",
      'jsonpath={range .items[*]}{.kind} {.metadata.name}{"\\n"}{end}',
    ]);
    assert.deepEqual(
      left.split("\n").filter((line) => /metrics-server|metrics\.k8s\.io|aggregated-metrics/.test(line)),
      [],
    );
  });
});

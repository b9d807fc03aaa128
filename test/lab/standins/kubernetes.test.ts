import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { plugin } from "../../../lab/standins/kubernetes/plugin.js";
import { type Bag, partialOf, type Resource, TestEngine, unknown } from "./engine.js";
import { FakeKubeApi } from "./kubeApi.js";

const deploymentType = "kubernetes:apps/v1:Deployment";
const configMapType = "kubernetes:core/v1:ConfigMap";
const bindingType = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding";
const deploymentPath = "/apis/apps/v1/namespaces/default/deployments/app";

const ready = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 };

describe("kubernetes stand-in", () => {
  let api: FakeKubeApi;
  let engine: TestEngine;

  const configMap = (data: Bag = { key: "value" }, metadata: Bag = { name: "settings" }): Bag => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata,
    data,
  });

  const deployment = (more: Bag = {}, container: Bag = {}): Bag => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "app" },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "x" } },
      template: {
        metadata: { labels: { app: "x" } },
        spec: {
          containers: [
            { name: "c", image: "busybox:1.35", resources: { requests: { memory: "1024Mi" } }, ...container },
          ],
        },
      },
      ...more,
    },
  });

  const settings = (kubeconfig: string): Bag => ({
    kubeconfig,
    clusterIdentifier: "test",
    enableServerSideApply: "true",
    enableConfigMapMutable: "true",
    upsertExistingObjects: "true",
  });

  beforeEach(async () => {
    api = await new FakeKubeApi().start();
    engine = await TestEngine.start(plugin, settings(api.kubeconfig()));
  });

  afterEach(() => {
    engine.stop();
    api.stop();
  });

  async function running(): Promise<Resource> {
    const creating = engine.create(deploymentType, "app", deployment());
    while (!api.objects.has(deploymentPath)) await new Promise((resolve) => setTimeout(resolve, 10));
    api.object(deploymentPath)["status"] = ready;
    return creating;
  }

  it("applies on the server, strictly, and reads back without book-keeping", async () => {
    const created = await engine.create(configMapType, "settings", configMap());
    assert.equal(created.id, "default/settings");
    assert.ok(
      api.requests.some((line) =>
        /^PATCH \/api\/v1\/namespaces\/default\/configmaps\/settings\?fieldManager=pulumi-kubernetes&fieldValidation=Strict$/.test(
          line,
        ),
      ),
      api.requests.join("\n"),
    );
    assert.equal("managedFields" in (created.outputs["metadata"] as Bag), false);
    const fresh = await engine.refresh(created);
    assert.ok(fresh);
    assert.equal((await engine.diff(fresh, configMap())).changes, false);
  });

  it("waits for a deployment, and ends when it serves", async () => {
    const created = await running();
    assert.deepEqual(created.outputs["status"], ready);
    assert.equal((await engine.diff((await engine.refresh(created)) as Resource, deployment())).changes, false);
  });

  it("remembers a deployment that does not serve in time, and lists its pods with reasons", async () => {
    api.objects.set("/api/v1/namespaces/default/pods/app-1", {
      kind: "Pod",
      metadata: { name: "app-1" },
      status: {
        phase: "Pending",
        containerStatuses: [
          { name: "c", state: { waiting: { reason: "ImagePullBackOff", message: "no such image" } } },
        ],
      },
    });
    const error = await engine.create(deploymentType, "app", deployment(), 1).catch((reason: unknown) => reason);
    const partial = partialOf(error);
    assert.equal(partial?.id, "default/app");
    assert.match(
      partial?.reasons.join() ?? "",
      /waited 1 s for Deployment app to serve: .*\n {2}pod app-1 is Pending, c: ImagePullBackOff \(no such image\)/,
    );
  });

  it("ends its waiting when the run is interrupted", async () => {
    const creating = engine.create(deploymentType, "app", deployment()).catch((reason: unknown) => reason);
    while (!api.objects.has(deploymentPath)) await new Promise((resolve) => setTimeout(resolve, 10));
    const start = Date.now();
    await engine.cancel();
    assert.match(
      partialOf(await creating)?.reasons.join() ?? "",
      /interrupted while waiting for Deployment app to serve/,
    );
    assert.ok(Date.now() - start < 2_000);
  });

  it("waits for a service's endpoints unless an annotation says not to", async () => {
    const service = (annotations: Bag): Bag => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", annotations },
      spec: { selector: { app: "x" }, ports: [{ port: 80 }] },
    });
    await engine.create("kubernetes:core/v1:Service", "web", service({ "pulumi.com/skipAwait": "true" }));
    await assert.rejects(
      engine.create("kubernetes:core/v1:Service", "web", service({}), 1),
      /waited 1 s for Service web to serve: a ready endpoint/,
    );
  });

  it("waits for a service's load balancer as well, which its status names", async () => {
    const service: Bag = {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "balanced", namespace: "default" },
      spec: { type: "LoadBalancer", selector: { app: "x" }, ports: [{ port: 80 }] },
    };
    const slice = { metadata: { name: "balanced-1" }, endpoints: [{ conditions: { ready: true } }] };
    api.objects.set("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/balanced-1", slice);
    await assert.rejects(
      engine.create("kubernetes:core/v1:Service", "balanced", service, 1),
      /waited 1 s for Service default\/balanced to serve: its load balancer/,
    );
    api.object("/api/v1/namespaces/default/services/balanced")["status"] = {
      loadBalancer: { ingress: [{ ip: "198.51.100.7" }] },
    };
    await engine.create("kubernetes:core/v1:Service", "balanced", service, 5);
  });

  it("takes over an object that exists", async () => {
    await engine.create(configMapType, "settings", configMap());
    const taken = await engine.create(configMapType, "settings", configMap({ key: "other" }));
    assert.deepEqual(taken.outputs["data"], { key: "other" });
  });

  const replacing: readonly [string, string, Bag, Bag, string][] = [
    [
      "a deployment's selector",
      deploymentType,
      deployment(),
      deployment({ selector: { matchLabels: { app: "y" } } }),
      "spec.selector.matchLabels.app",
    ],
    ["a binding's role", bindingType, binding("one"), binding("two"), "roleRef.name"],
    ["a name", configMapType, configMap(), configMap({ key: "value" }, { name: "other" }), "metadata.name"],
  ];
  for (const [what, type, before, after, path] of replacing) {
    it(`replaces an object for ${what}`, async () => {
      const resource: Resource = { type, name: "x", id: "x", inputs: before, outputs: before, secrets: [] };
      const difference = await engine.diff(resource, after);
      assert.deepEqual([difference.replaces, difference.deleteBeforeReplace], [[path], path !== "metadata.name"]);
    });
  }

  it("changes the rest in place", async () => {
    const resource: Resource = {
      type: deploymentType,
      name: "app",
      id: "default/app",
      inputs: deployment(),
      outputs: deployment(),
      secrets: [],
    };
    assert.deepEqual((await engine.diff(resource, deployment({ replicas: 2 }))).replaces, []);
    const map: Resource = {
      type: configMapType,
      name: "settings",
      id: "default/settings",
      inputs: configMap(),
      outputs: configMap(),
      secrets: [],
    };
    const difference = await engine.diff(map, configMap({ key: "other" }));
    assert.deepEqual([difference.changes, difference.replaces], [true, []]);
  });

  it("shows drift, but not how the API writes the same quantity", async () => {
    const created = await running();
    const live = api.object(deploymentPath) as unknown as {
      spec: { replicas: number; template: { spec: { containers: { image: string; resources: Bag }[] } } };
    };
    const [container] = live.spec.template.spec.containers;
    assert.ok(container);
    container.resources = { requests: { memory: "1Gi" } };
    assert.equal((await engine.diff((await engine.refresh(created)) as Resource, deployment())).changes, false);
    container.image = "nginx:1.22";
    assert.deepEqual((await engine.diff((await engine.refresh(created)) as Resource, deployment())).paths, [
      "spec.template.spec.containers[0].image",
    ]);
  });

  it("deletes, waits until it is gone, also when it is gone already", async () => {
    const created = await engine.create(configMapType, "settings", configMap());
    await engine.delete(created);
    assert.equal(api.objects.size, 0);
    assert.equal(await engine.refresh(created), undefined);
    await engine.delete(created);
  });

  it("keeps a Secret's content secret", async () => {
    const created = await engine.create("kubernetes:core/v1:Secret", "s", {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "s" },
      stringData: { password: "x" },
    });
    assert.deepEqual(created.secrets, ["stringData"]);
  });

  it("asks the API in a preview, and repeats its refusal", async () => {
    api.failure = (method) =>
      method === "PATCH" ? { status: 422, reason: "Invalid", message: 'Deployment "app" is invalid' } : undefined;
    await assert.rejects(engine.preview(deploymentType, "app", deployment()), /HTTP 422: Deployment "app" is invalid/);
    assert.ok(api.requests.some((line) => line.includes("dryRun=All")));
  });

  it("previews without an API that does not answer, and asks it once", async function () {
    this.timeout(20_000);
    let connections = 0;
    const silent = createServer(() => connections++);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    engine.stop();
    engine = await TestEngine.start(plugin, settings(api.kubeconfig(`https://127.0.0.1:${port}`)));
    for (const name of ["one", "two"])
      assert.equal((await engine.preview(deploymentType, name, deployment()))["status"], unknown);
    assert.equal(connections, 1);
    silent.close();
  });

  it("takes objects for gone where the cluster does not answer, when asked to", async () => {
    const made = await engine.create(configMapType, "settings", configMap());
    engine.stop();
    const kubeconfig = api.kubeconfig();
    api.stop();
    process.env["PULUMI_K8S_DELETE_UNREACHABLE"] = "true";
    try {
      engine = await TestEngine.start(plugin, settings(kubeconfig));
      await engine.delete(made);
    } finally {
      delete process.env["PULUMI_K8S_DELETE_UNREACHABLE"];
    }
  });

  it("tries again while the API starts", async () => {
    let failures = 2;
    api.failure = () =>
      failures-- > 0 ? { status: 503, reason: "ServiceUnavailable", message: "starting" } : undefined;
    await engine.create(configMapType, "settings", configMap());
  });

  it("leaves checking to the API, and refuses what it would ignore itself", async () => {
    const check = async (metadata: Bag): Promise<string> =>
      (await engine.check(configMapType, "x", configMap({}, metadata))).failures.join();
    assert.match(await check({}), /metadata\.name is missing/);
    const annotations = { "pulumi.com/patchForce": "true" };
    assert.match(await check({ name: "x", annotations }), /does not support the annotation pulumi\.com\/patchForce/);
    assert.match((await engine.checkConfig({ kubeconfg: "x" })).join(), /does not support the setting kubeconfg/);
    const wrong = { ...settings("x"), enableServerSideApply: "false" };
    assert.deepEqual(await engine.checkConfig(wrong), [
      "enableServerSideApply: the lab's stand-in has true only; set it",
    ]);
    assert.deepEqual(await engine.checkConfig(settings("x")), []);
    await assert.rejects(
      engine.check("kubernetes:helm.sh/v3:Release", "x", {}),
      /no resource type "kubernetes:helm\.sh\/v3:Release"; it has .*official plugin/,
    );
  });

  it("waits for a kind that came with the same run and that the API server does not serve yet", async () => {
    let asked = 0;
    const message = "the server could not find the requested resource";
    api.failure = (method) =>
      method === "PATCH" && ++asked < 3 ? { status: 404, reason: "NotFound", message } : undefined;
    await engine.create(configMapType, "settings", configMap());
    assert.equal(asked, 3);
  }).timeout(20_000);

  it("says which kind the cluster does not have", async () => {
    const type = "kubernetes:storage.k8s.io/v1:CSIDriver";
    await assert.rejects(
      engine.create(type, "x", { apiVersion: "storage.k8s.io/v1", kind: "CSIDriver", metadata: { name: "x" } }),
      /HTTP 404|the cluster has no kind CSIDriver in storage\.k8s\.io\/v1/,
    );
  }).timeout(30_000);
});

function binding(role: string): Bag {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "b" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
  };
}

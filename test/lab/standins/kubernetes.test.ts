import assert from "node:assert/strict";
import { createPlugin } from "../../../lab/standins/kubernetes/plugin.js";
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

  const start = async (settings: Bag = {}, env: NodeJS.ProcessEnv = {}): Promise<TestEngine> =>
    TestEngine.start(createPlugin(env), { kubeconfig: api.kubeconfig(), ...settings });

  before(async function () {
    // Reads the SDK's declarations, at the first time with the TypeScript compiler.
    this.timeout(120_000);
    api = await new FakeKubeApi().start();
    engine = await start();
    for (const [type, inputs] of [
      [deploymentType, deployment()],
      [configMapType, configMap()],
    ] as const)
      await engine.check(type, "x", inputs);
    engine.stop();
    api.stop();
  });

  beforeEach(async () => {
    api = await new FakeKubeApi().start();
    engine = await start();
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

  it("waits for a deployment, and calls one that serves done", async () => {
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
      /Deployment app does not serve after 1 s: it waits for .*\n {2}pod app-1 is Pending, c: ImagePullBackOff \(no such image\)/,
    );
  });

  it("ends its waiting when the run is interrupted", async () => {
    const creating = engine.create(deploymentType, "app", deployment()).catch((reason: unknown) => reason);
    while (!api.objects.has(deploymentPath)) await new Promise((resolve) => setTimeout(resolve, 10));
    const start = Date.now();
    await engine.cancel();
    assert.match(partialOf(await creating)?.reasons.join() ?? "", /Deployment app: interrupted while waiting for/);
    assert.ok(Date.now() - start < 2_000);
  });

  it("waits for a service's endpoints unless it is told not to", async () => {
    const service = (annotations: Bag): Bag => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", annotations },
      spec: { selector: { app: "x" }, ports: [{ port: 80 }] },
    });
    await engine.create("kubernetes:core/v1:Service", "web", service({ "pulumi.com/skipAwait": "true" }));
    api.objects.clear();
    await assert.rejects(
      engine.create("kubernetes:core/v1:Service", "web", service({ "pulumi.com/timeoutSeconds": "1" })),
      /Service web does not serve after 1 s: it waits for a ready endpoint/,
    );
  });

  it("refuses to take over an object that exists, unless it is told to", async () => {
    await engine.create(configMapType, "settings", configMap());
    await assert.rejects(
      engine.create(configMapType, "settings", configMap({ key: "other" })),
      /ConfigMap settings exists already; import it, delete it, or set the provider's upsertExistingObjects/,
    );
    engine.stop();
    engine = await start({ upsertExistingObjects: "true" });
    await engine.create(configMapType, "settings", configMap({ key: "other" }));
  });

  const replacing: readonly [string, string, Bag, Bag, string, Bag][] = [
    [
      "a deployment's selector",
      deploymentType,
      deployment(),
      deployment({ selector: { matchLabels: { app: "y" } } }),
      "spec.selector.matchLabels.app",
      {},
    ],
    ["a binding's role", bindingType, binding("one"), binding("two"), "roleRef.name", {}],
    ["a name", configMapType, configMap(), configMap({ key: "value" }, { name: "other" }), "metadata.name", {}],
    [
      "a ConfigMap's content, when it is not said to be mutable",
      configMapType,
      configMap(),
      configMap({ key: "other" }),
      "data.key",
      {},
    ],
  ];
  for (const [what, type, before, after, path, settings] of replacing) {
    it(`makes an object anew for ${what}`, async () => {
      engine.stop();
      engine = await start(settings);
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
    engine.stop();
    engine = await start({ enableConfigMapMutable: "true" });
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

  it("shows what another hand changed, but not how the API writes the same quantity", async () => {
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

  it("deletes, waits until it is gone, and does not mind when it is gone already", async () => {
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

  it("makes a name where none is given, and may then create before it deletes", async () => {
    const created = await engine.create(configMapType, "settings", configMap({ key: "value" }, {}));
    assert.match(created.id, /^default\/settings-[0-9a-f]{8}$/);
    assert.deepEqual(await engine.diff(created, configMap({ key: "value" }, {})), {
      changes: false,
      replaces: [],
      paths: [],
      deleteBeforeReplace: false,
    });
  });

  it("asks the API in a preview, and repeats its refusal", async () => {
    api.failure = (method) =>
      method === "PATCH" ? { status: 422, reason: "Invalid", message: 'Deployment "app" is invalid' } : undefined;
    await assert.rejects(engine.preview(deploymentType, "app", deployment()), /HTTP 422: Deployment "app" is invalid/);
    assert.ok(api.requests.some((line) => line.includes("dryRun=All")));
  });

  it("previews without the API when that is not there, quickly, or not known yet", async () => {
    engine.stop();
    // Nothing listens on the port for discarding.
    engine = await TestEngine.start(createPlugin({}), { kubeconfig: api.kubeconfig("https://127.0.0.1:9") });
    const start = Date.now();
    assert.equal((await engine.preview(deploymentType, "app", deployment()))["status"], unknown);
    assert.ok(Date.now() - start < 6_000);
    engine.stop();
    engine = await TestEngine.start(createPlugin({}), { kubeconfig: unknown });
    assert.equal((await engine.preview(deploymentType, "app", deployment()))["status"], unknown);
  });

  it("tries again while the API starts", async () => {
    let failures = 2;
    api.failure = () =>
      failures-- > 0 ? { status: 503, reason: "ServiceUnavailable", message: "starting" } : undefined;
    await engine.create(configMapType, "settings", configMap());
  });

  it("refuses what the SDK does not declare, settings included", async () => {
    assert.match(
      (await engine.check(deploymentType, "app", deployment({}, { imagePullPolicyy: "x" }))).failures.join(),
      /did you mean "imagePullPolicy"\?/,
    );
    assert.match(
      (await engine.check(deploymentType, "app", deployment({ replicas: "1" }))).failures.join(),
      /spec\.replicas of Deployment: got a string, it must be a number/,
    );
    assert.match((await engine.checkConfig({ kubeconfg: "x" })).join(), /did you mean "kubeconfig"\?/);
    assert.match(
      (await engine.checkConfig({ enableServerSideApply: "false" })).join(),
      /enableServerSideApply: got false/,
    );
    await assert.rejects(
      engine.check("kubernetes:helm.sh/v3:Release", "x", {}),
      /has no kubernetes:helm\.sh\/v3:Release; .*official plugin/,
    );
  });

  it("takes kinds that the SDK does not know", async () => {
    assert.deepEqual(
      (
        await engine.check("kubernetes:example.com/v1:Thing", "x", {
          apiVersion: "example.com/v1",
          kind: "Thing",
          metadata: { name: "x" },
          anything: 1,
        })
      ).failures,
      [],
    );
    await assert.rejects(
      engine.create("kubernetes:apps/v1:StatefulSet", "x", {
        apiVersion: "apps/v1",
        kind: "StatefulSet",
        metadata: { name: "x" },
        spec: statefulSpec,
      }),
      /the cluster has no kind StatefulSet in apps\/v1/,
    );
  });
});

const statefulSpec: Bag = {
  serviceName: "x",
  selector: { matchLabels: { app: "x" } },
  template: { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "busybox:1.35" }] } },
};

function binding(role: string): Bag {
  return {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: "b" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
  };
}

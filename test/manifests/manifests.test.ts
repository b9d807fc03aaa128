/** All objects of all add-ons, on both clouds, and the examples: held against the schemas of a real API server, and shown to it. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseAllDocuments } from "yaml";
import type { ClusterSpec } from "../../components/spec/cluster.js";
import { addonOptions } from "../../components/spec/settings/addons.js";
import { cloudSpec, setToken } from "../component/support/cloudSpecs.js";
import { runProgram } from "../component/support/registrations.js";
import { testSpec } from "../component/support/spec.js";
import { START_TIMEOUT, TestApi } from "../provider/support/api.js";
import { ask, conform, define, dryRun, type KubernetesObject, kustomize, objectsOf, writeSchemas } from "./support.js";
import { setVeleroKeys, veleroSpec } from "../component/support/veleroSpec.js";

/** Examples of objects, by folder. Stacks lie beside the folders. */
const examples = path.join(__dirname, "../../examples");
const allExamples = readdirSync(examples, { recursive: true, encoding: "utf8" }).filter((file) =>
  /\/.*\.yaml$/.test(file),
);
/** Folders for `kubectl apply -k`. */
const kustomized = allExamples
  .filter((file) => path.basename(file) === "kustomization.yaml")
  .map((file) => path.dirname(file));
const exampleFiles = allExamples.filter((file) => !kustomized.includes(path.dirname(file)));

/** Add-ons that are off by default. */
const optional: readonly object[] = [{ dashboard: { enabled: true } }];

const withAddons = (addons: object): ClusterSpec => testSpec({ addons: addonOptions.addons.schema.parse(addons) });

/** Kinds that others need, and where the API makes them. */
const containers: Readonly<Record<string, string>> = {
  Namespace: "/api/v1/namespaces",
};

describe("objects for the API", function () {
  this.timeout(120_000);
  const directory = mkdtempSync(path.join(tmpdir(), "corekube-schemas-"));
  const sets = new Map<string, KubernetesObject[]>();
  let api: TestApi;
  let schemas: string;

  before(async function () {
    this.timeout(START_TIMEOUT);
    setToken();
    for (const cloud of ["aws", "digitalocean"] as const) {
      for (const highAvailability of [false, true])
        sets.set(
          `${cloud}${highAvailability ? ", highly available" : ""}`,
          objectsOf(await runProgram(cloudSpec(cloud, { highAvailability }))),
        );
    }
    const ingress = (spec: ClusterSpec, expose: "nodes" | "load_balancer"): ClusterSpec => ({
      ...spec,
      publicWorkers: { ...spec.publicWorkers, count: 1 },
      addons: {
        ...spec.addons,
        ingress: { ...spec.addons.ingress, enabled: true, expose, default_certificate: "own" },
      },
    });
    for (const [expose, spec] of [
      ["nodes", testSpec()],
      ["load_balancer", cloudSpec("digitalocean")],
    ] as const)
      sets.set(`with Ingresses, ${expose}`, objectsOf(await runProgram(ingress(spec, expose))));
    sets.set("without a cloud provider", objectsOf(await runProgram(testSpec())));
    for (const addons of optional)
      sets.set(Object.keys(addons).join(), objectsOf(await runProgram(withAddons(addons))));
    const texts = exampleFiles.map((file): [string, string] => [file, readFileSync(path.join(examples, file), "utf8")]);
    for (const folder of kustomized) texts.push([folder, await kustomize(path.join(examples, folder))]);
    for (const [name, text] of texts)
      sets.set(
        name,
        parseAllDocuments(text).map((document) => document.toJS() as KubernetesObject),
      );
    const files = objectsOf(await runProgram(testSpec())).find(
      ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "local-path-provisioner",
    ) as unknown as { data: Record<string, string> };
    sets.set("pods that make volumes", [JSON.parse(files.data["helperPod.yaml"]!) as KubernetesObject]);
    setVeleroKeys();
    sets.set("with Velero", objectsOf(await runProgram(veleroSpec())));
    api = await TestApi.start();
    await define(api, [...sets.values()].flat());
    // What other objects are in, or of, is there before them.
    for (const object of [...sets.values()].flat()) {
      const path = containers[object.kind];
      if (path === undefined) continue;
      const { status, body } = await ask(api, "POST", path, object);
      assert.ok(status === 201 || status === 409, body.message);
    }
    schemas = await writeSchemas(
      api,
      directory,
      [...sets.values()].flat().map(({ apiVersion }) => apiVersion),
    );
  });
  after(() => {
    api.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it("are many, of all kinds", () => {
    const kinds = new Set(sets.get("aws")!.map(({ kind }) => kind));
    for (const kind of ["DaemonSet", "Deployment", "CSIDriver", "StorageClass", "ValidatingAdmissionPolicy", "Role"])
      assert.ok(kinds.has(kind), kind);
    assert.deepEqual(
      sets.get("storage/http-archive.yaml")!.map(({ kind }) => kind),
      ["PersistentVolumeClaim", "Pod"],
    );
    assert.deepEqual(
      sets.get("autoscaling/web.yaml")!.map(({ kind }) => kind),
      ["ConfigMap", "Deployment", "Service", "HorizontalPodAutoscaler"],
    );
    assert.ok(sets.get("monitoring")!.some(({ kind }) => kind === "StatefulSet"));
  });

  it("have no field that Kubernetes does not know, and none of a wrong form", async () => {
    for (const [name, objects] of sets) {
      // Kinds were made in the API server before, which was as strict.
      const others = objects.filter(({ kind }) => kind !== "CustomResourceDefinition");
      const { valid, wrong } = await conform(schemas, others);
      assert.deepEqual(wrong, [], name);
      assert.equal(valid, others.length, name);
    }
  });

  it("are accepted by the API server", async () => {
    for (const [name, objects] of sets) {
      for (const object of objects) {
        // Services of the test's API server have another range; the others are there.
        if (object.kind in containers || ["Service", "CustomResourceDefinition"].includes(object.kind)) continue;
        assert.equal(await dryRun(api, object), undefined, name);
      }
    }
  });

  it("have pods that the Pod Security level of their own namespace allows", async () => {
    type Template = {
      readonly spec: {
        readonly template: { readonly spec: { readonly volumes?: readonly object[] } };
        readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
      };
    };
    const own = [...sets].flatMap(([name, objects], index) =>
      objects
        .filter(({ kind }) => kind === "Namespace")
        .map((namespace) => ({ name, objects, namespace, probe: `level-${index}-${namespace.metadata.name}` })),
    );
    assert.ok(own.length >= 2);
    for (const { name, objects, namespace, probe } of own) {
      await ask(api, "POST", "/api/v1/namespaces", { ...namespace, metadata: { ...namespace.metadata, name: probe } });
      for (const each of objects.filter(
        ({ kind, metadata }) =>
          metadata.namespace === namespace.metadata.name && ["DaemonSet", "Deployment", "StatefulSet"].includes(kind),
      )) {
        const { template, volumeClaimTemplates = [] } = (each as unknown as Template).spec;
        const claims = volumeClaimTemplates.map(({ metadata: { name: claimName } }) => ({
          name: claimName,
          persistentVolumeClaim: { claimName },
        }));
        // The API server of the test has no accounts.
        const spec = {
          ...template.spec,
          serviceAccountName: undefined,
          volumes: [...(template.spec.volumes ?? []), ...claims],
        };
        const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: each.metadata.name, namespace: probe }, spec };
        assert.equal(await dryRun(api, pod), undefined, name);
        const { labels } = namespace.metadata as { labels?: Readonly<Record<string, string>> };
        if (labels?.["pod-security.kubernetes.io/enforce"] === "privileged") continue;
        const broken = { ...pod, spec: { ...spec, hostPID: true } };
        assert.match((await dryRun(api, broken)) ?? "", /violates PodSecurity/, name);
      }
    }
  });

  it("that are broken are refused by both", async () => {
    const right = sets.get("aws")!.find(({ kind }) => kind === "StorageClass")!;
    const deployment = JSON.parse(
      JSON.stringify(sets.get("aws")!.find(({ kind }) => kind === "Deployment")!),
    ) as KubernetesObject & { spec: { replicas: unknown } };
    const broken: readonly (readonly [unknown, RegExp, RegExp])[] = [
      [{ ...right, volumeBindingMod: "Immediate" }, /volumeBindingMod/, /unknown field "volumeBindingMod"/],
      [{ ...deployment, spec: { ...deployment.spec, replicas: "two" } }, /replicas/, /replicas/],
      [
        {
          ...deployment,
          spec: {
            ...deployment.spec,
            template: { ...(deployment.spec as unknown as { template: object }).template, sepc: {} },
          },
        },
        /sepc/,
        /unknown field "spec.template.sepc"/,
      ],
    ];
    for (const [object, byConform, byServer] of broken) {
      const { valid, wrong } = await conform(schemas, [object]);
      assert.equal(valid, 0);
      assert.match(wrong[0] ?? "", byConform);
      assert.match((await dryRun(api, object as KubernetesObject)) ?? "", byServer);
    }
  });

  it("of the kinds that kubeconform has no schema of are refused, not passed over", async () => {
    const { valid, wrong } = await conform(schemas, [
      { apiVersion: "example.net/v1", kind: "Thing", metadata: { name: "x" } },
    ]);
    assert.equal(valid, 0);
    assert.match(wrong[0] ?? "", /could not find schema/);
  });

  it("as users write them for other clusters apply but for the provisioner: classes of old", async () => {
    for (const provisioner of ["ebs.csi.aws.com", "dobs.csi.digitalocean.com"]) {
      const classes = [
        { name: "ssd", annotations: { "storageclass.kubernetes.io/is-default-class": "true" }, type: "gp2" },
        { name: "cold-hdd", type: "sc1" },
      ].map(({ type, ...metadata }) => ({
        apiVersion: "storage.k8s.io/v1",
        kind: "StorageClass",
        metadata: { ...metadata, labels: { "kubernetes.io/cluster-service": "true" } },
        provisioner,
        parameters: { type },
      }));
      assert.deepEqual((await conform(schemas, classes)).wrong, []);
      for (const each of classes) assert.equal(await dryRun(api, each), undefined);
    }
  });
});

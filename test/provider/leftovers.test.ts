/** Objects that wait for a program which is gone: with a real API server. */
import assert from "node:assert/strict";
import { Leftovers } from "../../provider/resources/leftovers.js";
import { ask, define } from "../manifests/support.js";
import { START_TIMEOUT, TestApi } from "./support/api.js";
import { waitOnly } from "./support/limits.js";
import { checked, operation } from "./support/operation.js";

const group = "example.net";
const address = `/apis/${group}/v1/namespaces/default/things`;

describe("leftovers of an add-on", function () {
  this.timeout(120_000);
  const kind = new Leftovers();
  let api: TestApi;
  waitOnly({ api: 2 });

  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `things.${group}` },
    spec: {
      group,
      scope: "Namespaced",
      names: { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  };
  const thing = (name: string, finalizers: readonly string[]) => ({
    apiVersion: `${group}/v1`,
    kind: "Thing",
    metadata: { name, finalizers },
  });
  const state = (changes: object = {}) => ({
    inputs: checked(kind, {
      kubeconfig: api.kubeconfig,
      group,
      version: "v1",
      resource: "things",
      namespace: "default",
      ...changes,
    }),
    outputs: {},
  });

  before(async function () {
    this.timeout(START_TIMEOUT);
    api = await TestApi.start();
    await define(api, [definition]);
  });
  after(() => api.stop());

  const names = async (): Promise<string[]> => {
    const { body } = await ask(api, "GET", address);
    return (body["items"] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name).sort();
  };

  it("stay while it is there, whatever is read or changed", async () => {
    await ask(api, "POST", address, thing("kept", [`${group}/logs`]));
    const { id, outputs } = await kind.create(operation(), state().inputs);
    assert.equal(id, "default/things.example.net");
    assert.deepEqual(await kind.read(operation(), { ...state(), outputs }), {});
    assert.deepEqual(await names(), ["kept"]);
  });

  it("are deleted when it goes, with and without finalizers", async () => {
    await ask(api, "POST", address, thing("held", [`${group}/logs`, `${group}/more`]));
    await ask(api, "POST", address, thing("free", []));
    await ask(api, "DELETE", `${address}/held`);
    assert.ok((await names()).includes("held"));
    await kind.delete(operation(), state());
    assert.deepEqual(await names(), []);
    await kind.delete(operation(), state());
  });

  it("are those of all namespaces where no namespace is given, and of the cluster", async () => {
    const cluster = { ...definition, metadata: { name: `boxes.${group}` } };
    const kinds = { plural: "boxes", singular: "box", kind: "Box", listKind: "BoxList" };
    const boxDefinition = { ...cluster, spec: { ...definition.spec, scope: "Cluster", names: kinds } };
    await define(api, [boxDefinition]);
    await ask(api, "POST", "/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "other" },
    });
    const other = address.replace("default", "other");
    const boxes = `/apis/${group}/v1/boxes`;
    for (const place of [address, other]) await ask(api, "POST", place, thing("held", [`${group}/logs`]));
    await ask(api, "POST", boxes, { ...thing("held", [`${group}/logs`]), kind: "Box" });
    for (const resource of ["things", "boxes"])
      await kind.delete(operation(), state({ resource, namespace: undefined }));
    for (const place of [address, other, boxes])
      assert.deepEqual((await ask(api, "GET", place)).body["items"], [], place);
    const { id } = await kind.create(operation(), state({ namespace: undefined }).inputs);
    assert.equal(id, `things.${group}`);
  });

  it("are none where the kind is gone, or the cluster", async () => {
    await kind.delete(operation(), state({ resource: "nothings" }));
    const gone = operation();
    await kind.delete(gone, state({ kubeconfig: api.kubeconfig.replace(api.server, "https://127.0.0.1:1") }));
    assert.match(
      gone.warnings.join(),
      /default\/things\.example\.net: not deleted: the Kubernetes API gave no usable answer/,
    );
  });

  it("of another kind are another resource", () => {
    const changes = kind.diff(state(), state({ namespace: "other" }).inputs).changes;
    assert.deepEqual(
      changes.map(({ path, replace }) => [path, replace]),
      [["namespace", true]],
    );
  });
});

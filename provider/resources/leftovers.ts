/** `corekube:cluster:Leftovers`: objects that only an add-on's pods let go are deleted once those pods are gone. */
import type { KubernetesObject } from "@kubernetes/client-node";
import { z } from "zod";
import { leftoversShape } from "../../components/contract/resources.js";
import { type Cluster, ifFound, persist } from "../kubernetes/cluster.js";
import { limits } from "../operation/limits.js";
import type { Operation } from "../operation/resourceKind.js";
import { Deadline, pause } from "../operation/timing.js";
import { AtEnd } from "./atEnd.js";

const schema = z.object(leftoversShape);
type Inputs = z.infer<typeof schema>;

const POLL_MILLISECONDS = 500;

const idOf = ({ namespace, resource, group }: Inputs): string =>
  `${namespace === undefined ? "" : `${namespace}/`}${resource}.${group}`;

export class Leftovers extends AtEnd<Inputs> {
  protected override readonly idOf = idOf;
  protected override readonly end = clear;

  constructor() {
    // They go with the cluster.
    super(schema, ["namespace", "group", "version", "resource"], (reason) => `not deleted: ${reason}`);
  }
}

const nameOf = ({ metadata }: KubernetesObject): string =>
  [metadata?.namespace, metadata?.name].filter((part) => part !== undefined).join("/");

/** @throws Error when some are left after the time limit. */
async function clear(operation: Operation, inputs: Inputs, cluster: Cluster): Promise<void> {
  const { group, version, resource: plural, namespace, timeout } = inputs;
  const { PatchStrategy, setHeaderOptions } = await import("@kubernetes/client-node");
  const merge = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
  const ask = <Result>(request: () => Promise<Result>): Promise<Result | undefined> =>
    persist(new Deadline(limits.api), operation.signal, () => ifFound(request()));
  const deadline = new Deadline(timeout);
  for (;;) {
    // Nothing, where the kind is gone already.
    const list = (await ask(() =>
      namespace === undefined
        ? cluster.custom.listCustomObjectForAllNamespaces({ group, version, plural })
        : cluster.custom.listNamespacedCustomObject({ group, version, namespace, plural }),
    )) as { readonly items: readonly KubernetesObject[] } | undefined;
    const objects = list?.items ?? [];
    if (objects.length === 0) return;
    if (deadline.passed)
      throw new Error(
        `${idOf(inputs)}: after ${timeout} s these are left: ${objects.slice(0, 5).map(nameOf).join(", ")}. Look at: kubectl get ${plural}.${group} -A -o yaml`,
      );
    operation.log.status(`deleting ${objects.length} ${plural}`);
    const body = { metadata: { finalizers: null } };
    for (const { metadata } of objects) {
      const object = { group, version, plural, name: metadata?.name ?? "" };
      const of = metadata?.namespace;
      if (of === undefined) {
        await ask(() => cluster.custom.deleteClusterCustomObject(object));
        await ask(() => cluster.custom.patchClusterCustomObject({ ...object, body }, merge));
      } else {
        await ask(() => cluster.custom.deleteNamespacedCustomObject({ ...object, namespace: of }));
        await ask(() => cluster.custom.patchNamespacedCustomObject({ ...object, namespace: of, body }, merge));
      }
    }
    await pause(POLL_MILLISECONDS, operation.signal, deadline);
  }
}

/** Objects of any kind: applied by the server, awaited, read and deleted. */
import { Incomplete, type Kind, type Operation } from "../../../provider/rpc/kind.js";
import { isUnknown, type Properties, UNKNOWN } from "../../../provider/rpc/properties.js";
import { compare } from "../framework/changes.js";
import { Deadline } from "../framework/deadline.js";
import { bag, text } from "../framework/values.js";
import { ApiError, type Cluster, isTransient, type JsonObject, Unreachable } from "./api.js";
import { drift, outputsOf, toBody } from "./bags.js";
import { unreadyPods, waitsFor } from "./readiness.js";

/** Seconds, as the official plugin's. */
const defaultTimeout = 600;

/** The official plugin's variable: objects of a cluster that does not answer are taken for gone. */
const deleteUnreachable = "PULUMI_K8S_DELETE_UNREACHABLE";

const skipAwait = "pulumi.com/skipAwait";
const always = ["apiVersion", "kind", "metadata.name", "metadata.namespace"];

interface Rules {
  /** Paths whose change replaces the object. */
  readonly replaces?: readonly string[];
  /** Inputs and outputs that are always kept as secrets. */
  readonly secrets?: readonly string[];
}

const annotationsOf = (inputs: Properties): Properties => bag(bag(inputs["metadata"])["annotations"]);

/** For messages, such as `Deployment kube-system/coredns`. */
function nameOf(inputs: Properties): string {
  const { namespace, name } = bag(inputs["metadata"]);
  return `${String(inputs["kind"])} ${[text(namespace), text(name)].filter((word) => word !== undefined).join("/")}`;
}

export function objectKind({ replaces = [], secrets = [] }: Rules = {}): Kind<Cluster> {
  const places = [...always, ...replaces];
  const body = (inputs: Properties): JsonObject => toBody(inputs) as JsonObject;

  async function write(
    operation: Operation<Cluster>,
    inputs: Properties,
  ): Promise<{ id: string; outputs: Properties }> {
    const objects = await operation.settings.objects(operation.signal, true);
    const applied = await objects.apply(body(inputs), false);
    const { namespace, name } = applied.metadata ?? {};
    const id = [namespace, name].filter((word) => word !== undefined).join("/");
    if (annotationsOf(inputs)[skipAwait] === "true") return { id, outputs: outputsOf(applied) };
    try {
      const deadline = new Deadline(operation, defaultTimeout);
      let live: JsonObject | undefined = applied;
      const serving = await deadline.until(`${nameOf(inputs)} to serve`, async (seen) => {
        live ??= await objects.find(applied);
        if (live === undefined) throw new Error(`${nameOf(inputs)} was deleted while it was awaited`);
        const [now, waiting] = [live, await waitsFor(live, objects)];
        live = undefined;
        if (waiting !== undefined) seen(waiting);
        return waiting === undefined ? now : undefined;
      });
      return { id, outputs: outputsOf(serving) };
    } catch (error) {
      const pods = await unreadyPods(applied, objects).catch(() => []);
      const message = [(error as Error).message, ...pods].join("\n  ");
      throw new Incomplete(message, id, outputsOf(applied));
    }
  }

  return {
    secretInputs: new Set(secrets),
    secretOutputs: new Set(secrets),
    // The API checks the rest, strictly.
    check: (inputs) => ({
      inputs,
      failures: [
        ...(inputs["metadata"] !== UNKNOWN && text(bag(inputs["metadata"])["name"]) === undefined
          ? [{ property: "metadata.name", reason: "metadata.name is missing: the lab's stand-in makes no names" }]
          : []),
        ...Object.keys(annotationsOf(inputs))
          .filter((name) => name.startsWith("pulumi.com/") && name !== skipAwait)
          .map((name) => ({
            property: "metadata.annotations",
            reason: `the lab's stand-in does not support the annotation ${name}; remove it, or install the official plugin`,
          })),
      ],
    }),
    diff: (state, inputs) => {
      const [before, after] = [bag(state.inputs["metadata"]), bag(inputs["metadata"])];
      return {
        changes: compare(state.inputs, inputs, {
          replaces: (path) =>
            places.some((place) => path === place || path.startsWith(`${place}.`) || path.startsWith(`${place}[`)),
        }),
        // A successor of the same name cannot come before it.
        deleteBeforeReplace: before["name"] === after["name"] && before["namespace"] === after["namespace"],
      };
    },
    preview: async (state, inputs, operation) => {
      const known: Properties = { ...inputs, status: state?.outputs["status"] ?? UNKNOWN };
      if (isUnknown(inputs)) return known;
      try {
        await (await operation.settings.objects(operation.signal, false)).apply(body(inputs), true);
      } catch (error) {
        // The cluster, the namespace or the kind may come with this very run.
        const isEarly = error instanceof ApiError && (error.status === 404 || isTransient(error.status));
        if (error instanceof Unreachable) operation.log.status(`not checked by the cluster: ${error.message}`);
        else if (!isEarly) throw error;
      }
      return known;
    },
    create: write,
    update: async (operation, _state, inputs) => (await write(operation, inputs)).outputs,
    read: async ({ settings, signal }, { inputs }) => {
      const live = await (await settings.objects(signal, true)).find(body(inputs));
      return live && outputsOf(live);
    },
    drift,
    delete: async (operation, { inputs }) => {
      const forget = process.env[deleteUnreachable] === "true";
      const objects = await operation.settings.objects(operation.signal, !forget);
      let uid: string | undefined;
      try {
        uid = (await objects.find(body(inputs)))?.metadata?.uid;
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        if (!forget)
          throw new Error(
            `${error.message}. If the cluster is gone for good, run this again with ${deleteUnreachable}=true`,
          );
        operation.log.warn(`${nameOf(inputs)}: ${error.message}; it is taken for gone`);
      }
      if (uid === undefined) return;
      await objects.remove(body(inputs), uid).catch((error: unknown) => {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
      });
      await new Deadline(operation, defaultTimeout).until(`${nameOf(inputs)} to be gone`, async (seen) => {
        const metadata = (await objects.find(body(inputs)))?.metadata;
        const finalizers = metadata?.finalizers ?? [];
        if (finalizers.length > 0) seen(`its finalizers are ${finalizers.join(", ")}`);
        // Another one of the same name is not ours.
        return metadata?.uid === uid ? undefined : true;
      });
    },
  };
}

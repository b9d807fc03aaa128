/** Objects of any kind: applied by the server, awaited, read and deleted. */
import { compare } from "../framework/changes.js";
import { isObject } from "../framework/inputs.js";
import {
  Incomplete,
  isUnknown,
  type Kind,
  type Operation,
  type Properties,
  type State,
  UNKNOWN,
  type Value,
} from "../framework/kind.js";
import { autoname } from "../framework/names.js";
import { type Awaited, untilGone, untilServing } from "./await.js";
import { addressOf, annotation, drift, metadataOf, outputsOf, textOf, toBody } from "./bags.js";
import { isImmutable, type Mutability } from "./changes.js";
import { type Address, ApiError, type Client, type JsonObject, type Manner, Unreachable } from "./client.js";

export interface Settings extends Mutability {
  /** @throws Error when there is no cluster to talk to. */
  client(): Client;
  /** False: the kubeconfig comes with this very run. */
  readonly known: boolean;
  /** Where objects go that name no namespace. */
  readonly namespace: string;
  readonly patchForce: boolean;
  /** An object that exists already is taken over instead of refused. */
  readonly upsert: boolean;
  /** Objects of a cluster that does not answer count as deleted. */
  readonly deleteUnreachable: boolean;
}

const fieldManager = "pulumi-kubernetes";
const autonamed = "pulumi.com/autonamed";
/** Seconds, as the official plugin's. */
const defaultTimeout = 600;

/** @param secrets Whether the objects are Secrets. */
export function objectKind(settings: () => Settings, secrets: boolean): Kind {
  const hidden = new Set(secrets ? ["data", "stringData"] : []);
  const manner = (operation: Operation, patient = true): Manner => ({ signal: operation.signal, patient });
  const nameOf = (bag: Properties): string =>
    [
      textOf(bag["kind"]),
      [textOf(metadataOf(bag)["namespace"]), textOf(metadataOf(bag)["name"])].filter(Boolean).join("/"),
    ].join(" ");

  async function apply(operation: Operation, inputs: Properties, dryRun: boolean): Promise<JsonObject> {
    const client = settings().client();
    const force = annotation(inputs, "pulumi.com/patchForce") ?? String(settings().patchForce);
    const query = `fieldManager=${fieldManager}&fieldValidation=Strict${force === "true" ? "&force=true" : ""}${dryRun ? "&dryRun=All" : ""}`;
    const path = await client.path(addressOf(inputs, settings().namespace), manner(operation, !dryRun));
    try {
      return await client.ask(
        {
          method: "PATCH",
          path: `${path}?${query}`,
          body: toBody(inputs),
          contentType: "application/apply-patch+yaml",
        },
        manner(operation, !dryRun),
      );
    } catch (error) {
      if (!(error instanceof ApiError) || error.reason !== "Conflict") throw error;
      throw new ApiError(
        error.status,
        error.reason,
        `${error.message}; the annotation pulumi.com/patchForce: "true" takes these fields over`,
      );
    }
  }

  async function awaited(operation: Operation, address: Address, inputs: Properties): Promise<Awaited> {
    const client = settings().client();
    return {
      what: nameOf(inputs),
      path: await client.path(address, manner(operation)),
      seconds: operation.timeout ?? Number(annotation(inputs, "pulumi.com/timeoutSeconds") ?? defaultTimeout),
    };
  }

  async function write(operation: Operation, inputs: Properties): Promise<{ id: string; outputs: Properties }> {
    const client = settings().client();
    const address = addressOf(inputs, settings().namespace);
    const applied = await apply(operation, inputs, false);
    const id = (await client.isNamespaced(address, manner(operation)))
      ? `${address.namespace ?? "default"}/${address.name}`
      : address.name;
    if (annotation(inputs, "pulumi.com/skipAwait") === "true") return { id, outputs: outputsOf(applied) };
    try {
      return {
        id,
        outputs: outputsOf(await untilServing(operation, client, applied, await awaited(operation, address, inputs))),
      };
    } catch (error) {
      throw new Incomplete(error instanceof Error ? error.message : String(error), id, outputsOf(applied));
    }
  }

  async function find(operation: Operation, address: Address): Promise<JsonObject | undefined> {
    const client = settings().client();
    try {
      return await client.ask(
        { method: "GET", path: await client.path(address, manner(operation)) },
        manner(operation),
      );
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  return {
    secretInputs: hidden,
    secretOutputs: hidden,
    check: ({ name, old, seed }, inputs) => {
      const metadata = metadataOf(inputs);
      if (
        inputs["metadata"] === UNKNOWN ||
        (metadata["name"] ?? null) !== null ||
        (metadata["generateName"] ?? null) !== null
      )
        return { inputs, failures: [] };
      const before = old === undefined || !isAutonamed(old) ? undefined : metadataOf(old)["name"];
      const annotations = isObject(metadata["annotations"]) ? metadata["annotations"] : {};
      return {
        inputs: {
          ...inputs,
          metadata: {
            ...metadata,
            name: before ?? autoname(name, seed, 8),
            annotations: { ...annotations, [autonamed]: "true" },
          },
        },
        failures: [],
      };
    },
    diff: (state, inputs) => {
      const changes = compare(state.inputs, inputs, {
        replaces: (path) => isImmutable(textOf(inputs["kind"]) ?? "", path, settings()),
      });
      const stays = (property: string): boolean => metadataOf(state.inputs)[property] === metadataOf(inputs)[property];
      // A successor of the same name cannot come before it; one that is named by us gets another name.
      return { changes, deleteBeforeReplace: stays("name") && stays("namespace") && !isAutonamed(inputs) };
    },
    preview: async (operation, state, inputs) => {
      if (!settings().known || isUnknown(inputs)) return previewOf(inputs, inputs, state);
      try {
        return previewOf(outputsOf(await apply(operation, inputs, true)), inputs, state);
      } catch (error) {
        // The cluster, the namespace or the kind may come with this very run.
        const early =
          error instanceof Unreachable ||
          (error instanceof ApiError && (error.status === 404 || error.status === 429 || error.status >= 500));
        if (!early) throw error;
        if (error instanceof Unreachable) operation.log.status(`not checked by the cluster: ${error.message}`);
        return previewOf(inputs, inputs, state);
      }
    },
    create: async (operation, inputs) => {
      const address = addressOf(inputs, settings().namespace);
      if (!settings().upsert && (await find(operation, address)) !== undefined) {
        throw new Error(
          `${nameOf(inputs)} exists already; import it, delete it, or set the provider's upsertExistingObjects to take it over`,
        );
      }
      return write(operation, inputs);
    },
    update: async (operation, _state, inputs) => (await write(operation, inputs)).outputs,
    read: async (operation, state) => {
      const known = Object.keys(state.inputs).length > 0 ? state.inputs : state.outputs;
      const imported = Object.keys(known).length === 0;
      const live = await find(
        operation,
        imported ? importAddress(operation.type, state.id) : addressOf(known, settings().namespace),
      );
      if (live === undefined) return undefined;
      const outputs = outputsOf(live);
      return { id: state.id, outputs, inputs: imported ? withoutStatus(outputs) : drift(state.inputs, outputs) };
    },
    delete: async (operation, state) => {
      const known = Object.keys(state.inputs).length > 0 ? state.inputs : state.outputs;
      const address = addressOf(known, settings().namespace);
      try {
        const live = await find(operation, address);
        if (live === undefined) return;
        const uid = String((live["metadata"] as JsonObject)["uid"]);
        const waiting = await awaited(operation, address, known);
        const body = {
          kind: "DeleteOptions",
          apiVersion: "v1",
          propagationPolicy: "Background",
          preconditions: { uid },
        };
        await settings().client().ask({ method: "DELETE", path: waiting.path, body }, manner(operation));
        if (annotation(known, "pulumi.com/skipAwait") !== "true")
          await untilGone(operation, settings().client(), uid, waiting);
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return;
        if (!(error instanceof Unreachable)) throw error;
        if (!settings().deleteUnreachable) {
          throw new Error(
            `${nameOf(known)}: ${error.message}; if the cluster is gone for good, PULUMI_K8S_DELETE_UNREACHABLE=true takes it out of the state`,
          );
        }
        operation.log.warn(`${nameOf(known)}: taken out of the state without being deleted: ${error.message}`);
      }
    },
  };
}

function isAutonamed(bag: Properties): boolean {
  return annotation(bag, autonamed) === "true";
}

/** What the server decides for a Service; which ports of a node, too. */
const decided = ["clusterIP", "clusterIPs", "healthCheckNodePort", "ports"];

/** A preview with what only the real run decides as unknown; a dry run would invent it. */
function previewOf(result: Properties, inputs: Properties, state: State | undefined): Properties {
  if (state !== undefined) return { ...result, status: state.outputs["status"] ?? null };
  // Left out, not unknown: one unknown part would make all of the metadata unknown, and its name is not.
  const { uid: _uid, resourceVersion: _version, creationTimestamp: _created, ...metadata } = metadataOf(result);
  const known: Properties = { ...result, ...(isObject(result["metadata"]) ? { metadata } : {}), status: UNKNOWN };
  const spec = result["spec"];
  const asked = inputs["spec"];
  if (inputs["kind"] !== "Service" || !isObject(spec) || !isObject(asked)) return known;
  const unknown: Properties = Object.fromEntries(
    decided.filter((key) => key === "ports" || !(key in asked)).map((key): [string, Value] => [key, UNKNOWN]),
  );
  return { ...known, spec: { ...spec, ...unknown } };
}

/** An import gives `namespace/name` or `name`, and the type. */
function importAddress(type: string, id: string): Address {
  const [group = "", kind = ""] = type.replace(/^kubernetes:/, "").split(":");
  const [first = "", second] = id.split("/");
  return {
    apiVersion: group.replace(/^core\//, ""),
    kind,
    namespace: second === undefined ? undefined : first,
    name: second ?? first,
  };
}

function withoutStatus(outputs: Properties): Properties {
  const { status: _status, ...rest } = outputs;
  const {
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _created,
    generation: _generation,
    selfLink: _link,
    ...metadata
  } = metadataOf(outputs);
  return { ...rest, metadata };
}

/** Objects of any kind: applied by the server, awaited, deleted and waited for. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { compare } from "../framework/changes.js";
import { isObject } from "../framework/inputs.js";
import { Incomplete, isUnknown, type Kind, type Operation, type Properties, type State, type Value } from "../framework/kind.js";
import { isImmutable, type Mutability } from "./changes.js";
import { ApiError, type Client, type JsonObject, Unreachable } from "./client.js";
import { Hopeless, unreadyPods, waitsFor } from "./readiness.js";

export interface Settings extends Mutability {
  /** Undefined: the kubeconfig is not known yet. */
  readonly client: Client | undefined;
  readonly namespace: string;
}

const fieldManager = "pulumi-kubernetes";
const autonamed = "pulumi.com/autonamed";
/** Seconds, as the official plugin's. */
const defaultTimeout = 600;
const statusEveryMilliseconds = 5_000;

interface Place {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

const metadataOf = (bag: Properties): Properties => (isObject(bag["metadata"]) ? bag["metadata"] : {});
const text = (value: Value | undefined): string | undefined => (typeof value === "string" ? value : undefined);

function annotation(bag: Properties, name: string): string | undefined {
  const annotations = metadataOf(bag)["annotations"];
  return isObject(annotations) ? text(annotations[name]) : undefined;
}

/** Handles every kind alike; `settings` are those of the last configuration. */
export function objectKind(settings: () => Settings): Kind {
  function client(): Client {
    const { client: connected } = settings();
    if (connected === undefined) throw new Error("kubeconfig is not known yet, so that there is no cluster to talk to");
    return connected;
  }

  const placeOf = (bag: Properties): Place => ({
    apiVersion: text(bag["apiVersion"]) ?? "",
    kind: text(bag["kind"]) ?? "",
    namespace: text(metadataOf(bag)["namespace"]) ?? settings().namespace,
    name: text(metadataOf(bag)["name"]) ?? "",
  });

  const pathOf = (place: Place, signal: AbortSignal): Promise<string> => client().path(place.apiVersion, place.kind, place.namespace, place.name, signal);

  async function apply(inputs: Properties, signal: AbortSignal, dryRun: boolean): Promise<JsonObject> {
    const force = annotation(inputs, "pulumi.com/patchForce") === "true";
    const query = `fieldManager=${fieldManager}&fieldValidation=Strict${force ? "&force=true" : ""}${dryRun ? "&dryRun=All" : ""}`;
    const path = `${await pathOf(placeOf(inputs), signal)}?${query}`;
    const request = { method: "PATCH", path, body: clean(inputs), contentType: "application/apply-patch+yaml", signal } as const;
    return dryRun ? client().once(request) : client().ask(request);
  }

  async function idOf({ apiVersion, kind, namespace, name }: Place, signal: AbortSignal): Promise<string> {
    return (await client().isNamespaced(apiVersion, kind, signal)) ? `${namespace ?? "default"}/${name}` : name;
  }

  /** Waits until the object serves, as its kind means it. */
  async function settle(operation: Operation, inputs: Properties, applied: JsonObject): Promise<JsonObject> {
    if (annotation(inputs, "pulumi.com/skipAwait") === "true") return applied;
    const seconds = operation.timeout ?? Number(annotation(inputs, "pulumi.com/timeoutSeconds") ?? defaultTimeout);
    const start = Date.now();
    let told = start;
    let live = applied;
    for (;;) {
      const waiting = await waitsFor(live, client(), operation.signal);
      if (waiting === undefined) return live;
      const elapsed = Math.round((Date.now() - start) / 1000);
      if (elapsed >= seconds) {
        const pods = await unreadyPods(live, client(), operation.signal).catch(() => []);
        throw new Hopeless(`${operation.name} does not serve after ${seconds} s: waits for ${waiting}${pods.map((pod) => `\n  ${pod}`).join("")}`);
      }
      if (Date.now() - told >= statusEveryMilliseconds) {
        told = Date.now();
        operation.log.status(`waits for: ${waiting}, ${elapsed} s of ${seconds} s`);
      }
      await sleep(500, undefined, { signal: operation.signal });
      live = await client().ask({ method: "GET", path: await pathOf(placeOf(inputs), operation.signal), signal: operation.signal });
    }
  }

  async function write(operation: Operation, inputs: Properties): Promise<{ id: string; outputs: Properties }> {
    const applied = await apply(inputs, operation.signal, false);
    const id = await idOf(placeOf(inputs), operation.signal);
    try {
      return { id, outputs: outputsOf(await settle(operation, inputs, applied)) };
    } catch (error) {
      throw new Incomplete(error instanceof Error ? error.message : String(error), id, outputsOf(applied));
    }
  }

  return {
    secretInputs: new Set(),
    check: ({ name, old, seed }, inputs) => {
      const metadata = metadataOf(inputs);
      if ((metadata["name"] ?? null) !== null || (metadata["generateName"] ?? null) !== null) return { inputs, failures: [] };
      const before = old === undefined || annotation(old, autonamed) !== "true" ? undefined : metadataOf(old)["name"];
      const suffix = createHash("sha256").update(seed).digest("hex").slice(0, 8);
      const annotations = isObject(metadata["annotations"]) ? metadata["annotations"] : {};
      return { inputs: { ...inputs, metadata: { ...metadata, name: before ?? `${name}-${suffix}`, annotations: { ...annotations, [autonamed]: "true" } } }, failures: [] };
    },
    diff: (state, inputs) => ({
      changes: compare(state.inputs, inputs, { replaces: (path) => isImmutable(text(inputs["kind"]) ?? "", path, settings()) }),
      // A successor of the same name and namespace cannot come before.
      deleteBeforeReplace: metadataOf(state.inputs)["name"] === metadataOf(inputs)["name"] && metadataOf(state.inputs)["namespace"] === metadataOf(inputs)["namespace"],
    }),
    preview: async (operation, _state, inputs) => {
      if (settings().client === undefined || isUnknown(inputs)) return inputs;
      try {
        return outputsOf(await apply(inputs, operation.signal, true));
      } catch (error) {
        // The cluster, or the namespace, may come with this very run.
        if (error instanceof Unreachable || (error instanceof ApiError && (error.status === 404 || error.status >= 500))) return inputs;
        throw error;
      }
    },
    create: write,
    update: async (operation, _state, inputs) => (await write(operation, inputs)).outputs,
    read: async (operation, state) => read(operation, state, pathOf, placeOf, client()),
    delete: async (operation, state) => {
      const path = await pathOf(placeOf(Object.keys(state.inputs).length > 0 ? state.inputs : state.outputs), operation.signal);
      const seconds = operation.timeout ?? defaultTimeout;
      const start = Date.now();
      let told = start;
      try {
        await client().ask({ method: "DELETE", path, body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background" }, signal: operation.signal });
        for (;;) {
          await client().ask({ method: "GET", path, signal: operation.signal });
          const elapsed = Math.round((Date.now() - start) / 1000);
          if (elapsed >= seconds) throw new Error(`${operation.name} is still there ${seconds} s after its deletion; look at its finalizers`);
          if (Date.now() - told >= statusEveryMilliseconds) {
            told = Date.now();
            operation.log.status(`waits until it is gone, ${elapsed} s of ${seconds} s`);
          }
          await sleep(300, undefined, { signal: operation.signal });
        }
      } catch (error) {
        if (!(error instanceof ApiError && error.status === 404)) throw error;
      }
    },
  };
}

async function read(
  operation: Operation,
  state: State,
  pathOf: (place: Place, signal: AbortSignal) => Promise<string>,
  placeOf: (bag: Properties) => Place,
  client: Client,
): Promise<State | undefined> {
  const known = Object.keys(state.inputs).length > 0 ? state.inputs : state.outputs;
  // An import knows the id and the type only.
  const [namespace, name] = state.id.includes("/") ? state.id.split("/", 2) : [undefined, state.id];
  const [group = "", kind = ""] = operation.type.replace(/^kubernetes:/, "").split(":");
  const imported = Object.keys(known).length === 0;
  const place = imported ? { apiVersion: group.replace(/^core\//, ""), kind, namespace, name: name ?? "" } : placeOf(known);
  try {
    const live = await client.ask({ method: "GET", path: await pathOf(place, operation.signal), signal: operation.signal });
    const outputs = outputsOf(live);
    return { id: state.id, outputs, inputs: imported ? outputs : (overlay(state.inputs, outputs) as Properties) };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** What was asked for, with the values that are there now: a change by another hand shows as a difference. */
function overlay(asked: Value, live: Value | undefined): Value {
  if (!isObject(asked) || !isObject(live)) return live === undefined || Array.isArray(asked) ? asked : (live ?? null);
  return Object.fromEntries(
    Object.entries(asked).flatMap(([key, value]): [string, Value][] => {
      // Write-only in the API, or kept under another name.
      if (key === "stringData" || key.startsWith("__")) return [[key, value]];
      return [[key, key in live ? overlay(value, live[key]) : value]];
    }),
  );
}

/** The live object without the book-keeping of who wrote which field. */
function outputsOf(live: JsonObject): Properties {
  const metadata = { ...(live["metadata"] as JsonObject) };
  delete metadata["managedFields"];
  return { ...live, metadata } as unknown as Properties;
}

/** What goes to the API: neither the engine's own names nor properties without a value. */
function clean(value: Value): unknown {
  if (Array.isArray(value)) return (value as readonly Value[]).map(clean);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key, item]) => !key.startsWith("__") && item !== null).map(([key, item]) => [key, clean(item)]));
}

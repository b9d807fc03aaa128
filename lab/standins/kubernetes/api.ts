/** One cluster's API, for objects of any kind: bounded requests, and patience while it starts. */
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesObject, RequestContext, ResponseContext } from "@kubernetes/client-node";

const requestMilliseconds = 30_000;
/** Time in which an API that does not answer is asked again. */
const patienceMilliseconds = 60_000;
/** A preview does not wait for a cluster that is not there, and asks again only after a while. */
const previewMilliseconds = 5_000;
const absentMilliseconds = 30_000;
/** Time in which a kind that is not there is asked for again. */
const kindMilliseconds = 10_000;

const fieldManager = "pulumi-kubernetes";

export interface JsonObject extends KubernetesObject {
  readonly [key: string]: unknown;
}

/** An answer that is an error, with the API's own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** No answer at all. */
export class Unreachable extends Error {}

/** Objects as one operation sees them; each is found by its apiVersion, kind, namespace and name. */
export interface Objects {
  /** By server-side apply. @throws {ApiError} @throws {Unreachable} */
  apply(object: JsonObject, dryRun: boolean): Promise<JsonObject>;
  /** Undefined: it does not exist. */
  find(object: JsonObject): Promise<JsonObject | undefined>;
  select(apiVersion: string, kind: string, namespace: string, labels: string): Promise<readonly JsonObject[]>;
  /** @param uid Another one of the same name is left alone. */
  remove(object: JsonObject, uid: string): Promise<void>;
}

export class Cluster {
  /** What discovery found, shared by all operations. */
  private readonly discovered = {};
  /** Until when a preview takes it that the cluster is not there. */
  private absentUntil = 0;

  constructor(private readonly kubeconfig: string) {}

  /** @param patient True: again while the API is not there or overloaded, up to a minute. False: once, and not for long. */
  async objects(signal: AbortSignal, patient: boolean): Promise<Objects> {
    if (!patient && Date.now() < this.absentUntil) throw new Unreachable("the cluster does not answer");
    // Loaded here, because it takes longer to load than all the rest of the plugin.
    const kubernetes = await import("@kubernetes/client-node");
    const config = new kubernetes.KubeConfig();
    try {
      config.loadFromString(this.kubeconfig);
    } catch {
      // The parser's message may quote the text, which holds a key.
      throw new Error("kubeconfig: it is not YAML or JSON with clusters, contexts and users");
    }
    const { server } = config.getCurrentCluster() ?? {};
    if (server === undefined) throw new Error("kubeconfig: its current context names no cluster with a server");
    const { discovered } = this;
    const absent = (): void => void (this.absentUntil = Date.now() + absentMilliseconds);

    /** The client's discovery and paths; objects go through as they are, without its models, which drop what they do not know. */
    class Api extends kubernetes.KubernetesObjectApi {
      protected override apiVersionResourceCache = discovered;

      async path(object: KubernetesObject): Promise<string> {
        try {
          return await this.specUriPath(structuredClone(object), "patch");
        } catch (error) {
          if (!/Unrecognized API version/.test(String(error))) throw error;
          throw new ApiError(404, `the cluster has no kind ${object.kind} in ${object.apiVersion}`);
        }
      }

      request(path: string, method: "PATCH" | "GET" | "DELETE", query: object, body?: object): Promise<JsonObject> {
        const context = this.configuration.baseServer.makeRequestContext(path, kubernetes.HttpMethod[method]);
        for (const [name, value] of Object.entries(query)) context.setQueryParam(name, String(value));
        const type = method === "PATCH" ? kubernetes.PatchStrategy.ServerSideApply : "application/json";
        if (body !== undefined) {
          context.setHeaderParam("Content-Type", type);
          context.setBody(JSON.stringify(body));
        }
        return this.requestPromise<JsonObject>(context);
      }

      protected override async requestPromise<T extends KubernetesObject>(context: RequestContext): Promise<T> {
        const end = Date.now() + (patient ? patienceMilliseconds : 0);
        for (;;) {
          const limit = AbortSignal.timeout(patient ? requestMilliseconds : previewMilliseconds);
          context.setSignal(AbortSignal.any([signal, limit]));
          try {
            return await super.requestPromise<T>(context).catch((error: unknown) => {
              signal.throwIfAborted();
              if (error instanceof ApiError) throw error;
              if (!patient) absent();
              throw new Unreachable(`${server} does not answer: ${(error as Error).message}`);
            });
          } catch (error) {
            const transient = error instanceof Unreachable || (error instanceof ApiError && isTransient(error.status));
            if (!transient || Date.now() >= end) throw error;
            await sleep(1_000, undefined, { signal });
          }
        }
      }

      protected override async processResponse<T extends KubernetesObject>(response: ResponseContext): Promise<T> {
        const text = await response.body.text();
        const { httpStatusCode: status } = response;
        if (status >= 200 && status < 300) return JSON.parse(text) as T;
        throw new ApiError(status, `HTTP ${status}: ${messageIn(text)}`);
      }
    }

    const api = config.makeApiClient(Api);
    return {
      apply: async (object, dryRun) => {
        const query = { fieldManager, fieldValidation: "Strict", ...(dryRun ? { dryRun: "All" } : {}) };
        const end = Date.now() + (patient && !dryRun ? kindMilliseconds : 0);
        for (;;) {
          try {
            return await api.request(await api.path(object), "PATCH", query, object);
          } catch (error) {
            // Its kind may have come with this very run: API servers serve it a little after they say so.
            if (!(error instanceof ApiError && isKindMissing(error)) || Date.now() >= end) throw error;
            await sleep(1_000, undefined, { signal });
          }
        }
      },
      find: async (object) => {
        try {
          return await api.request(await api.path(object), "GET", {});
        } catch (error) {
          if (error instanceof ApiError && error.status === 404) return undefined;
          throw error;
        }
      },
      select: async (apiVersion, kind, namespace, labelSelector) => {
        const place = await api.path({ apiVersion, kind, metadata: { name: "-", namespace } });
        const list = await api.request(place.replace(/\/-$/, ""), "GET", { labelSelector });
        return list["items"] as JsonObject[];
      },
      remove: async (object, uid) => {
        const options = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background" };
        await api.request(await api.path(object), "DELETE", {}, { ...options, preconditions: { uid } });
      },
    };
  }
}

const isKindMissing = ({ status, message }: ApiError): boolean =>
  status === 404 && /has no kind|could not find the requested resource/.test(message);

/** The API is overloaded, or starts. */
export function isTransient(status: number): boolean {
  return status === 429 || status >= 500;
}

function messageIn(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text.slice(0, 300);
  } catch {
    return text.slice(0, 300);
  }
}

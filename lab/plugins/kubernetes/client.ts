/** The API of one cluster: discovery, requests by path, and patience while it starts. */
import { existsSync, readFileSync } from "node:fs";
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";

const requestMilliseconds = 30_000;
/** Time in which an API that does not answer is asked again. */
const patienceMilliseconds = 60_000;

export type JsonObject = { [key: string]: unknown };

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

export interface Request {
  readonly method: "GET" | "PATCH" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal: AbortSignal;
}

export interface Client {
  /** Asks once. @throws {ApiError} @throws {Unreachable} */
  once(request: Request): Promise<JsonObject>;
  /** Asks again while the API is not there or overloaded, up to a minute. */
  ask(request: Request): Promise<JsonObject>;
  /** Path of an object, or of its collection where no name is given. */
  path(apiVersion: string, kind: string, namespace: string | undefined, name: string | undefined, signal: AbortSignal): Promise<string>;
  /** Whether objects of the kind live in namespaces. */
  isNamespaced(apiVersion: string, kind: string, signal: AbortSignal): Promise<boolean>;
}

/**
 * @param kubeconfig Contents or path; unset: KUBECONFIG or ~/.kube/config, as kubectl does.
 * @throws Error when it holds no usable cluster.
 */
export async function connect(kubeconfig: string | undefined, context: string | undefined, cluster: string | undefined): Promise<Client> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  if (kubeconfig === undefined) config.loadFromDefault();
  else config.loadFromString(existsSync(kubeconfig) ? readFileSync(kubeconfig, "utf8") : kubeconfig);
  if (context !== undefined) config.setCurrentContext(context);
  const target = cluster === undefined ? config.getCurrentCluster() : config.getCluster(cluster);
  if (target === null || target === undefined) throw new Error("kubeconfig: it has no such context or cluster; give a kubeconfig whose current context names a cluster");
  const options: https.RequestOptions = {};
  await config.applyToHTTPSOptions(options as Parameters<typeof config.applyToHTTPSOptions>[0]);
  const agent = new https.Agent({ ...(options.agent === undefined ? {} : (options.agent as https.Agent).options), ca: options.ca, cert: options.cert, key: options.key, keepAlive: true, maxSockets: 8 });
  return makeClient(new URL(target.server), { ...options, agent });
}

function makeClient(server: URL, options: https.RequestOptions): Client {
  const resources = new Map<string, Promise<Map<string, { name: string; namespaced: boolean }>>>();

  async function once(request: Request): Promise<JsonObject> {
    const payload = request.body === undefined ? undefined : JSON.stringify(request.body);
    const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const call = https.request(
        new URL(request.path, server),
        {
          ...options,
          method: request.method,
          headers: { ...options.headers, accept: "application/json", ...(payload === undefined ? {} : { "content-type": request.contentType ?? "application/json", "content-length": Buffer.byteLength(payload) }) },
          signal: AbortSignal.any([request.signal, AbortSignal.timeout(requestMilliseconds)]),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }));
        },
      );
      call.on("error", reject);
      call.end(payload);
    }).catch((error: unknown) => {
      request.signal.throwIfAborted();
      throw new Unreachable(`${server.origin} does not answer: ${error instanceof Error ? error.message : String(error)}`);
    });
    const answer = parse(text);
    if (status >= 200 && status < 300) return answer;
    throw new ApiError(status, `HTTP ${status}: ${typeof answer["message"] === "string" ? answer["message"] : text.slice(0, 300)}`);
  }

  async function ask(request: Request): Promise<JsonObject> {
    const end = Date.now() + patienceMilliseconds;
    for (;;) {
      try {
        return await once(request);
      } catch (error) {
        const transient = error instanceof Unreachable || (error instanceof ApiError && (error.status === 429 || error.status >= 500));
        if (!transient || Date.now() > end) throw error;
        await sleep(1_000, undefined, { signal: request.signal });
      }
    }
  }

  async function resource(apiVersion: string, kind: string, signal: AbortSignal): Promise<{ name: string; namespaced: boolean }> {
    let known = resources.get(apiVersion);
    if (known === undefined) {
      known = ask({ method: "GET", path: base(apiVersion), signal }).then(
        (list) => new Map((list["resources"] as { name: string; kind: string; namespaced: boolean }[]).filter(({ name }) => !name.includes("/")).map((item) => [item.kind, item])),
      );
      resources.set(apiVersion, known);
      known.catch(() => resources.delete(apiVersion));
    }
    const found = (await known).get(kind);
    if (found === undefined) throw new ApiError(404, `the cluster has no kind ${kind} in ${apiVersion}`);
    return found;
  }

  return {
    once,
    ask,
    path: async (apiVersion, kind, namespace, name, signal) => {
      const { name: plural, namespaced } = await resource(apiVersion, kind, signal);
      const place = namespaced ? `/namespaces/${encodeURIComponent(namespace ?? "default")}` : "";
      return `${base(apiVersion)}${place}/${plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
    },
    isNamespaced: async (apiVersion, kind, signal) => (await resource(apiVersion, kind, signal)).namespaced,
  };
}

function base(apiVersion: string): string {
  return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function parse(text: string): JsonObject {
  try {
    return JSON.parse(text) as JsonObject;
  } catch {
    return {};
  }
}

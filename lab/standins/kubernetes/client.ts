/** The API of one cluster: discovery, requests by path, and patience while it starts. */
import https from "node:https";
import http from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "./kubeconfig.js";

const requestMilliseconds = 30_000;
/** Time in which an API that does not answer is asked again. */
const patienceMilliseconds = 60_000;
/** A preview does not wait for a cluster that is not there, and asks again only after a while. */
const previewMilliseconds = 5_000;
const absentMilliseconds = 30_000;

export type JsonObject = { [key: string]: unknown };

/** An answer that is an error, with the API's own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    /** Such as `Conflict`. */
    readonly reason: string,
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
}

/** How long one asks. */
export interface Manner {
  readonly signal: AbortSignal;
  /** True: again while the API is not there or overloaded, up to a minute. False: once, and not for long. */
  readonly patient: boolean;
}

/** An object, or all of a kind where no name is given. */
export interface Address {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

interface Resource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export class Client {
  private readonly resources = new Map<string, Promise<ReadonlyMap<string, Resource>>>();
  private readonly agent: https.Agent | http.Agent;
  /** Until when a preview takes it that the cluster is not there. */
  private absentUntil = 0;

  constructor(private readonly target: Target) {
    const options = { ...target.tls, keepAlive: true, maxSockets: 8 };
    this.agent = target.server.protocol === "http:" ? new http.Agent(options) : new https.Agent(options);
  }

  /** @throws {ApiError} @throws {Unreachable} */
  async ask(request: Request, { signal, patient }: Manner): Promise<JsonObject> {
    if (!patient) {
      if (Date.now() < this.absentUntil) throw new Unreachable(`${this.target.server.origin} does not answer`);
      return this.once(request, signal, previewMilliseconds).catch((error: unknown) => {
        if (error instanceof Unreachable) this.absentUntil = Date.now() + absentMilliseconds;
        throw error;
      });
    }
    const end = Date.now() + patienceMilliseconds;
    for (;;) {
      try {
        return await this.once(request, signal, requestMilliseconds);
      } catch (error) {
        const transient =
          error instanceof Unreachable || (error instanceof ApiError && (error.status === 429 || error.status >= 500));
        if (!transient || Date.now() > end) throw error;
        await sleep(1_000, undefined, { signal });
      }
    }
  }

  async path(address: Address, manner: Manner): Promise<string> {
    const { name: plural, namespaced } = await this.resource(address, manner);
    const place = namespaced ? `/namespaces/${encodeURIComponent(address.namespace ?? "default")}` : "";
    return `${base(address.apiVersion)}${place}/${plural}${address.name === undefined ? "" : `/${encodeURIComponent(address.name)}`}`;
  }

  /** Whether objects of the kind live in namespaces. */
  async isNamespaced(address: Address, manner: Manner): Promise<boolean> {
    return (await this.resource(address, manner)).namespaced;
  }

  private async resource({ apiVersion, kind }: Address, manner: Manner): Promise<Resource> {
    const known = await this.kinds(apiVersion, manner);
    // A definition of a new kind may have come since.
    const found =
      known.get(kind) ?? (this.resources.delete(apiVersion), await this.kinds(apiVersion, manner)).get(kind);
    if (found === undefined)
      throw new ApiError(
        404,
        "NotFound",
        `the cluster has no kind ${kind} in ${apiVersion}; create its CustomResourceDefinition first, or correct the version`,
      );
    return found;
  }

  private async kinds(apiVersion: string, manner: Manner): Promise<ReadonlyMap<string, Resource>> {
    const known = this.resources.get(apiVersion);
    if (known !== undefined) return known;
    const asked = this.ask({ method: "GET", path: base(apiVersion) }, manner).then(
      (list) =>
        new Map(
          (list["resources"] as Resource[]).filter(({ name }) => !name.includes("/")).map((item) => [item.kind, item]),
        ),
    );
    // Only an answer is remembered: a preview's impatience must not become an update's.
    const kinds = await asked;
    this.resources.set(apiVersion, asked);
    return kinds;
  }

  private async once(request: Request, signal: AbortSignal, milliseconds: number): Promise<JsonObject> {
    const { server } = this.target;
    const payload = request.body === undefined ? undefined : JSON.stringify(request.body);
    const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const call = (server.protocol === "http:" ? http : https).request(
        new URL(`${server.pathname.replace(/\/$/, "")}${request.path}`, server),
        {
          agent: this.agent,
          method: request.method,
          headers: {
            ...this.target.headers,
            accept: "application/json",
            ...(payload === undefined
              ? {}
              : {
                  "content-type": request.contentType ?? "application/json",
                  "content-length": Buffer.byteLength(payload),
                }),
          },
          signal: AbortSignal.any([signal, AbortSignal.timeout(milliseconds)]),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
          );
        },
      );
      call.on("error", reject);
      call.end(payload);
    }).catch((error: unknown) => {
      signal.throwIfAborted();
      const timedOut = error instanceof Error && error.name === "AbortError";
      throw new Unreachable(
        `${server.origin} does not answer${timedOut ? ` within ${milliseconds / 1000} s` : `: ${error instanceof Error ? error.message : String(error)}`}`,
      );
    });
    const answer = parse(text);
    if (status >= 200 && status < 300) return answer;
    const { message, reason } = answer;
    throw new ApiError(
      status,
      typeof reason === "string" ? reason : "",
      `HTTP ${status}: ${typeof message === "string" ? message : text.slice(0, 300)}`,
    );
  }
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

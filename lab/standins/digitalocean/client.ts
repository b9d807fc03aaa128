/** Talks to DigitalOcean's API v2: retries as the official provider does, errors with what the API said. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Value } from "../../../provider/rpc/properties.js";

export type Json = Readonly<Record<string, unknown>>;

/** Tries after the first, and milliseconds between them when the API names no time: as the official provider's. */
const retries = 4;
const shortestWait = 1_000;
const longestWait = 30_000;

export class ApiError extends Error {
  constructor(
    readonly call: string,
    readonly status: number,
    /** Such as `unprocessable_entity`. */
    readonly id: string,
    readonly text: string,
  ) {
    super(`${call}: HTTP ${status} ${id}: ${text}`);
  }
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** The API as one operation uses it. */
export interface Api {
  /**
   * The answer's body; empty when there is none.
   * @throws {ApiError} for an answer that is no success.
   */
  call(method: Method, path: string, body?: unknown): Promise<Json>;
  /** The object under `key` in the answer to a GET. @throws {ApiError} */
  find(path: string, key: string): Promise<Json>;
}

export class Client {
  constructor(
    private readonly endpoint: string,
    private readonly token: string,
  ) {}

  /** @param signal Ends waiting and reading. A change that was sent is always waited for: what it made must be known. */
  api(signal: AbortSignal): Api {
    return {
      call: (method, path, body) => this.call(method, path, signal, body),
      find: async (path, key) => objectAt(await this.call("GET", path, signal), key),
    };
  }

  private async call(method: Method, path: string, signal: AbortSignal, body?: unknown): Promise<Json> {
    const call = `${method} ${path}`;
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      const last = attempt >= retries;
      const wait = Math.min(shortestWait * 2 ** attempt, longestWait);
      let response: Response;
      let text: string;
      try {
        response = await fetch(new URL(path, this.endpoint), {
          method,
          headers: { authorization: `Bearer ${this.token}`, "content-type": "application/json" },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          ...(method === "GET" ? { signal } : {}),
        });
        text = await response.text();
      } catch (error) {
        signal.throwIfAborted();
        if (last || !(method === "GET" || neverArrived(error)))
          throw new Error(`${call} at ${this.endpoint}: ${causeOf(error)}`, { cause: error });
        await sleep(wait, undefined, { signal });
        continue;
      }
      if (response.ok) return text === "" ? {} : (JSON.parse(text) as Json);
      // A change that failed with a server error may have been carried out: only reads are retried.
      const again = response.status === 429 || (response.status >= 500 && method === "GET");
      if (!again || last) throw apiError(call, response.status, text);
      await sleep(askedWait(response) ?? wait, undefined, { signal });
    }
  }
}

export function isStatus(error: unknown, ...statuses: number[]): error is ApiError {
  return error instanceof ApiError && statuses.includes(error.status);
}

/** @throws Error when the answer does not hold it: the endpoint is no such API. */
export function objectAt(body: Json, key: string): Json {
  const value = body[key];
  if (typeof value !== "object" || value === null)
    throw new Error(`the API's answer has no "${key}"; is digitalocean:apiEndpoint the address of DigitalOcean's API?`);
  return value as Json;
}

/** The API's values are JSON, and so are a resource's. */
export function valueOf(value: unknown): Value {
  return (value ?? null) as Value;
}

function apiError(call: string, status: number, text: string): ApiError {
  try {
    const { id, message } = JSON.parse(text) as { id?: string; message?: string };
    return new ApiError(call, status, id ?? "", message ?? text);
  } catch {
    return new ApiError(call, status, "", text.slice(0, 200));
  }
}

/** Milliseconds that the API asks for. */
function askedWait(response: Response): number | undefined {
  const after = Number(response.headers.get("retry-after") ?? NaN);
  if (Number.isFinite(after)) return after * 1000;
  const reset = Number(response.headers.get("ratelimit-reset") ?? NaN);
  if (response.status !== 429 || !Number.isFinite(reset)) return undefined;
  return Math.min(Math.max(reset * 1000 - Date.now(), 1000), 3_600_000);
}

function neverArrived(error: unknown): boolean {
  return /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/.test(causeOf(error));
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error
    ? `${error.cause.message} ${"code" in error.cause ? String(error.cause.code) : ""}`.trim()
    : error.message;
}

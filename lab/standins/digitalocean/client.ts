/** Talks to DigitalOcean's API v2: retries as the official provider does, errors with what the API said. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Value } from "../framework/kind.js";

export type Json = Readonly<Record<string, unknown>>;

export interface ClientSettings {
  readonly endpoint: string;
  readonly token: string;
  /** Tries after the first. */
  readonly retries: number;
  /** Seconds between tries when the API names no time. */
  readonly minimumWait: number;
  readonly maximumWait: number;
}

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

export class Client {
  constructor(private readonly settings: ClientSettings) {}

  /**
   * The answer's body; empty when there is none.
   * @param signal Ends waiting and reading. A change that was sent is always waited for: what it made must be known.
   * @throws {ApiError} for an answer that is no success.
   */
  async call(method: Method, path: string, signal: AbortSignal, body?: unknown): Promise<Json> {
    const call = `${method} ${path}`;
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      const last = attempt >= this.settings.retries;
      let response: Response;
      let text: string;
      try {
        response = await fetch(new URL(path, this.settings.endpoint), {
          method,
          headers: {
            authorization: `Bearer ${this.settings.token}`,
            "content-type": "application/json",
            accept: "application/json",
            "user-agent": "corekube-lab",
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          ...(method === "GET" ? { signal } : {}),
        });
        text = await response.text();
      } catch (error) {
        signal.throwIfAborted();
        if (last || !(method === "GET" || neverArrived(error)))
          throw new Error(`${call} at ${this.settings.endpoint}: ${causeOf(error)}`);
        await sleep(this.wait(attempt), undefined, { signal });
        continue;
      }
      if (response.ok) return text === "" ? {} : (JSON.parse(text) as Json);
      const error = apiError(call, response.status, text);
      // A change that failed inside the cloud may have been made all the same: only what changes nothing is tried again.
      const again = response.status === 429 || (response.status >= 500 && method === "GET");
      if (!again || last) throw error;
      await sleep(askedWait(response) ?? this.wait(attempt), undefined, { signal });
    }
  }

  /** Undefined when it is not there. */
  async find(path: string, key: string, signal: AbortSignal): Promise<Json | undefined> {
    try {
      return objectAt(await this.call("GET", path, signal), key);
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  private wait(attempt: number): number {
    return Math.min(this.settings.minimumWait * 2 ** attempt, this.settings.maximumWait) * 1000;
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

/** The cluster's API with an administrator's kubeconfig: requests with a time limit, and errors that say what failed. */
import type { AppsV1Api, CoreV1Api, CustomObjectsApi, StorageV1Api } from "@kubernetes/client-node";
import { pause, type Deadline } from "../operation/timing.js";

const REQUEST_MILLISECONDS = 15_000;
const RETRY_MILLISECONDS = 1_000;

export interface Cluster {
  readonly apps: AppsV1Api;
  readonly core: CoreV1Api;
  readonly custom: CustomObjectsApi;
  readonly storage: StorageV1Api;
}

/** The kubeconfig is not usable. */
export class InvalidKubeconfig extends Error {}

/** The API gave no usable answer in time. */
export class ApiUnavailable extends Error {}

/**
 * A client for the kubeconfig's current context.
 * @param signal ends every request.
 * @throws {InvalidKubeconfig}
 */
export async function openCluster(kubeconfig: string, signal: AbortSignal): Promise<Cluster> {
  // Loaded on demand: it takes longer to load than the rest of the provider.
  const kubernetes = await import("@kubernetes/client-node");
  const config = new kubernetes.KubeConfig();
  let server: string | undefined;
  try {
    config.loadFromString(kubeconfig);
    server = config.getCurrentCluster()?.server;
  } catch {
    // The parser's message may quote the text, which contains a key.
  }
  if (server === undefined)
    throw new InvalidKubeconfig(
      "kubeconfig has no current context with a cluster; pass the cluster's admin kubeconfig.",
    );
  const configuration = kubernetes.createConfiguration({
    baseServer: new kubernetes.ServerConfiguration(server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: (request) => {
          request.setSignal(AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MILLISECONDS)]));
          return Promise.resolve(request);
        },
        post: (response) => Promise.resolve(response),
      },
    ],
  });
  return {
    apps: new kubernetes.AppsV1Api(configuration),
    core: new kubernetes.CoreV1Api(configuration),
    custom: new kubernetes.CustomObjectsApi(configuration),
    storage: new kubernetes.StorageV1Api(configuration),
  };
}

/** The HTTP status of an answer, or undefined if there was none. */
export function statusOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown }).code;
  return typeof code === "number" ? code : undefined;
}

/** The message of an API error, without headers and request. */
export function describeError(error: unknown): string {
  const status = statusOf(error);
  if (status === undefined) return error instanceof Error ? error.message : String(error);
  return `${status} ${statusBody(error)?.message ?? ""}`.trim();
}

/** The `Status` object in an API error. */
export function statusBody(
  error: unknown,
): { message?: string; details?: { causes?: { reason?: string; message?: string }[] } } | undefined {
  const body = (error as { body?: unknown }).body;
  try {
    const parsed: unknown = typeof body === "string" ? JSON.parse(body) : body;
    return typeof parsed === "object" && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Answers about the state of the API or our permissions, not about the requested object. */
function isUnavailable(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status >= 500 || status === 401 || status === 403 || status === 429;
}

/** The object, or undefined if there is none. */
export async function ifFound<Result>(request: Promise<Result>): Promise<Result | undefined> {
  try {
    return await request;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/**
 * Repeats a request until the API gives a usable answer.
 * @throws {ApiUnavailable} after the deadline. Other API errors are passed on.
 */
export async function persist<Result>(
  deadline: Deadline,
  signal: AbortSignal,
  request: () => Promise<Result>,
): Promise<Result> {
  for (;;) {
    try {
      return await request();
    } catch (error) {
      signal.throwIfAborted();
      if (!isUnavailable(error)) throw error;
      if (deadline.left < 1)
        throw new ApiUnavailable(
          `the Kubernetes API gave no usable answer within ${deadline.seconds} s (${describeError(error)})`,
        );
      await pause(RETRY_MILLISECONDS, signal, deadline);
    }
  }
}

/** Errors as DigitalOcean's public API answers them: `{ id, message, request_id }` under the matching HTTP status. */

const ids = {
  400: "bad_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  412: "precondition_failed",
  413: "payload_too_large",
  422: "unprocessable_entity",
  429: "too_many_requests",
  500: "server_error",
  503: "service_unavailable",
} as const;

export type ErrorStatus = keyof typeof ids;

/** Thrown by handlers; the server turns it into the answer. */
export class ApiError extends Error {
  readonly id: string;

  constructor(
    readonly status: ErrorStatus,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = "ApiError";
    this.id = ids[status];
  }
}

/** Id of an error that did not come from our own code, by its HTTP status. */
export function errorId(status: number): string {
  if (status in ids) return ids[status as ErrorStatus];
  return status >= 500 ? ids[500] : ids[400];
}

export const notFound = (): ApiError => new ApiError(404, "The resource you were accessing could not be found.");
export const unprocessable = (message: string): ApiError => new ApiError(422, message);
export const conflict = (message: string): ApiError => new ApiError(409, message);
export const forbidden = (message: string): ApiError => new ApiError(403, message);
/** The original's answer while another action holds the droplet; official clients retry on exactly this text. */
export const pendingEvent = (): ApiError => unprocessable("Droplet already has a pending event.");

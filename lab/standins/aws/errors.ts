/** Errors of AWS's APIs: what was called, the code and the API's own words. */

export class AwsError extends Error {
  constructor(
    /** Such as `ec2 runInstances`. */
    readonly call: string,
    /** Such as `InvalidVpcID.NotFound`. */
    readonly code: string,
    readonly text: string,
    readonly status: number | undefined,
  ) {
    super(`${call}: ${status === undefined ? "" : `HTTP ${status} `}${code}: ${text}`);
  }
}

const throttled = new Set([
  "BandwidthLimitExceeded",
  "EC2ThrottledException",
  "PriorRequestNotComplete",
  "RequestLimitExceeded",
  "RequestThrottled",
  "RequestThrottledException",
  "SlowDown",
  "ThrottledException",
  "Throttling",
  "ThrottlingException",
  "TooManyRequestsException",
]);

/** The API asks to try again later: nothing was done. */
export function isThrottled(error: AwsError): boolean {
  return throttled.has(error.code) || error.status === 429;
}

export function isCode(error: unknown, ...codes: string[]): error is AwsError {
  return error instanceof AwsError && codes.includes(error.code);
}

/** There is no such resource (any more). */
export function isNotFound(error: unknown): boolean {
  return error instanceof AwsError && /NotFound(Exception)?$|\.NotFound$|^NoSuchEntity/.test(error.code);
}

/** Something still uses it: what uses it is being deleted as well, or takes a while to let go. */
export function isInUse(error: unknown): error is AwsError {
  return isCode(
    error,
    "DependencyViolation",
    "DeleteConflict",
    "DeleteConflictException",
    "ResourceInUse",
    "ResourceInUseException",
    "VolumeInUse",
    "InvalidIPAddress.InUse",
  );
}

/** @param call As in {@link AwsError}. @param endpoint For errors without an answer. */
export function awsError(call: string, error: unknown, endpoint: string): Error {
  if (!(error instanceof Error)) return new Error(`${call}: ${String(error)}`, { cause: error });
  const { $metadata, Code } = error as { $metadata?: { httpStatusCode?: number }; Code?: string };
  if ($metadata?.httpStatusCode === undefined)
    return new Error(`${call}${endpoint === "" ? "" : ` at ${endpoint}`}: ${causeOf(error)}`, { cause: error });
  return new AwsError(call, Code ?? error.name, error.message, $metadata.httpStatusCode);
}

/** The request never reached the API. */
export function neverArrived(error: unknown): boolean {
  return error instanceof Error && /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/.test(causeOf(error));
}

function causeOf(error: Error): string {
  // Node reports one try for each of a name's addresses.
  const inner = error instanceof AggregateError ? error.errors.find((item) => item instanceof Error) : error.cause;
  const { code } = error as { code?: string };
  return [error.message, inner instanceof Error ? inner.message : "", code ?? ""]
    .filter((part, index, parts) => part !== "" && parts.indexOf(part) === index)
    .join(" ");
}

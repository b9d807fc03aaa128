/** Registers many resources without a stack trace for each of their promises. */

/**
 * The SDK keeps a stack trace, source maps applied, with each of the four promises of each output of a resource: 140 for one
 * droplet (`debuggablePromise` in its runtime). For 1,000 workers they were more than half of the program's time and memory.
 *
 * An error thrown inside has a message and no trace; errors of the registration itself, which come later, name their resource.
 */
export function withoutTraces<Result>(register: () => Result): Result {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return register();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

/** How a run ends that must not begin. */
import { RunError } from "@pulumi/pulumi";

/**
 * An error whose message the engine shows alone: what settings ask for cannot be.
 *
 * It has no stack, which would say nothing about settings; the SDK would format it all the same, and with the compiler's source maps
 * that takes ten times as long as all the rest of the run.
 */
export function refusal(message: string): RunError {
  const error = new RunError(message);
  error.stack = `${error.name}: ${message}`;
  return error;
}

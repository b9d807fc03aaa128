/** A configuration error that aborts the run before any resource is registered. */
import { RunError } from "@pulumi/pulumi";

/**
 * An error of which the engine shows only the message.
 *
 * It has no stack, which would say nothing about settings; the SDK would format it, and with the compiler's source maps that takes ten
 * times as long as the rest of the run.
 */
export function configError(message: string): RunError {
  const error = new RunError(message);
  error.stack = `${error.name}: ${message}`;
  return error;
}

/** Log levels. */
import type { LogLevel } from "../../spec/cluster.js";

/**
 * Verbosity of Kubernetes' components. They always log errors and warnings; 0 to 4 add more and more information.
 * https://github.com/kubernetes/community/blob/master/contributors/devel/sig-instrumentation/logging.md
 */
export function verbosity(level: LogLevel): number {
  return { ERROR: 0, WARN: 1, INFO: 2, DEBUG: 4 }[level];
}

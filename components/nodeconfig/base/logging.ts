/** How much components tell. */
import type { LogLevel } from "../../spec/cluster.js";

/**
 * Verbosity of Kubernetes' components: they always tell errors and warnings, and from 0 to 4 ever more about what goes well.
 * https://github.com/kubernetes/community/blob/master/contributors/devel/sig-instrumentation/logging.md
 */
export function verbosity(level: LogLevel): number {
  return { ERROR: 0, WARN: 1, INFO: 2, DEBUG: 4 }[level];
}

/** How DigitalOcean's preflight ends a run. */
import { configError } from "../cloud/configError.js";

/** @throws pulumi.RunError */
export function refuse(path: string, got: string | number, allowed: string, fix: string): never {
  throw configError(`corekube:${path}: got ${got}; allowed: ${allowed}. ${fix}`);
}

/**
 * Configuration of the API server that is not secret, but too large for user-data. It is delivered with the secrets;
 * a change reaches running machines one at a time, like a new certificate.
 */
import type { ClusterSpec } from "../../spec/cluster.js";
import { approveScript } from "../scripts/approve.js";
import { admissionConfiguration } from "./admission.js";
import { auditPolicy } from "./audit.js";
import { authenticationConfiguration } from "./authentication.js";

/** By name in the secrets directory. */
export function controllerRules(
  spec: Pick<ClusterSpec, "podSecurity" | "nodeCidr" | "cloudProvider">,
): Readonly<Record<"admission.yaml" | "approve" | "audit.yaml" | "authentication.yaml", string>> {
  return {
    "admission.yaml": admissionConfiguration(spec),
    approve: approveScript(spec).contents,
    "audit.yaml": auditPolicy(),
    "authentication.yaml": authenticationConfiguration(),
  };
}

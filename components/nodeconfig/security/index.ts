/**
 * What a controller is told beside its user-data: rules that are no secret, but long. They come with the secrets, since user-data is
 * small; a change reaches machines that run, one after the other, as a new certificate does.
 */
import type { ClusterSpec } from "../../spec/cluster.js";
import { approveScript } from "../scripts/approve.js";
import { admissionConfiguration } from "./admission.js";
import { auditPolicy } from "./audit.js";
import { authenticationConfiguration } from "./authentication.js";

/** By name in the secrets directory. */
export function controllerRules(
  spec: Pick<ClusterSpec, "podSecurity" | "nodeCidr" | "cloudProvider">,
): Readonly<Record<string, string>> {
  return {
    "admission.yaml": admissionConfiguration(spec),
    approve: approveScript(spec).contents,
    "audit.yaml": auditPolicy(),
    "authentication.yaml": authenticationConfiguration(),
  };
}

/** Anonymous access to the API server: https://kubernetes.io/docs/reference/access-authn-authz/authentication/ */
import { stringify } from "yaml";
import { credentialDirectory } from "../base/users.js";

export const authenticationFlag = `--authentication-config=${credentialDirectory("kube-apiserver")}/authentication.yaml`;

/** Anonymous requests are allowed for health checks only; all others get 401. */
export function authenticationConfiguration(): string {
  return stringify({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "AuthenticationConfiguration",
    anonymous: { enabled: true, conditions: [{ path: "/livez" }, { path: "/readyz" }, { path: "/healthz" }] },
  });
}

/** Whom the API server listens to without a certificate or token: https://kubernetes.io/docs/reference/access-authn-authz/authentication/ */
import { stringify } from "yaml";
import { credentialDirectory } from "../base/users.js";

export const authenticationFlag = `--authentication-config=${credentialDirectory("kube-apiserver")}/authentication.yaml`;

/** Who has no certificate may ask whether the server is well, and nothing else: the rest answers 401. */
export function authenticationConfiguration(): string {
  return stringify({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "AuthenticationConfiguration",
    anonymous: { enabled: true, conditions: [{ path: "/livez" }, { path: "/readyz" }, { path: "/healthz" }] },
  });
}

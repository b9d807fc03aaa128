/** Bootstrap tokens: created for one join, deleted right after it. */
import { randomInt } from "node:crypto";
import type { V1Secret } from "@kubernetes/client-node";
import type { Log } from "../rpc/log.js";
import { Deadline } from "../operation/timing.js";
import { describeError, ifFound, openCluster, persist, type Cluster } from "./cluster.js";

/** If deletion fails, the token is invalid after this time (and the API's token cleaner removes it). */
const TOKEN_MINUTES = 15;
/** The group for RBAC; the API adds `system:bootstrappers`. */
const TOKEN_GROUP = "system:bootstrappers:corekube:worker";

const NAMESPACE = "kube-system";
const NODE_LABEL = "corekube.io/join";
const TYPE = "bootstrap.kubernetes.io/token";
/** Also after an interruption, so it must be short. */
const DELETE_SECONDS = 5;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** `id.secret` as Kubernetes requires it: 6 and 16 characters of a-z and 0-9, 83 bits of secret. */
export interface Token {
  readonly id: string;
  readonly secret: string;
}

/** A random token. */
function newToken(): Token {
  const word = (length: number): string => Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return { id: word(6), secret: word(16) };
}

/** The Secret that makes a token valid: for authentication only, not for signing. */
function tokenSecret(token: Token, nodeName: string, now: Date): V1Secret {
  const expiration = new Date(now.getTime() + TOKEN_MINUTES * 60_000);
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: TYPE,
    metadata: { name: `bootstrap-token-${token.id}`, namespace: NAMESPACE, labels: { [NODE_LABEL]: nodeName } },
    stringData: {
      description: `corekube: join of ${nodeName}`,
      "token-id": token.id,
      "token-secret": token.secret,
      expiration: expiration.toISOString().replace(/\.\d+Z$/, "Z"),
      "usage-bootstrap-authentication": "true",
      "auth-extra-groups": TOKEN_GROUP,
    },
  };
}

/** A kubeconfig for the kubelet's TLS bootstrap. The CA is referenced as a file, so that a later delivery can renew it. */
export function bootstrapKubeconfig(token: Token, server: string, caFile: string): string {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "cluster", cluster: { server, "certificate-authority": caFile } }],
    users: [{ name: "bootstrap", user: { token: `${token.id}.${token.secret}` } }],
    contexts: [{ name: "bootstrap", context: { cluster: "cluster", user: "bootstrap" } }],
    "current-context": "bootstrap",
  };
  // JSON is YAML too.
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Creates a token for `work`, and deletes it when `work` has ended, also after a failure. */
export async function withToken<Result>(
  cluster: Cluster,
  kubeconfig: string,
  nodeName: string,
  deadline: Deadline,
  signal: AbortSignal,
  log: Log,
  work: (token: Token) => Promise<Result>,
): Promise<Result> {
  await deleteTokens(cluster, nodeName, deadline, signal);
  const token = newToken();
  try {
    await persist(deadline, signal, () =>
      cluster.core.createNamespacedSecret({ namespace: NAMESPACE, body: tokenSecret(token, nodeName, new Date()) }),
    );
    return await work(token);
  } finally {
    // The operation's own signal may be aborted already; this must happen nevertheless.
    const own = new AbortController().signal;
    try {
      await deleteTokens(await openCluster(kubeconfig, own), nodeName, new Deadline(DELETE_SECONDS), own);
    } catch (error) {
      log.warn(
        `${nodeName}: the join token could not be deleted (${describeError(error)}); it expires by itself within ${TOKEN_MINUTES} minutes. To delete it now: kubectl -n ${NAMESPACE} delete secret -l ${NODE_LABEL}=${nodeName}`,
      );
    }
  }
}

/** Deletes the join tokens of a node, including those of a killed run. */
async function deleteTokens(
  cluster: Cluster,
  nodeName: string,
  deadline: Deadline,
  signal: AbortSignal,
): Promise<void> {
  const left = await persist(deadline, signal, () =>
    cluster.core.listNamespacedSecret({
      namespace: NAMESPACE,
      labelSelector: `${NODE_LABEL}=${nodeName}`,
      fieldSelector: `type=${TYPE}`,
    }),
  );
  for (const { metadata } of left.items) {
    const name = metadata?.name;
    if (name !== undefined)
      await persist(deadline, signal, () =>
        ifFound(cluster.core.deleteNamespacedSecret({ namespace: NAMESPACE, name })),
      );
  }
}

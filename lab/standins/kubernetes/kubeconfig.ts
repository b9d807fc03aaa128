/** Reads which cluster a kubeconfig means, and with what to talk to it. */
import { existsSync, readFileSync } from "node:fs";
import type https from "node:https";
import { homedir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { parse } from "yaml";

interface Cluster {
  readonly server?: string;
  readonly "certificate-authority"?: string;
  readonly "certificate-authority-data"?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "tls-server-name"?: string;
}

interface User {
  readonly "client-certificate"?: string;
  readonly "client-certificate-data"?: string;
  readonly "client-key"?: string;
  readonly "client-key-data"?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly exec?: unknown;
  readonly "auth-provider"?: unknown;
}

interface Context {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

interface Kubeconfig {
  readonly "current-context"?: string;
  readonly contexts?: readonly { readonly name: string; readonly context: Context }[];
  readonly clusters?: readonly { readonly name: string; readonly cluster: Cluster }[];
  readonly users?: readonly { readonly name: string; readonly user: User }[];
}

export interface Choice {
  /** Undefined: the kubeconfig's own current context. */
  readonly context: string | undefined;
  readonly cluster: string | undefined;
}

export interface Target {
  readonly server: URL;
  /** Of the context; undefined: none. */
  readonly namespace: string | undefined;
  readonly tls: https.AgentOptions;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * @param given Contents or path; undefined: KUBECONFIG or ~/.kube/config, as kubectl does.
 * @throws Error when it names no usable cluster; nothing of the contents is repeated.
 */
export function readTarget(given: string | undefined, choice: Choice, env: NodeJS.ProcessEnv = process.env): Target {
  const { text, folder } = load(given, env);
  const config = parseKubeconfig(text);
  const { context, cluster } = choose(config, choice);
  if (cluster?.server === undefined || !URL.canParse(cluster.server)) {
    throw new Error(
      `kubeconfig: ${choice.context ?? config["current-context"] ?? "its current context"} names no cluster with a server; set current-context, or the provider's context`,
    );
  }
  const user = config.users?.find(({ name }) => name === context?.user)?.user;
  if (user?.exec !== undefined || user?.["auth-provider"] !== undefined) {
    throw new Error(
      "kubeconfig: the lab's stand-in uses certificates, tokens and passwords only; install the official plugin for users with exec or auth-provider",
    );
  }
  const bytes = (data: string | undefined, file: string | undefined): Buffer | undefined => {
    if (data !== undefined) return Buffer.from(data, "base64");
    return file === undefined ? undefined : readFileSync(resolve(folder, file));
  };
  const token =
    user?.token ??
    (user?.tokenFile === undefined ? undefined : readFileSync(resolve(folder, user.tokenFile), "utf8").trim());
  const basic =
    user?.username === undefined
      ? undefined
      : `Basic ${Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64")}`;
  const authorization = token === undefined ? basic : `Bearer ${token}`;
  return {
    server: new URL(cluster.server),
    namespace: context?.namespace,
    tls: {
      ca: bytes(cluster["certificate-authority-data"], cluster["certificate-authority"]),
      cert: bytes(user?.["client-certificate-data"], user?.["client-certificate"]),
      key: bytes(user?.["client-key-data"], user?.["client-key"]),
      rejectUnauthorized: cluster["insecure-skip-tls-verify"] !== true,
      ...(cluster["tls-server-name"] === undefined ? {} : { servername: cluster["tls-server-name"] }),
    },
    headers: authorization === undefined ? {} : { authorization },
  };
}

/** What tells a cluster from another: its address and authority; undefined when the kubeconfig cannot be read. */
export function clusterIdentity(given: string | undefined, choice: Choice): string | undefined {
  try {
    const { cluster } = choose(parseKubeconfig(load(given, process.env).text), choice);
    return (
      cluster &&
      JSON.stringify([cluster.server, cluster["certificate-authority-data"], cluster["certificate-authority"]])
    );
  } catch {
    return undefined;
  }
}

function choose(config: Kubeconfig, choice: Choice): { context: Context | undefined; cluster: Cluster | undefined } {
  const wanted = choice.context ?? config["current-context"];
  const context = config.contexts?.find(({ name }) => name === wanted)?.context;
  const name = choice.cluster ?? context?.cluster;
  return { context, cluster: config.clusters?.find((candidate) => candidate.name === name)?.cluster };
}

function load(given: string | undefined, env: NodeJS.ProcessEnv): { text: string; folder: string } {
  if (given !== undefined && !existsSync(given)) return { text: given, folder: process.cwd() };
  const paths =
    given === undefined ? (env["KUBECONFIG"] ?? join(homedir(), ".kube", "config")).split(delimiter) : [given];
  const path = paths.find((candidate) => existsSync(candidate));
  if (path === undefined)
    throw new Error(
      `kubeconfig: neither the provider's setting nor ${paths.join(" nor ")} is there; set the provider's kubeconfig`,
    );
  return { text: readFileSync(path, "utf8"), folder: dirname(resolve(path)) };
}

function parseKubeconfig(text: string): Kubeconfig {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null)
    throw new Error("kubeconfig: it is neither the path of a file nor YAML or JSON with clusters, contexts and users");
  return value;
}

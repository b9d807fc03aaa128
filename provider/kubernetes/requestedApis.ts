/**
 * Versions of the API that an API server was asked for although a later release removes them.
 *
 * Each API server counts for itself, from its start on: `apiserver_requested_deprecated_apis` in k8s.io/apiserver's
 * pkg/endpoints/metrics/metrics.go. Whose requests they were it does not say; the audit log does, which has a note on each of them.
 */
import { auditDirectory } from "../../components/contract/paths.js";
import type { TunnelledApi } from "./tunnel.js";

/** A resource in one version. */
export interface RequestedApi {
  /** Such as `networking.k8s.io/v1beta1 servicecidrs`. */
  readonly api: string;
  /** Such as `1.37`. */
  readonly removedIn: string;
}

export interface Counted {
  readonly requested: readonly RequestedApi[];
  /** Of the API server, in seconds since 1970. */
  readonly start: number;
}

/** @param minor Of the release that is to be served: what it and those before it remove counts. */
export async function countedRequests(api: TunnelledApi, minor: number): Promise<Counted> {
  const requested: RequestedApi[] = [];
  let start = 0;
  const status = await api.get("/metrics", (line) => {
    if (line.startsWith("process_start_time_seconds ")) start = Number(line.split(" ")[1]);
    const found = /^apiserver_requested_deprecated_apis\{(.*)\} (\S+)$/.exec(line);
    if (!found || Number(found[2]) === 0) return;
    const label = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(found[1]!)?.[1] ?? "";
    const removedIn = label("removed_release");
    // Without a release: deprecated, and kept.
    const [, number] = /^1\.(\d+)$/.exec(removedIn) ?? [];
    if (number !== undefined && Number(number) <= minor) {
      const [group, version] = [label("group"), label("version")];
      // The core group has no name.
      requested.push({ api: `${group === "" ? version : `${group}/${version}`} ${label("resource")}`, removedIn });
    }
  });
  if (status !== 200) throw new Error(`the API server answered /metrics with ${status}`);
  return { requested, start };
}

/**
 * For a controller: who has asked for what is removed, by its audit log, which outlives the API server. `<group>/<version> <resource>`, user
 * and program, each once. The policy logs no reads of the control plane itself, nor of nodes.
 */
export const clientsScript = `set -o pipefail
cd ${auditDirectory} && ls -t -- *.log | xargs -r timeout 20 nice grep -h '"k8s.io/removed-release"' |
  sed -nE 's/.*"user":\\{"username":"([^"]*)".*"userAgent":"([^"]*)","objectRef":\\{"resource":"([^"]*)".*"apiGroup":"([^"]*)","apiVersion":"([^"]*)".*/\\4\\/\\5 \\3\\t\\1\\t\\2/p' |
  sort -u | head -n 200
true
`;

/** @param output Of the script. @returns `<user> with <program>` by the API that is asked for. */
export function clientsIn(output: string): ReadonlyMap<string, readonly string[]> {
  const clients = new Map<string, string[]>();
  for (const line of output.split("\n")) {
    const [api = "", user, agent] = line.split("\t");
    if (agent === undefined) continue;
    clients.set(api, [...(clients.get(api) ?? []), `${user} with ${agent}`]);
  }
  return clients;
}

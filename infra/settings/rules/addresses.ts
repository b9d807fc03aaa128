/** Addresses of proxies and mirrors: machines must reach them before there is a cluster, and never through it. */
import { contains } from "../../../components/spec/cidr.js";
import type { Settings } from "../options.js";
import { joinPath, type Problem } from "../problem.js";
import { type Rule, unset } from "./rule.js";

const networks = ["node_cidr", "pod_cidr", "service_cidr"] as const;

const meaning = { node_cidr: "machines", pod_cidr: "pods", service_cidr: "Services" } as const;

const ipv4 = /^[0-9]{1,3}(\.[0-9]{1,3}){3}$/;

/** What is wrong with the host of an address that machines ask; undefined: nothing. */
function hostProblem(host: string, settings: Settings): string | undefined {
  if (host.startsWith("[")) return "an address with a host name or an IPv4 address: machines have no IPv6";
  if (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    (ipv4.test(host) && ["127.0.0.0/8", "0.0.0.0/8"].some((range) => contains(range, host)))
  ) {
    return "a server that all machines reach: this one is each machine itself";
  }
  if (ipv4.test(host)) {
    if (contains("169.254.0.0/16", host))
      return "a server that all machines reach: 169.254.0.0/16 is each machine's own link";
    const inside = networks.find((name) => contains(settings[name], host));
    return (
      inside &&
      `an address outside corekube:${inside} (${settings[inside]}), where only the cluster's own ${meaning[inside]} are`
    );
  }
  const domain = settings.cluster_domain;
  if (host === domain || host.endsWith(`.${domain}`) || host.endsWith(".svc")) {
    return `a host name outside the cluster's own domain (${domain}): machines ask for it before there is a cluster, and never through one`;
  }
  return undefined;
}

function addressProblems(path: string, url: string | undefined, settings: Settings): Problem[] {
  if (url === undefined || url === "") return [];
  const allowed = hostProblem(new URL(url).hostname, settings);
  return allowed === undefined ? [] : [{ path, got: url, allowed }];
}

const needs = [...networks, "cluster_domain"] as const;

const proxyRules: readonly Rule[] = (["http_proxy", "https_proxy"] as const).map((name) => ({
  needs: [name, ...needs],
  check: (settings) => addressProblems(name, settings[name], settings),
}));

const mirrorRule: Rule = {
  needs: ["mirrors", ...needs],
  check: (settings) => [
    ...addressProblems("mirrors.releases", settings.mirrors.releases, settings),
    ...Object.entries(settings.mirrors.registries).flatMap(([host, mirror]) =>
      addressProblems(joinPath("mirrors", "registries", host), mirror, settings),
    ),
  ],
};

/** Without it every address would pass the proxies by. */
const everythingRule: Rule = {
  needs: ["no_proxy", "http_proxy", "https_proxy"],
  check: ({ no_proxy, http_proxy, https_proxy }) =>
    http_proxy + https_proxy !== "" && no_proxy.split(",").some((entry) => ["*", "0.0.0.0/0"].includes(entry.trim()))
      ? [
          {
            path: "no_proxy",
            got: no_proxy,
            allowed:
              "a list without what means every address: nothing would use the proxies; for that, remove corekube:http_proxy and corekube:https_proxy",
            mend: unset("no_proxy"),
          },
        ]
      : [],
};

export const addressRules: readonly Rule[] = [...proxyRules, mirrorRule, everythingRule];

/** Addresses of proxies and mirrors: machines must reach them before the cluster exists. */
import { contains } from "../../../components/spec/cidr.js";
import type { Settings } from "../../../components/spec/settings/index.js";
import { joinPath, type Problem, type Rule, unset } from "../../../components/spec/settings/rule.js";

const networks = ["node_cidr", "pod_cidr", "service_cidr"] as const;

const meaning = { node_cidr: "machines", pod_cidr: "pods", service_cidr: "Services" } as const;

const ipv4 = /^[0-9]{1,3}(\.[0-9]{1,3}){3}$/;

/** What would be accepted in place of the host of an address that machines use; undefined: it is valid. */
function hostProblem(host: string, settings: Settings): string | undefined {
  if (host.startsWith("[")) return "an address with a host name or an IPv4 address: machines have no IPv6";
  if (
    host === "localhost" ||
    host.endsWith(".localhost") ||
    (ipv4.test(host) && ["127.0.0.0/8", "0.0.0.0/8"].some((range) => contains(range, host)))
  ) {
    return "a server that all machines can reach: this is the machine itself";
  }
  if (ipv4.test(host)) {
    if (contains("169.254.0.0/16", host)) return "a server that all machines can reach: 169.254.0.0/16 is link-local";
    const inside = networks.find((name) => contains(settings[name], host));
    return (
      inside &&
      `an address outside corekube:${inside} (${settings[inside]}), which is for the cluster's own ${meaning[inside]}`
    );
  }
  const domain = settings.cluster_domain;
  if (host === domain || host.endsWith(`.${domain}`) || host.endsWith(".svc")) {
    return `a host name outside the cluster's own domain (${domain}): machines need it before the cluster exists`;
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

/** Such an entry would disable the proxies. */
const everythingRule: Rule = {
  needs: ["no_proxy", "http_proxy", "https_proxy"],
  check: ({ no_proxy, http_proxy, https_proxy }) =>
    http_proxy + https_proxy !== "" && no_proxy.split(",").some((entry) => ["*", "0.0.0.0/0"].includes(entry.trim()))
      ? [
          {
            path: "no_proxy",
            got: no_proxy,
            allowed:
              "a list without an entry for all addresses, which would disable the proxies; to use none, remove corekube:http_proxy and corekube:https_proxy",
            fix: unset("no_proxy"),
          },
        ]
      : [],
};

export const addressRules: readonly Rule[] = [...proxyRules, mirrorRule, everythingRule];

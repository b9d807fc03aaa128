/** Add-ons: resources, and servers of names. */
import { addressCount, nthAddress } from "../../../components/spec/cidr.js";
import type { Settings } from "../../../components/spec/settings/index.js";
import { joinPath, type Problem, type Rule, set } from "../../../components/spec/settings/rule.js";

type Blocks = Settings["addons"];

/** An add-on's settings, as far as all of them have these. */
interface Block {
  readonly mem?: number;
  readonly mem_limit?: number;
}

const memoryRule: Rule = {
  needs: ["addons"],
  check: ({ addons }) =>
    Object.entries(addons as Readonly<Record<string, Block>>).flatMap(
      ([name, { mem = 0, mem_limit = mem }]): Problem[] => {
        const path = joinPath("addons", name, "mem_limit");
        const allowed = `at least addons.${name}.mem (${mem}), which the pod is promised`;
        return mem_limit < mem ? [{ path, got: mem_limit, allowed, fix: set(path, mem) }] : [];
      },
    ),
};

/** Where the settings of CoreDNS name a server, and which. */
function nameServers({ coredns }: Blocks): readonly (readonly [path: string, address: string])[] {
  const listed = (path: string, addresses: readonly string[]) =>
    addresses.map((address, index) => [`${path}[${index}]`, address] as const);
  return [
    ...listed("addons.coredns.upstreams", coredns.upstreams),
    ...Object.entries(coredns.stub_domains).flatMap(([domain, addresses]) => listed(stubPath(domain), addresses)),
  ];
}

const stubPath = (domain: string): string => joinPath("addons", "coredns", "stub_domains", domain);

const loopRule: Rule = {
  needs: ["addons", "service_cidr"],
  check: ({ addons, service_cidr }) => {
    // A range that is too small is refused by a rule of its own.
    if (addressCount(service_cidr) <= 10) return [];
    const own = [10, 11].filter((n) => n < addressCount(service_cidr)).map((n) => nthAddress(service_cidr, n));
    return nameServers(addons).flatMap(([path, got]): Problem[] =>
      own.includes(got)
        ? [{ path, got, allowed: "a server outside the cluster: this is the cluster's own, which would ask itself" }]
        : [],
    );
  },
};

const ownDomainRule: Rule = {
  needs: ["addons", "cluster_domain"],
  check: ({ addons, cluster_domain }) =>
    Object.entries(addons.coredns.stub_domains).flatMap(([domain, got]): Problem[] => {
      if (domain !== cluster_domain && !domain.endsWith(`.${cluster_domain}`)) return [];
      const path = stubPath(domain);
      const allowed = `a domain outside corekube:cluster_domain (${cluster_domain}), which the cluster itself answers for`;
      return [{ path, got, allowed, fix: `Remove it: pulumi config rm --path '${path}'` }];
    }),
};

/** Without public workers or a cloud provider nothing would bring clients to it. */
const ingressRule: Rule = {
  needs: ["addons", "public_node_count", "cloud_provider", "cloud"],
  check: ({ addons: { ingress }, public_node_count, cloud_provider, cloud }): Problem[] => {
    if (!ingress.enabled) return [];
    const path = "addons.ingress.expose";
    if (ingress.expose === "load_balancer") {
      const allowed = `nodes: corekube:cloud_provider (none) makes no load balancers, ${cloud} would`;
      return cloud_provider === "none" ? [{ path, got: ingress.expose, allowed, fix: set(path, "nodes") }] : [];
    }
    const allowed = `at least 1: ${path} is nodes, and clients reach it on public workers only`;
    return public_node_count === 0
      ? [{ path: "public_node_count", got: public_node_count, allowed, fix: set("public_node_count", 1) }]
      : [];
  },
};

const bucketRule: Rule = {
  needs: ["addons"],
  check: ({ addons: { velero } }) =>
    velero.enabled && velero.bucket === ""
      ? [
          {
            path: "addons.velero.bucket",
            got: velero.bucket,
            allowed: "the name of a bucket that exists (addons.velero.enabled is true)",
          },
        ]
      : [],
};

/** Ranges that are reached inside a network only. */
const privateAddress = /^(10|127|192\.168|172\.(1[6-9]|2\d|3[01])|198\.1[89])\./;

const endpointRule: Rule = {
  needs: ["addons"],
  check: ({ addons: { velero } }) => {
    const { endpoint: got } = velero;
    if (!got?.startsWith("http:") || privateAddress.test(new URL(got).hostname)) return [];
    const allowed =
      "an https address: Secrets are in the backups. http is for IPv4 addresses of private networks only, such as http://10.0.0.5:9000";
    return [
      {
        path: "addons.velero.endpoint",
        got,
        allowed,
        fix: set("addons.velero.endpoint", got.replace("http:", "https:")),
      },
    ];
  },
};

const policiesRule: Rule = {
  needs: ["addons", "network_provider"],
  check: ({ addons, network_provider }) => {
    const path = "addons.network_policies.enabled";
    const allowed = `false while corekube:network_provider is ${network_provider}: whether policies are enforced is up to the network that you bring`;
    return addons.network_policies.enabled && network_provider !== "flannel"
      ? [{ path, got: true, allowed, fix: set(path, "false") }]
      : [];
  },
};

export const addonRules: readonly Rule[] = [
  memoryRule,
  loopRule,
  ownDomainRule,
  ingressRule,
  bucketRule,
  endpointRule,
  policiesRule,
];

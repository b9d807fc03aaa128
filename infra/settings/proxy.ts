/** Proxies for downloads. Pure. */
import type { CloudProfile } from "../../components/cloud/profile.js";
import type { ProxySpec } from "../../components/spec/cluster.js";
import type { Settings } from "../../components/spec/settings/index.js";

/** Address of every cloud's metadata service: link-local, RFC 3927. */
const metadataAddress = "169.254.169.254";

/** The proxies, with everything in NO_PROXY that belongs to the cluster itself: without one of these entries, probes fail. */
export function proxyOf(
  settings: Settings,
  { balancerDomain }: Pick<CloudProfile, "balancerDomain">,
): ProxySpec | undefined {
  const { http_proxy: http, https_proxy: https } = settings;
  if (http === "" && https === "") return undefined;
  const own = [
    "localhost",
    "127.0.0.0/8",
    metadataAddress,
    settings.node_cidr,
    settings.pod_cidr,
    settings.service_cidr,
    ".svc",
    `.${settings.cluster_domain}`,
    // Networks do not help where the API has a name: programs compare names with names, before they look one up.
    ...(balancerDomain ? [balancerDomain(settings.region)] : []),
  ];
  const theirs = settings.no_proxy
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  return { http: http || undefined, https: https || undefined, noProxy: [...new Set([...own, ...theirs])] };
}

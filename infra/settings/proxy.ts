/** The way of downloads through proxies. Pure. */
import type { ProxySpec } from "../../components/spec/cluster.js";
import type { Settings } from "./options.js";

/** Address at which every cloud's machines ask for their metadata: link-local, RFC 3927. */
const metadataAddress = "169.254.169.254";

/**
 * Proxies with all that must never pass them: what belongs to the cluster itself. Forgetting one of these is the classic way
 * to a cluster whose probes fail.
 */
export function proxyOf(settings: Settings): ProxySpec | undefined {
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
  ];
  const theirs = settings.no_proxy
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  return { ...(http ? { http } : {}), ...(https ? { https } : {}), noProxy: [...new Set([...own, ...theirs])] };
}

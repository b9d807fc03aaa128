/** Proxies for a machine's downloads. */
import type { ClusterSpec } from "../../spec/cluster.js";
import { proxyFile } from "../../contract/paths.js";
import { file, type NodeConfig } from "./types.js";

/** Both spellings: curl reads `http_proxy` in lower case only, other programs in upper case only. */
export function proxy(spec: Pick<ClusterSpec, "proxy">): Partial<NodeConfig> {
  if (!spec.proxy) return {};
  const { http, https, noProxy } = spec.proxy;
  const variables = { http_proxy: http, https_proxy: https, no_proxy: noProxy.join(",") };
  const lines = Object.entries(variables).flatMap(([name, value]) =>
    value ? [`${name}=${value}`, `${name.toUpperCase()}=${value}`] : [],
  );
  return { files: [file(proxyFile, `${lines.join("\n")}\n`)] };
}

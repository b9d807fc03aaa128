/** In a region with a proxy: downloads pass it, and nothing else does. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { Machine } from "../engine/outputs.js";
import { settingsFile, stackRelease } from "../engine/settings.js";
import { proxyLog, proxyMode } from "../region/proxy.js";
import { releases } from "../mirror/releases.js";
import { versionsOf } from "../toolchain/versions.js";
import { expect, type Check, type CheckContext } from "../cluster/context.js";
import { parseProxyLog, proxyFaults } from "./proxy.js";

/** What each role downloads, by the last part of the file's address. */
const downloads: Readonly<Record<Machine["role"], readonly RegExp[]>> = {
  etcd: [/\/etcd-v[^/]*$/],
  controller: [/\/kubelet$/, /\/kubectl$/, /\/cni-plugins-[^/]*$/],
  worker: [/\/kubelet$/, /\/cni-plugins-[^/]*$/],
  public: [/\/kubelet$/, /\/cni-plugins-[^/]*$/],
};

/** Defaults of the configuration reference. */
const usual = { pod_cidr: "10.2.0.0/16", service_cidr: "10.3.0.0/16", node_cidr: "10.4.0.0/20" } as const;

function releasesOf(context: CheckContext, role: Machine["role"]): string[] {
  return releases(versionsOf(stackRelease(context.config, context.stack)))
    .map(({ url }) => new URL(url))
    .filter(({ pathname }) => downloads[role].some((pattern) => pattern.test(pathname)))
    .map(({ host, pathname }) => `${context.config.mirrorUrl}/${host}${pathname}`);
}

export const proxiedChecks: readonly Check[] = [
  {
    name: "every release file and image passes the proxy, and nothing of the cluster's own does",
    level: "boot",
    applies: ({ config }) => proxyMode(config) !== "off",
    run: (context) => {
      const { config } = parse(readFileSync(settingsFile(context.config, context.stack), "utf8")) as {
        config: Record<string, string>;
      };
      const requests = parseProxyLog(readFileSync(proxyLog(context.config), "utf8"));
      const faults = proxyFaults(requests, {
        machines: context.machines().map(({ name, role, public_ipv4, private_ipv4 }) => ({
          name,
          addresses: [public_ipv4, private_ipv4],
          releases: releasesOf(context, role),
          registries: role === "etcd" ? [] : [new URL(context.config.registryUrl).host],
        })),
        networks: Object.entries(usual).map(([name, network]) => config[`corekube:${name}`] ?? network),
        clusterDomain: config["corekube:cluster_domain"] ?? "cluster.local",
      });
      const hosts = new Map<string, number>();
      for (const { host, port } of requests) hosts.set(`${host}:${port}`, (hosts.get(`${host}:${port}`) ?? 0) + 1);
      context.progress.report(
        `requests to the proxy: ${[...hosts].map(([host, times]) => `${host} ${times} times`).join(", ")}`,
      );
      expect(faults.length === 0, faults.join("; "));
      return Promise.resolve();
    },
  },
];

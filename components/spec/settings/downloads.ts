/** Settings: proxies and mirrors for what machines download, and their time servers. */
import { isIPv4 } from "node:net";
import { z } from "zod";
import { option, passed } from "./option.js";
import { httpUrl, isDnsName, matching, noProxy, proxyUrl, text } from "./valueTypes.js";

export const downloadOptions = {
  http_proxy: option(
    proxyUrl(),
    "",
    "Proxy for downloads from http addresses: release files, images, and requests of the kubelet. Empty: none.",
    "in place on all machines",
  ),
  https_proxy: option(
    proxyUrl(),
    "",
    "Proxy for downloads from https addresses. Empty: none.",
    "in place on all machines",
  ),
  no_proxy: option(
    noProxy(),
    "",
    "Hosts and networks that are reached without the proxies. Pod, Service and machine networks, the metadata service, the cluster's domain and on AWS the names of load balancers are always among them.",
    "in place on all machines",
  ),
  ntp_servers: passed(
    z
      .array(
        text(
          "a lower-case DNS name such as ntp.example.com, or an IPv4 address",
          (value) => isIPv4(value) || isDnsName(value),
        ),
      )
      .max(8)
      .refine((servers) => new Set(servers).size === servers.length)
      .meta({ allowed: "at most 8 DNS names and IPv4 addresses, each once" }),
    [],
    "Time servers of all machines, for networks that do not let them reach Flatcar's own (0 to 3.flatcar.pool.ntp.org, UDP port 123).",
    "in place on all machines",
  ),
  mirrors: option(
    z.strictObject({
      releases: httpUrl("https://mirror.example")
        .optional()
        .describe(
          "Base address of release files, laid out as <base>/<host of the original>/<path of the original>. Not set: the originals.",
        )
        .meta({ effect: "in place on all machines" }),
      registries: z
        .record(
          text(
            "the host of a registry, such as registry.k8s.io",
            (host) =>
              /^(?=.{1,80}$)[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?$/.test(host) &&
              Number(host.split(":")[1] ?? 1) <= 65_535,
          ),
          httpUrl("https://mirror.example:5000/registry.k8s.io"),
        )
        .refine((registries) => Object.keys(registries).length <= 20)
        .meta({
          allowed: "at most 20 registry hosts, each with the address of its mirror",
          description:
            "Registry host to the address of its mirror. Images of these registries are pulled from the mirror only.",
        })
        .default({})
        .meta({ effect: "in place on controllers, workers, public workers" }),
      checksums: matching("the path of a JSON file, relative to the project's folder", /^[^\0]{1,500}$/)
        .optional()
        .describe(
          'Path of a JSON file with checksums for a mirror that serves its own builds: {"releases": {"<address of the original>": "<SHA-256>"}, "images": {"<name:tag>": "sha256:..."}}. Files that are not in it keep the official checksum.',
        )
        .meta({ effect: "in place on all machines" }),
    }),
    {},
    "Mirrors of release files and images, for networks without access to the originals.",
  ),
};

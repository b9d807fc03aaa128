/** Settings: what comes with a cluster, one block for each add-on that can be chosen. */
import { isIPv4 } from "node:net";
import { z } from "zod";
import { isCron } from "../cron.js";
import { passed } from "./option.js";
import { cpus, domain, httpUrl, matching, oneOf, text, whole, yesOrNo } from "./valueTypes.js";

const effect = "API objects";

/** Resources of an add-on's pod, in CPUs and MB. */
const resources = (byDefault: { readonly cpus: number; readonly mem: number; readonly limit: number }) => ({
  cpus: cpus(0.01, 16).default(byDefault.cpus).describe("CPUs that each pod requests.").meta({ effect }),
  mem: whole(16, 65_536, "MB").default(byDefault.mem).describe("MB of memory that each pod requests.").meta({ effect }),
  mem_limit: whole(16, 65_536, "MB")
    .default(byDefault.limit)
    .describe("MB of memory at which a pod is restarted. At least mem.")
    .meta({ effect }),
});

const enabled = (byDefault: boolean, meaning: string) =>
  yesOrNo().default(byDefault).describe(meaning).meta({ effect });

/** Servers of names. */
const nameServers = () =>
  z
    .array(text("an IPv4 address", (value) => isIPv4(value)))
    .max(8)
    .refine((servers) => new Set(servers).size === servers.length)
    .meta({ allowed: "at most 8 IPv4 addresses, each once" });

const coredns = z.strictObject({
  enabled: enabled(
    true,
    "CoreDNS, the cluster's DNS. false: you bring another one, at the tenth address of service_cidr.",
  ),
  replicas: whole(1, 100, "pods")
    .optional()
    .describe("Number of pods. Not set: one for each 16 workers, and at least two.")
    .meta({ effect }),
  upstreams: nameServers()
    .default([])
    .describe(
      "Servers for names outside the cluster, asked in this order. Empty: those of the machine that the pod runs on.",
    )
    .meta({ effect }),
  stub_domains: z
    .record(domain(), nameServers().min(1))
    .refine((domains) => Object.keys(domains).length <= 20)
    .meta({
      allowed: "at most 20 domains, each with a list of IPv4 addresses",
      description: "Domain to the servers that are asked for names in it.",
    })
    .default({})
    .meta({ effect }),
  node_local_cache: yesOrNo()
    .default(false)
    .describe("A cache of names on each node, which its pods ask first.")
    .meta({ effect }),
  ...resources({ cpus: 0.1, mem: 70, limit: 170 }),
});

const metricsServer = z.strictObject({
  enabled: enabled(
    true,
    "metrics-server: what nodes and pods use now, for kubectl top and the horizontal pod autoscaler. false: you bring another server of metrics.k8s.io, or none.",
  ),
  ...resources({ cpus: 0.1, mem: 100, limit: 300 }),
});

const dashboard = z.strictObject({
  enabled: enabled(false, "The dashboard Headlamp, in the namespace dashboard. corekube dashboard opens it."),
  ...resources({ cpus: 0.05, mem: 64, limit: 256 }),
});

const ingress = z.strictObject({
  enabled: enabled(false, "Traefik, a controller for Ingresses: HTTP and HTTPS from outside, by host names and paths."),
  expose: oneOf("nodes", "load_balancer")
    .default("nodes")
    .describe(
      "Where clients reach it. nodes: ports 80 and 443 of each public worker. load_balancer: a load balancer of the cloud, which needs cloud_provider.",
    )
    .meta({ effect }),
  redirect: yesOrNo()
    .default(true)
    .describe(
      "HTTP is answered with a redirection to HTTPS, but for challenges of certificate authorities. false: Ingresses are served by both.",
    )
    .meta({ effect }),
  default_certificate: matching(
    "empty, or the name of a Secret: lower-case letters, digits, dashes and dots",
    /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?)?$/,
  )
    .default("")
    .describe(
      "Secret of the type kubernetes.io/tls in the namespace ingress, for hosts whose Ingress names none. Empty: a certificate that nobody trusts.",
    )
    .meta({ effect }),
  ...resources({ cpus: 0.1, mem: 96, limit: 384 }),
});

/** Where machines keep what the operating system does not replace, and not what corekube or the container runtime keeps there. */
const volumesPath = /^\/(?:opt|srv|mnt|var\/(?:lib|local|opt|srv|mnt))(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}){1,8}$/;
const takenPaths =
  /^\/(?:opt\/(?:bin|cni|corekube)|var\/lib\/(?:containerd|corekube|etcd|etcd-wal|kubelet|cni|systemd|calico))(?:\/|$)/;

const localPath = z.strictObject({
  enabled: enabled(
    true,
    "Volumes on the machines' own disks, with the storage classes ssd and cold-hdd, where cloud_provider is none. A volume goes with its machine.",
  ),
  path: text(
    "a folder under /opt, /srv, /mnt or /var/lib, not one of corekube's, Kubernetes' or the container runtime's, such as /var/lib/local-path",
    (value) => volumesPath.test(value) && !takenPaths.test(value),
  )
    .default("/var/lib/local-path")
    .describe("Folder of the volumes on each machine. Volumes that exist stay where they are.")
    .meta({ effect }),
  ...resources({ cpus: 0.01, mem: 24, limit: 128 }),
});

const networkPolicies = z.strictObject({
  enabled: enabled(false, "NetworkPolicies are enforced, on clusters with network_provider flannel."),
  fail_open: yesOrNo()
    .default(false)
    .describe(
      "What becomes of new connections of pods with a policy while the node's program does not run. false: they wait for it; true: they are allowed.",
    )
    .meta({ effect }),
  ...resources({ cpus: 0.05, mem: 64, limit: 256 }),
});

const velero = z.strictObject({
  enabled: enabled(
    false,
    "Velero: backups of the cluster's objects in a bucket. Its keys are velero:access_key_id and velero:secret_access_key.",
  ),
  bucket: matching(
    "empty, or a bucket's name: 3 to 63 lower-case letters, digits, dots and dashes",
    /^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$/,
  )
    .default("")
    .describe("Bucket for the backups. It must exist, and nobody else should read it: Secrets are in them.")
    .meta({ effect }),
  prefix: matching(
    "empty, or a path of at most 100 letters, digits, dots, dashes, underscores and slashes, without one at its ends",
    /^([A-Za-z0-9]([A-Za-z0-9._/-]{0,98}[A-Za-z0-9])?)?$/,
  )
    .default("")
    .describe("Path inside the bucket. Clusters that share a bucket need different ones.")
    .meta({ effect }),
  region: matching("empty, or a name such as eu-central-1", /^([a-z0-9][a-z0-9-]{0,62})?$/)
    .default("")
    .describe("Region of the bucket. Empty: AWS is asked; with an endpoint us-east-1, which most others take.")
    .meta({ effect }),
  endpoint: httpUrl("https://fra1.digitaloceanspaces.com")
    .optional()
    .describe("Address of another service that speaks S3. Not set: AWS.")
    .meta({ effect }),
  path_style: yesOrNo()
    .default(false)
    .describe("The bucket's name stands in the path and not in the host's name, as some other services want it.")
    .meta({ effect }),
  schedule: text(
    "empty, or times as cron has them, such as 0 3 * * *, or @daily",
    (value) => value === "" || isCron(value),
  )
    .default("0 3 * * *")
    .describe("When the whole cluster is backed up, in UTC. Empty: never by itself.")
    .meta({ effect }),
  keep_days: whole(1, 3650, "days")
    .default(30)
    .describe("Days after which a backup is deleted, unless it says otherwise.")
    .meta({ effect }),
  ...resources({ cpus: 0.1, mem: 128, limit: 512 }),
});

const volumeSnapshots = z.strictObject({
  enabled: enabled(
    true,
    "Snapshots of volumes where the cluster has the cloud's CSI driver (csi_driver), with the class snapshots. On AWS also the controllers' right to make them, even if you bring the driver.",
  ).meta({ effect: "the cloud's resources; API objects" }),
  ...resources({ cpus: 0.01, mem: 32, limit: 256 }),
});

export const addonOptions = {
  addons: passed(
    z.strictObject({
      coredns: coredns.prefault({}),
      metrics_server: metricsServer.prefault({}),
      dashboard: dashboard.prefault({}),
      ingress: ingress.prefault({}),
      local_path: localPath.prefault({}),
      network_policies: networkPolicies.prefault({}),
      velero: velero.prefault({}),
      volume_snapshots: volumeSnapshots.prefault({}),
    }),
    {},
    "Add-ons: what runs in the cluster and comes with it.",
  ),
};

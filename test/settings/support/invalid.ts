/** Configurations that are refused: cluster, machines, resources. Networks and the rest are in `invalidNetworks.ts`. */
import { invalidAws } from "./invalidAws.js";
import { invalidNetworks } from "./invalidNetworks.js";
import { invalidVelero } from "./velero.js";
import type { Refusal, Settings } from "./cases.js";

const refused = (settings: Settings, paths: string | readonly string[], remedy: string, byEngine?: true): Refusal => ({
  settings,
  paths: typeof paths === "string" ? [paths] : paths,
  remedy,
  ...(byEngine ? { byEngine } : {}),
});

const key = (body: string): string => `ssh-ed25519 AAAA${body.padEnd(68, "b")} ada@example`;

const cluster: readonly Refusal[] = [
  refused(
    { cluster_name: "Prod" },
    "cluster_name",
    "lower-case letters, digits and dashes, beginning with a letter, not ending with a dash. Set it: pulumi config set cluster_name <value>",
  ),
  refused({ cluster_name: "" }, "cluster_name", "pulumi config set cluster_name <value>"),
  refused({ cluster_name: "1st" }, "cluster_name", "beginning with a letter"),
  refused({ cluster_name: "prod-" }, "cluster_name", "not ending with a dash"),
  refused({ cluster_name: "a".repeat(41) }, "cluster_name", "1 to 40"),
  refused({ cluster_name: "a_b" }, "cluster_name", "pulumi config set cluster_name <value>"),
  refused({ cluster_name: "a.b" }, "cluster_name", "pulumi config set cluster_name <value>"),
  refused({ cloud: "gcp" }, "cloud", "allowed: digitalocean, aws. Set it: pulumi config set cloud <value>"),
  refused({ cloud: "DigitalOcean" }, "cloud", "allowed: digitalocean"),
  refused({ cloud: "gcp", aws: { machines: "private" } }, "cloud", "allowed: digitalocean, aws"),
  refused({ region: "" }, "region", "pulumi config set region <value>"),
  refused({ region: "fra2" }, "region", "Set it: pulumi config set region fra1"),
  refused({ region: "eu-central-1" }, "region", "Set it: pulumi config set region fra1 (the nearest)"),
  refused({ region: "us-east-1" }, "region", "Set it: pulumi config set region nyc3"),
  refused({ region: "FRA1" }, "region", "such as fra1 or eu-central-1"),
  refused({ region: "frankfurt" }, "region", "a region of digitalocean: nyc1, "),
  refused({ log_level: "TRACE" }, "log_level", "allowed: ERROR, WARN, INFO, DEBUG"),
  refused({ log_level: "info" }, "log_level", "pulumi config set log_level <value>"),
  refused({ kubernetes_version: "1.9.6" }, "kubernetes_version", "Set it: pulumi config set kubernetes_version 1.36.3"),
  refused({ kubernetes_version: "v1.36.3" }, "kubernetes_version", "allowed: a release of this checkout: 1.35.4, "),
  refused({ kubernetes_version: "1.36" }, "kubernetes_version", "pulumi config set kubernetes_version <value>"),
  refused({ emulated_version: "1.35.4" }, "emulated_version", "such as 1.35"),
  refused({ emulated_version: "1.35" }, "emulated_version", "Remove it: pulumi config rm emulated_version"),
  refused({ accept_removed_apis: "yes" }, "accept_removed_apis", "such as 1.37. Set it: pulumi config set"),
  refused({ high_availability: "yes" }, "high_availability", "true or false", true),
  refused({ node_cout: 3 }, "node_cout", "did you mean corekube:node_count. Remove it: pulumi config rm node_cout"),
  refused({ "service-cidr": "10.9.0.0/16" }, "service-cidr", "did you mean corekube:service_cidr"),
  refused({ toString: "x" }, "toString", "Remove it: pulumi config rm toString"),
  refused({ wholly_different_thing: "3" }, "wholly_different_thing", "there are cluster_name, cloud, "),
];

const machines: readonly Refusal[] = [
  refused({ node_count: 0 }, "node_count", "from 1 to 5000. Set it: pulumi config set node_count <value>"),
  refused({ node_count: -3 }, "node_count", "from 1 to 5000"),
  refused({ node_count: 5001 }, ["node_count"], "from 1 to 5000"),
  refused({ node_count: "two" }, "node_count", "a whole number of machines", true),
  refused({ node_count: 2.5 }, "node_count", "a whole number of machines", true),
  refused({ public_node_count: -1 }, "public_node_count", "from 0 to 1000"),
  refused({ public_node_count: 1001 }, "public_node_count", "from 0 to 1000"),
  refused({ max_unavailable: 0 }, "max_unavailable", "from 1 to 1000"),
  refused(
    { max_unavailable: 3, node_count: 2 },
    "max_unavailable",
    "at most corekube:node_count (2): there are no more workers. Set it: pulumi config set max_unavailable 2",
  ),
  refused(
    { node_size: "t3.medium" },
    "node_size",
    "this is a size of another cloud. Set it: pulumi config set node_size s-",
  ),
  refused(
    { node_size: "s-2vcpu-4g" },
    "node_size",
    "did you mean s-2vcpu-4gb. Set it: pulumi config set node_size s-2vcpu-4gb",
  ),
  refused({ node_size: "s 2" }, "node_size", "pulumi config set node_size <value>"),
  refused(
    { node_size: "quite-enormous-machine" },
    "node_size",
    "a machine size of digitalocean, or empty for the cheapest sufficient one (s-1vcpu-2gb). Set it: pulumi config set node_size s-1vcpu-2gb",
  ),
  refused({ public_node_size: "m5.large" }, "public_node_size", "this is a size of another cloud"),
  refused(
    { controller_size: "s-1vcpu-1gb" },
    "controller_size",
    "the sum of corekube:apiserver, corekube:controller_manager, corekube:scheduler, corekube:kube_proxy and what is reserved for the system: 1.95 CPUs, 3648 MB",
  ),
  refused(
    { etcd_size: "s-1vcpu-1gb" },
    "etcd_size",
    "0.75 CPUs, 1536 MB of memory (this one has 1 CPUs, 929 MB of memory and 19456 MB of disk); s-1vcpu-2gb is the cheapest sufficient one. Set it: pulumi config set etcd_size s-1vcpu-2gb",
  ),
  refused(
    { node_size: "s-1vcpu-1gb", reserved_resources: { kube_mem: 2048 } },
    "node_size",
    "s-2vcpu-4gb is the cheapest sufficient one",
  ),
  refused({ node_size: "s-2vcpu-4gb", reserved_resources: { kube_cpus: 2, system_cpus: 1 } }, "node_size", "3 CPUs, "),
  refused(
    { control_plane_placement: "fra1-a,fra1-b" },
    "control_plane_placement",
    "digitalocean has no failure domains (zones) to choose from. Remove it: pulumi config rm control_plane_placement",
  ),
  refused({ node_placement: "fra1-a" }, "node_placement", "pulumi config rm node_placement"),
  refused(
    { public_node_placement: "eu-central-1a" },
    "public_node_placement",
    "pulumi config rm public_node_placement",
  ),
  refused({ node_placement: "" }, "node_placement", "spread, or zones of the region"),
  refused({ node_placement: "a,,b" }, "node_placement", "spread, or zones of the region"),
  refused(
    {
      image:
        "https://stable.release.flatcar-linux.net/amd64-usr/4230.2.4/flatcar_production_digitalocean_image.bin.bz2",
    },
    "image",
    "a release of Flatcar after 4230: containerd does not start on this one with the machines' configuration. Remove it: pulumi config rm image",
  ),
  refused({ image: "flatcar-3510.10.12" }, "image", "a release of Flatcar after 4230"),
  refused({ image: "3510.3.6-flatcar" }, "image", "a release of Flatcar after 4230"),
  refused({ image: "two words" }, "image", "a name or numeric id of an image"),
  refused(
    { image: "ami-0abcdef1234567890" },
    "image",
    "this is an image of another cloud. Remove it: pulumi config rm image",
  ),
  refused(
    { image: "https://user:secret@images.example/flatcar.bin" },
    "image",
    "what looks like a user with a password",
  ),
  refused({ image: "ftp://images.example/flatcar.bin" }, "image", "pulumi config set image <value>"),
];

const resources: readonly Refusal[] = [
  refused(
    { reserved_resources: { kube_cpus: 0 } },
    "reserved_resources.kube_cpus",
    "from 0.1 to 256, with at most two decimals. Set it: pulumi config set --path 'reserved_resources.kube_cpus' <value>",
  ),
  refused({ reserved_resources: { kube_cpus: 1.005 } }, "reserved_resources.kube_cpus", "at most two decimals"),
  refused(
    { reserved_resources: { kube_cpus: 0.1 } },
    "reserved_resources.kube_cpus",
    "at least 0.51, which the cluster's own pods request on each of these machines. Set it: pulumi config set --path 'reserved_resources.kube_cpus' 0.51",
  ),
  refused(
    { reserved_resources: { kube_mem: 300 } },
    "reserved_resources.kube_mem",
    "Set it: pulumi config set --path 'reserved_resources.kube_mem' 840",
  ),
  // A single worker holds both pods of CoreDNS, each of two workers holds one.
  refused({ reserved_resources: { kube_mem: 769 }, node_count: 2 }, "reserved_resources.kube_mem", "at least 770,"),
  refused({ node_size: "s-1vcpu-1gb" }, "node_size", "0.61 CPUs, 1096 MB of memory"),
  refused({ reserved_resources: { kube_mem: "2048" } }, "reserved_resources.kube_mem", "a whole number of MB from 128"),
  refused({ reserved_resources: { kube_mem: 64 } }, "reserved_resources.kube_mem", "from 128"),
  refused({ reserved_resources: { kube_disk: 10 } }, "reserved_resources.kube_disk", "from 1024"),
  refused({ reserved_resources: { system_mem: 100 } }, "reserved_resources.system_mem", "from 256"),
  refused({ reserved_resources: { system_cpus: 0.01 } }, "reserved_resources.system_cpus", "from 0.1 to 64"),
  refused(
    { reserved_resources: { kube_memory: 100 } },
    "reserved_resources.kube_memory",
    "did you mean reserved_resources.kube_mem. Remove it: pulumi config rm --path 'reserved_resources.kube_memory'",
  ),
  refused(
    { reserved_resources: { kube_mem: 1_000_000 } },
    "reserved_resources",
    "the largest size of digitalocean (g-32vcpu-128gb) has",
  ),
  refused({ reserved_resources: { kube_cpus: 200 } }, "reserved_resources", "pulumi config set reserved_resources"),
  refused(
    { public_reserved_resources: { kube_disk: 60_000_000 } },
    "public_reserved_resources",
    "less: the sum of corekube:public_reserved_resources",
  ),
  refused({ public_reserved_resources: { kube_mem: 130 } }, "public_reserved_resources.kube_mem", "at least 576"),
  refused({ reserved_resources: "large" }, "reserved_resources", "pulumi config set", true),
  refused({ kube_proxy: { cpus: 0.01 } }, "kube_proxy.cpus", "from 0.05 to 64"),
  refused(
    { kube_proxy: { mem: 3000 }, reserved_resources: { kube_mem: 2048 } },
    "reserved_resources.kube_mem",
    "at least 3328",
  ),
  refused({ apiserver: { mem: 10 } }, "apiserver.mem", "from 64 to 262144"),
  refused({ apiserver: { memory: 1024 } }, "apiserver.memory", "did you mean apiserver.mem"),
  refused({ apiserver: { mem: 200_000 } }, "apiserver", "less: the sum of corekube:apiserver"),
  refused({ controller_manager: { cpus: "1" } }, "controller_manager.cpus", "a number of CPUs"),
  refused({ scheduler: { limits: 1 } }, "scheduler.limits", "there is no such setting; there are cpus, mem"),
  refused(
    { etcd: { count: 2 } },
    "etcd.count",
    "1, 3 or 5: an even number tolerates no more failures than the odd number below it. Set it: pulumi config set --path 'etcd.count' <value>",
  ),
  refused({ etcd: { count: 4 }, high_availability: true }, "etcd.count", "1, 3 or 5"),
  refused({ etcd: { count: 7 } }, "etcd.count", "1, 3 or 5"),
  refused(
    { etcd: { count: 1 }, high_availability: true },
    "etcd.count",
    "3 or 5 with corekube:high_availability true: the loss of a single member would stop the cluster. Set it: pulumi config set --path 'etcd.count' 3",
  ),
  refused(
    { etcd: { counts: 3 } },
    "etcd.counts",
    "did you mean etcd.count. Remove it: pulumi config rm --path 'etcd.counts'",
  ),
  refused({ etcd: { data_disk: 100 } }, "etcd.data_disk", "from 1024 to 65536"),
  refused({ etcd: { data_disk: 100_000 } }, "etcd.data_disk", "from 1024 to 65536"),
  refused({ etcd: { wal_disk: 1 } }, "etcd.wal_disk", "from 512 to 65536"),
  refused({ etcd: { disk_type: "RAID" } }, "etcd.disk_type", "allowed: MOUNT, ROOT"),
  refused({ etcd: { disk_type: "root" } }, "etcd.disk_type", "pulumi config set --path 'etcd.disk_type' <value>"),
  refused({ etcd: { mem: 100 } }, "etcd.mem", "from 256"),
  refused({ etcd: { cpus: 65 } }, "etcd.cpus", "from 0.1 to 64"),
  refused({ etcd: { mem: 200_000 } }, "etcd", "the largest size of digitalocean"),
  refused(
    { etcd: { disk_type: "ROOT" } },
    "etcd.disk_type",
    "MOUNT with one etcd member: its data would be lost when its machine is replaced. Set it: pulumi config set --path 'etcd.disk_type' MOUNT",
  ),
  refused(
    { etcd: { count: 3, disk_type: "ROOT", data_disk: 65_536 }, etcd_size: "s-1vcpu-2gb" },
    "etcd_size",
    "66048 MB of disk",
  ),
];

const security: readonly Refusal[] = [
  refused({ ssh_public_keys: ["ssh-dss AAAAB3Nz"] }, "ssh_public_keys[0]", "as ssh-keygen writes it"),
  refused({ ssh_public_keys: [`${key("")}\nsecond`] }, "ssh_public_keys[0]", "in one line"),
  refused(
    { ssh_public_keys: Array.from({ length: 40 }, () => key("")) },
    "ssh_public_keys",
    "2400 characters together",
  ),
  refused(
    { ssh_public_keys: ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA"] },
    "ssh_public_keys[0]",
    "Remove it: pulumi config rm --path 'ssh_public_keys[0]', and revoke the secret",
  ),
  refused({ do_token: `dop_v1_${"0a".repeat(32)}` }, "do_token", "pulumi config set --secret digitalocean:token"),
  refused({ tags: { owner: `ghp_${"a1B2".repeat(9)}` } }, "tags.owner", "what looks like an access token"),
  refused({ cluster_name: "abc123.0123456789abcdef" }, "cluster_name", "what looks like a bootstrap token"),
  refused({ pod_security: "strict" }, "pod_security", "allowed: privileged, baseline, restricted"),
  refused({ encryption_key: 0 }, "encryption_key", "from 1 to 1000000"),
  refused({ tags: { "a b": "c" } }, 'tags["a b"]', "on digitalocean: letters"),
  refused({ tags: { team: "a/b" } }, "tags.team", "on digitalocean: letters"),
  refused(
    { tags: { KubernetesCluster: "other" } },
    "tags.KubernetesCluster",
    "Remove it: pulumi config rm --path 'tags.KubernetesCluster'",
  ),
  refused({ tags: { kubernetescluster: "kubernetes" } }, "tags.kubernetescluster", "the cluster's name (kubernetes)"),
  refused(
    { tags: { corekube: "kubernetes:controller" } },
    "tags.corekube",
    "select the machines of a firewall. Remove it: pulumi config rm --path 'tags.corekube'",
  ),
  refused({ tags: { n: 1 } }, "tags.n", "pulumi config set --path 'tags.n' <value>"),
  refused(
    { tags: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`n${index}`, "v"])) },
    "tags",
    "at most 20 names",
  ),
  refused({ deletion_protection: "maybe" }, "deletion_protection", "true or false", true),
  refused({ drain_timeout: -1 }, "drain_timeout", "from 0 to 7200"),
  refused({ drain_timeout: 86_400 }, "drain_timeout", "from 0 to 7200"),
  refused({ boot_timeout: 10 }, "boot_timeout", "from 60 to 7200"),
];

export const invalid: readonly Refusal[] = [
  ...cluster,
  ...machines,
  ...resources,
  ...invalidNetworks(refused),
  ...invalidAws(refused),
  ...invalidVelero,
  ...security,
];

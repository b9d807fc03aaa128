/**
 * Every setting of a stack, each in one place: kind, default, meaning. Order is that of the reference.
 *
 * `Pulumi.yaml` and `docs/configuration.md` are generated from here: `npx tsx infra/settings/generate.ts`.
 * What settings must hold together is in `rules/`.
 */
import { z } from "zod";
import { cloudProfiles } from "../../components/cloud/profiles.js";
import { versions } from "../../components/spec/versions.js";
import {
  anyCidr,
  awsId,
  awsIds,
  cidr,
  component,
  cpus,
  domain,
  httpUrl,
  image,
  matching,
  noProxy,
  oneOf,
  placement,
  proxyUrl,
  reservation,
  sshPublicKey,
  text,
  whole,
  yesOrNo,
} from "./kinds.js";

export interface Option<S extends z.ZodType = z.ZodType> {
  readonly schema: S;
  /** Empty where the stack must say something, or where the cloud decides. */
  readonly default: z.input<S>;
  /** Meaning, with unit; what an empty value stands for. */
  readonly description: string;
}

function option<S extends z.ZodType>(schema: S, byDefault: z.input<S>, description: string): Option<S> {
  return { schema, default: byDefault, description };
}

const cloudNames = cloudProfiles.map(({ name }) => name);

const size = () =>
  matching(
    "empty, or the cloud's name of a machine size, such as s-2vcpu-4gb or t3.medium",
    /^([a-z0-9][a-z0-9.-]{0,60})?$/,
  );

/** Range of ports from the text `from-to`; undefined when it is none. */
export function portRange(value: string): { readonly from: number; readonly to: number } | undefined {
  const found = /^([1-9][0-9]{0,4})-([1-9][0-9]{0,4})$/.exec(value);
  const from = Number(found?.[1]);
  const to = Number(found?.[2]);
  return found && from <= to && to <= 65_535 ? { from, to } : undefined;
}

export const options = {
  cluster_name: option(
    matching(
      "1 to 40 lower-case letters, digits and dashes, beginning with a letter, not ending with a dash",
      /^(?=.{1,40}$)[a-z]([-a-z0-9]*[a-z0-9])?$/,
    ),
    "kubernetes",
    "Name of the cluster, and first part of the names of its machines and cloud resources.",
  ),
  cloud: option(oneOf(cloudNames[0]!, ...cloudNames.slice(1)), "digitalocean", "Cloud in which the cluster is made."),
  region: option(
    matching("the cloud's name of a region, such as fra1 or eu-central-1", /^[a-z]{2,}[a-z0-9-]{0,30}$/),
    "",
    "The cloud's region. Must be set.",
  ),
  log_level: option(oneOf("ERROR", "WARN", "INFO", "DEBUG"), "INFO", "How much the cluster's components tell."),
  kubernetes_version: option(oneOf(versions.kubernetes), versions.kubernetes, "Version of Kubernetes."),
  high_availability: option(
    yesOrNo(),
    false,
    "false: 1 etcd member and 1 controller. true: 3 of each, and load balancers before the API servers.",
  ),
  node_count: option(whole(1, 5000, "machines"), 1, "Number of workers. Adding one touches no other."),
  public_node_count: option(
    whole(0, 1000, "machines"),
    0,
    "Number of public workers: open to everyone on ports 80 and 443, and tainted, so that only pods that tolerate it run there.",
  ),
  node_size: option(size(), "", "Machine size of workers. Empty: the cheapest that holds reserved_resources."),
  public_node_size: option(
    size(),
    "",
    "Machine size of public workers. Empty: the cheapest that holds public_reserved_resources.",
  ),
  controller_size: option(
    size(),
    "",
    "Machine size of controllers. Empty: the cheapest that holds what apiserver, controller_manager, scheduler and kube_proxy ask for.",
  ),
  etcd_size: option(size(), "", "Machine size of etcd members. Empty: the cheapest that holds etcd.cpus and etcd.mem."),
  reserved_resources: option(
    reservation(),
    {},
    "What workers offer to pods, and what is kept from them. With node_size, what is not set is left to the machine.",
  ),
  public_reserved_resources: option(reservation(), {}, "As reserved_resources, for public workers."),
  max_unavailable: option(
    whole(1, 1000, "machines"),
    1,
    "Workers of a pool that may be missing while a change goes through it.",
  ),
  control_plane_placement: option(
    placement(),
    "spread",
    "Failure domains (zones) of etcd members and controllers, in turn. spread: on AWS the first three of the region, elsewhere the cloud decides. A change moves nothing that exists.",
  ),
  node_placement: option(placement(), "spread", "Failure domains (zones) of workers, as control_plane_placement."),
  public_node_placement: option(
    placement(),
    "spread",
    "Failure domains (zones) of public workers, as control_plane_placement.",
  ),
  apiserver: option(
    component(0.5, 1024),
    {},
    "What the pod of an API server asks for; no limit, since it must not be ended under load.",
  ),
  controller_manager: option(
    component(0.5, 512),
    {},
    "What the pod of a controller manager asks for; its memory is also its limit.",
  ),
  scheduler: option(component(0.5, 512), {}, "What the pod of a scheduler asks for; its memory is also its limit."),
  kube_proxy: option(component(0.1, 512), {}, "What each pod of kube-proxy asks for; its memory is also its limit."),
  etcd: option(
    z.strictObject({
      count: z
        .union([z.literal(1), z.literal(3), z.literal(5)])
        .optional()
        .meta({
          allowed: "1, 3 or 5: an even number survives no more losses than the odd one below it",
          description: "Number of members. Not set: 1, or 3 with high_availability.",
        }),
      cpus: cpus(0.1, 64).default(0.5).describe("CPUs that a member gets before everything else on its machine."),
      mem: whole(256, 262_144, "MB").default(1024).describe("MB of memory that a member keeps under pressure."),
      data_disk: whole(1024, 65_536, "MB")
        .default(3072)
        .describe(
          "MB for a member's data; half of it is the database's quota, 8 GB at most. A volume is rounded up to whole GB; may grow, never shrink.",
        ),
      wal_disk: whole(512, 65_536, "MB")
        .default(512)
        .describe(
          "MB of the volume with a member's write-ahead log. Rounded up to whole GB; may grow, never shrink. Not used with disk_type ROOT.",
        ),
      disk_type: oneOf("MOUNT", "ROOT")
        .default("MOUNT")
        .describe(
          "MOUNT: data and write-ahead log each on a volume that outlives the machine. ROOT: on the machine's own disk; a replaced member gets its data from the others; needs 3 or 5 members.",
        ),
    }),
    {},
    "The etcd cluster: members, what each gets, and where its data is.",
  ),
  node_cidr: option(cidr(), "10.4.0.0/20", "Private network of the machines."),
  pod_cidr: option(cidr(), "10.2.0.0/16", "Network of pods; each controller and worker gets a /24 of it."),
  service_cidr: option(
    cidr(),
    "10.3.0.0/16",
    "Network of Services; the first address is the API's, the tenth is that of the cluster's DNS.",
  ),
  node_port_range: option(
    text(
      "two ports from 1 to 65535 with a dash between them, the lower one first, such as 30000-32767",
      (value) => portRange(value) !== undefined,
    ),
    "30000-32767",
    "Ports for Services of type NodePort.",
  ),
  cluster_domain: option(domain(), "cluster.local", "DNS domain of Services and pods."),
  network_provider: option(
    oneOf("flannel", "none"),
    "flannel",
    "Network of pods. flannel: an overlay (VXLAN) between the machines. none: you bring your own, and nodes become ready with it.",
  ),
  cloud_provider: option(
    oneOf("none", "aws", "digitalocean"),
    "none",
    "The cloud's own part in the cluster, of the cloud that the stack is on: the controller that gives nodes their zones and Services of type LoadBalancer their load balancers, the CSI driver and the storage classes ssd and cold-hdd. none: nothing of it.",
  ),
  csi_driver: option(
    yesOrNo(),
    true,
    "With cloud_provider: bring the cloud's CSI driver. false: the storage classes only; you bring the driver.",
  ),
  aws: option(
    z.strictObject({
      vpc_id: awsId("vpc")
        .optional()
        .describe(
          "Network to make the cluster in; node_cidr must be its own range, or a part of it. Not set: one is made.",
        ),
      public_subnet_ids: awsIds("subnet")
        .optional()
        .describe(
          "Subnets of vpc_id with a way to the internet, one for each zone: load balancers, the bastion, and machines with public addresses.",
        ),
      private_subnet_ids: awsIds("subnet")
        .optional()
        .describe(
          "Subnets of vpc_id for machines without public addresses and for the internal load balancer, one for each zone.",
        ),
      machines: oneOf("public", "private")
        .optional()
        .describe(
          "Not set: public. public: machines have public addresses, closed by security groups. private: they have none, and are reached through a bastion; the API through load balancers.",
        ),
      nat: oneOf("zone", "single", "none")
        .optional()
        .describe(
          "The way out of private subnets. Not set: zone. zone: a NAT gateway in each zone. single: one for all, lost with its zone. none: you bring a way out, or mirrors inside.",
        ),
      bastion_size: size().optional().describe("Instance type of the bastion. Not set: t3.micro."),
      volume_type: oneOf("gp3", "gp2", "io2", "io1")
        .optional()
        .describe("EBS type of etcd's volumes and of the storage class ssd. Not set: gp3."),
      endpoints: z
        .strictObject({
          ec2: httpUrl("https://vpce-1a2b.ec2.eu-central-1.vpce.amazonaws.com").optional().describe("Of EC2."),
          elasticloadbalancing: httpUrl("https://vpce-1a2b.elasticloadbalancing.eu-central-1.vpce.amazonaws.com")
            .optional()
            .describe("Of Elastic Load Balancing."),
          sts: httpUrl("https://vpce-1a2b.sts.eu-central-1.vpce.amazonaws.com")
            .optional()
            .describe("Of the Security Token Service."),
        })
        .optional()
        .describe(
          "Addresses that the cluster's own components use for AWS, where the public ones cannot be reached. The program's own are in aws:endpoints.",
        ),
    }),
    {},
    "What only AWS has: the network, and what machines and volumes are like.",
  ),
  pod_security: option(
    oneOf("privileged", "baseline", "restricted"),
    "baseline",
    "Pod Security Standard that namespaces without a label of their own enforce; kube-system is exempt.",
  ),
  encryption_key: option(
    whole(1, 1_000_000, "keys"),
    1,
    "Number of the key with which the API encrypts Secrets at rest. One higher: a new key is used, and all Secrets are written again with it.",
  ),
  http_proxy: option(
    proxyUrl(),
    "",
    "Proxy for downloads from http addresses, for release files, images and the kubelet. Empty: none.",
  ),
  https_proxy: option(proxyUrl(), "", "Proxy for downloads from https addresses. Empty: none."),
  no_proxy: option(
    noProxy(),
    "",
    "What is reached without the proxies. Pod, Service and machine networks, metadata and the cluster's domain always are.",
  ),
  image: option(
    image(),
    "",
    "Operating system of the machines, Flatcar Container Linux. Empty: the release that this version was made for. On AWS, its id or the exact name that Flatcar gave it.",
  ),
  admin_cidrs: option(
    z
      .array(anyCidr())
      .min(1)
      .max(50)
      .refine((networks) => new Set(networks).size === networks.length)
      .meta({ allowed: "1 to 50 networks in CIDR notation, each once; 0.0.0.0/0 opens the cluster to everyone" }),
    [],
    "Networks from which administrators and users reach SSH, the API and node ports. Must be set.",
  ),
  ssh_public_keys: option(
    z
      .array(
        matching("an SSH public key in one line, as ssh-keygen writes it: ssh-ed25519 AAAA... comment", sshPublicKey),
      )
      .refine((keys) => keys.join("").length <= 2400)
      .meta({
        allowed:
          "SSH public keys of at most 2400 characters together (20 ed25519 keys, or 3 RSA keys): they are part of every machine's user-data",
      }),
    [],
    "Further SSH keys that may log in to the machines as core.",
  ),
  tags: option(
    z
      .record(z.string(), z.string())
      .refine((tags) => Object.keys(tags).length <= 20)
      .meta({ allowed: "at most 20 names, each with a text" }),
    {},
    "Tags of every cloud resource, beside KubernetesCluster with the cluster's name.",
  ),
  mirrors: option(
    z.strictObject({
      releases: httpUrl("https://mirror.example")
        .optional()
        .describe(
          "Base address of release files, laid out as <base>/<host of the original>/<path of the original>. Not set: the originals.",
        ),
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
          description: "Registry host to the address of its mirror. Images of these registries come from nowhere else.",
        })
        .default({}),
      checksums: matching("the path of a JSON file, relative to the project's folder", /^[^\0]{1,500}$/)
        .optional()
        .describe(
          'Path of a JSON file with the checksums of a mirror that serves builds of its own: {"releases": {"<address of the original>": "<SHA-256>"}, "images": {"<name:tag>": "sha256:..."}}. What it leaves out keeps the official checksum.',
        ),
    }),
    {},
    "Mirrors of release files and images, for networks that do not reach the originals.",
  ),
  deletion_protection: option(
    yesOrNo(),
    true,
    "Refuse to delete keys of certificate authorities and volumes of etcd. Set it to false and run pulumi up before pulumi destroy.",
  ),
  drain_timeout: option(
    whole(0, 7200, "seconds"),
    300,
    "Seconds that a worker may take to drain before its removal fails.",
  ),
  boot_timeout: option(
    whole(60, 7200, "seconds"),
    600,
    "Seconds that a machine may take from its creation until it serves.",
  ),
} satisfies Record<string, Option>;

export type OptionName = keyof typeof options;

/** Settings that each are right by themselves; nested defaults are filled in. */
export type Settings = { readonly [Name in OptionName]: z.output<(typeof options)[Name]["schema"]> };

export const optionNames = Object.keys(options) as OptionName[];

/** The settings by what they are about, in the order of the reference. */
export const groups: Readonly<Record<string, readonly OptionName[]>> = {
  "The cluster": ["cluster_name", "cloud", "region", "kubernetes_version", "high_availability", "log_level"],
  Machines: [
    "node_count",
    "public_node_count",
    "node_size",
    "public_node_size",
    "controller_size",
    "etcd_size",
    "max_unavailable",
    "control_plane_placement",
    "node_placement",
    "public_node_placement",
    "image",
  ],
  Resources: [
    "reserved_resources",
    "public_reserved_resources",
    "apiserver",
    "controller_manager",
    "scheduler",
    "kube_proxy",
    "etcd",
  ],
  Networks: ["node_cidr", "pod_cidr", "service_cidr", "node_port_range", "cluster_domain", "network_provider"],
  "The cloud": ["cloud_provider", "csi_driver", "aws"],
  "Access and security": [
    "admin_cidrs",
    "ssh_public_keys",
    "pod_security",
    "encryption_key",
    "tags",
    "deletion_protection",
  ],
  Downloads: ["http_proxy", "https_proxy", "no_proxy", "mirrors"],
  "Time limits": ["drain_timeout", "boot_timeout"],
};

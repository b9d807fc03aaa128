/**
 * The validated description of a cluster: plain data, without outputs and without I/O.
 *
 * `infra/config.ts` makes it from the stack's settings; everything else only reads it.
 */
import type { Release, Image } from "./versions.js";

/** What a machine is for. A controller is a control-plane machine; `public` is a worker whose ports 80 and 443 are open to everyone. */
export type Role = "etcd" | "controller" | "worker" | "public";

/** All roles, in the order in which a cluster is made. */
export const roles: readonly Role[] = ["etcd", "controller", "worker", "public"];

export type CloudName = "digitalocean" | "aws";

/** How much components tell. */
export type LogLevel = "ERROR" | "WARN" | "INFO" | "DEBUG";

/** Machines of one role that are made alike; their user-data is the same to the letter. */
export interface PoolSpec {
  readonly role: Role;
  /** Name of the pool and middle part of its machines' names: `<cluster>-<pool>-<index>`. */
  readonly pool: Role;
  readonly count: number;
  /** The cloud's name of the machine size. */
  readonly size: string;
  /** GB of a machine's own disk, where the cloud lets it be chosen apart from the size. */
  readonly disk: number;
  /** Failure domains of the cloud in which machines are placed in turn. Empty: the cloud's choice, spread. */
  readonly zones: readonly string[];
}

/** What pods get of a node, and what is kept from them. */
export interface NodeResources {
  /**
   * What the node offers to pods (its allocatable): CPUs, and MB (2^20 bytes) of memory and disk. Not set: what is left of the
   * machine.
   */
  readonly pods: { readonly cpus?: number; readonly memory?: number; readonly disk?: number };
  /** What the kubelet, the container runtime and the operating system keep at least. */
  readonly system: { readonly cpus: number; readonly memory: number };
}

/** Machines that run pods. */
export interface NodePoolSpec extends PoolSpec {
  readonly resources: NodeResources;
}

export interface EtcdSpec extends PoolSpec {
  /** CPUs and MB that a member is given before everything else on its machine. */
  readonly cpus: number;
  readonly memory: number;
  /** `volumes`: data and write-ahead log each on a volume that outlives the machine; `root`: on the machine's own disk. */
  readonly disks:
    | { readonly type: "volumes"; readonly data: number; readonly wal: number }
    | { readonly type: "root"; readonly data: number };
}

/** Requests of a component's pods: CPUs and MB of memory. */
export interface ComponentResources {
  readonly cpus: number;
  readonly memory: number;
}

/** The way out of the private network for downloads. */
export interface ProxySpec {
  /** Address of the proxy for http addresses. */
  readonly http?: string;
  /** Address of the proxy for https addresses. */
  readonly https?: string;
  /** Hosts, domains and networks that are reached directly: the stack's, and those that must never pass a proxy. */
  readonly noProxy: readonly string[];
}

export interface MirrorSpec {
  /** Base address of release files, laid out as `<releases>/<host of the original>/<path of the original>`; unset: the originals. */
  readonly releases?: string;
  /** Registry host to the address of its mirror, such as `http://mirror.example:5000/registry.k8s.io`. */
  readonly registries: Readonly<Record<string, string>>;
}

/** What only AWS has. */
export interface AwsSpec {
  /** A network that exists; not set: one is made. */
  readonly vpcId?: string;
  /** Subnets of that network: machines with public addresses, load balancers and the bastion. Empty without `vpcId`. */
  readonly publicSubnetIds: readonly string[];
  /** Subnets of that network: machines without public addresses. Empty without `vpcId`. */
  readonly privateSubnetIds: readonly string[];
  /** Whether machines have public addresses, closed by their security groups, or none, behind a bastion. */
  readonly machines: "public" | "private";
  /** The way out of private subnets: a NAT gateway for each zone, one for all, or none (brought by the network's owner). */
  readonly nat: "zone" | "single" | "none";
  /** Instance type of the bastion. */
  readonly bastionSize: string;
  /** EBS type of etcd's volumes and of the storage class `ssd`. */
  readonly volumeType: "gp3" | "gp2" | "io2" | "io1";
  /** Addresses of AWS' services for the cluster's own components; not set: the public ones of the region. */
  readonly endpoints: { readonly ec2?: string; readonly elasticloadbalancing?: string; readonly sts?: string };
}

export interface ClusterSpec {
  readonly name: string;
  readonly cloud: CloudName;
  readonly region: string;
  readonly kubernetesVersion: string;
  readonly highAvailability: boolean;
  /** The API is reached through load balancers: several controllers, or controllers without public addresses. */
  readonly apiLoadBalancers: boolean;
  readonly logLevel: LogLevel;
  readonly etcd: EtcdSpec;
  readonly controllers: NodePoolSpec;
  readonly workers: NodePoolSpec;
  /** Workers whose ports 80 and 443 are open to everyone. */
  readonly publicWorkers: NodePoolSpec;
  /** Workers of a pool that may be missing while a change goes through it, at least 1. */
  readonly maxUnavailable: number;
  readonly components: Readonly<
    Record<"kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "kube-proxy", ComponentResources>
  >;
  /** Range of the machines' private network. */
  readonly nodeCidr: string;
  readonly podCidr: string;
  readonly serviceCidr: string;
  /** First address of the service range: the API as pods reach it. */
  readonly apiServiceAddress: string;
  /** Tenth address of the service range: the cluster's DNS. */
  readonly dnsServiceAddress: string;
  readonly nodePortRange: { readonly from: number; readonly to: number };
  readonly clusterDomain: string;
  /** Network of the pods; `none`: brought by the cluster's users, and nodes become ready only with it. */
  readonly networkProvider: "flannel" | "none";
  /** Cloud controller manager of the cluster. */
  readonly cloudProvider: "none" | CloudName;
  /** The cluster brings the cloud's CSI driver. False where `cloudProvider` is none, or where the cluster's users bring it: storage classes only. */
  readonly csiDriver: boolean;
  /** Where the cloud is AWS. */
  readonly aws?: AwsSpec;
  /** What Pod Security admission enforces in namespaces that say nothing: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
  readonly podSecurity: "privileged" | "baseline" | "restricted";
  /** Number of the key with which the API server encrypts Secrets. One higher than before: a rotation. */
  readonly encryptionKey: number;
  /** Not set: machines reach everything directly. */
  readonly proxy?: ProxySpec;
  /** The cloud's name or id of it, a pattern of names, or the address of a custom image: see the cloud's profile. */
  readonly image: string;
  readonly adminCidrs: readonly string[];
  /** Extra keys for the `core` user, in OpenSSH's format. */
  readonly sshPublicKeys: readonly string[];
  /** Added to every cloud resource; `KubernetesCluster` is always there. */
  readonly tags: Readonly<Record<string, string>>;
  readonly mirrors: MirrorSpec;
  /** Release files with the checksums that hold for this cluster's mirror. */
  readonly releases: Readonly<Record<"kubelet" | "kubectl" | "etcd" | "cni-plugins", Release>>;
  /** Images with the digests that hold for this cluster's mirror. */
  readonly images: Readonly<Record<string, Image>>;
  /** Refuse to delete CA keys and etcd volumes. */
  readonly deletionProtection: boolean;
  /** Seconds that a worker may take to drain before its removal fails. */
  readonly drainTimeout: number;
  /** Seconds that a machine may take from its creation until it serves. */
  readonly bootTimeout: number;
}

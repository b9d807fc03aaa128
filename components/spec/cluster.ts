/**
 * The validated description of a cluster: plain data, without outputs and without I/O.
 *
 * `infra/config.ts` makes it from the stack's settings; everything else only reads it.
 */
import type { CloudSpec } from "./clouds.js";
import type { PassedSettings } from "./settings/index.js";
import type { Release, Image } from "./versions.js";

/** What a machine is for. A controller is a control-plane machine; `public` is a worker whose ports 80 and 443 are open to everyone. */
export type Role = "etcd" | "controller" | "worker" | "public";

/** All roles, in the order in which a cluster is made. */
export const roles: readonly Role[] = ["etcd", "controller", "worker", "public"];

export type LogLevel = PassedSettings["logLevel"];

/** Machines of one role that are made alike; their user-data is identical. */
export interface PoolSpec {
  readonly role: Role;
  /** Name of the pool and middle part of its machines' names: `<cluster>-<pool>-<index>`. */
  readonly pool: Role;
  readonly count: number;
  /** The cloud's name of the machine size. */
  readonly size: string;
  /** GB of a machine's own disk, where the cloud lets it be chosen apart from the size. */
  readonly disk: number;
  /** Failure domains of the cloud, used in turn for the machines. Empty: the cloud's choice, spread. */
  readonly zones: readonly string[];
}

/** What a node offers to pods, and what is reserved for the system. */
export interface NodeResources {
  /**
   * Allocatable to pods: CPUs, and MB (2^20 bytes) of memory and disk. Not set: the rest of the machine.
   */
  readonly pods: { readonly cpus?: number; readonly memory?: number; readonly disk?: number };
  /** Least amount reserved for the kubelet, the container runtime and the operating system. */
  readonly system: { readonly cpus: number; readonly memory: number };
}

/** Machines that run pods. */
export interface NodePoolSpec extends PoolSpec {
  readonly resources: NodeResources;
}

/** Machines that join. */
export interface WorkerPoolSpec extends NodePoolSpec {
  readonly role: "worker" | "public";
}

export interface EtcdSpec extends PoolSpec {
  /** CPUs and MB of memory reserved for a member on its machine. */
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

/** Proxies for downloads. */
export interface ProxySpec {
  /** Address of the proxy for http addresses. */
  readonly http?: string;
  /** Address of the proxy for https addresses. */
  readonly https?: string;
  /** Hosts, domains and networks that are reached directly: those of the stack, and those that must never use a proxy. */
  readonly noProxy: readonly string[];
}

export interface MirrorSpec {
  /** Base address of release files, laid out as `<releases>/<host of the original>/<path of the original>`; unset: the originals. */
  readonly releases?: string;
  /** Registry host to the address of its mirror, such as `http://mirror.example:5000/registry.k8s.io`. */
  readonly registries: Readonly<Record<string, string>>;
}

/** Releases of the catalogue that a cluster has. */
export interface ChosenReleases {
  /** Release of the control plane's programs: API servers, controller managers and schedulers. */
  readonly kubernetesVersion: string;
  /**
   * Release that everything else comes from: kubelet, kubectl, etcd, kube-proxy, and the images of the add-ons. Another one than the
   * control plane's only while that emulates it.
   */
  readonly nodeVersion: string;
  /** Minor version that the control plane's programs emulate, such as "1.35". @default none: they are what they are */
  readonly emulatedVersion?: string;
}

/**
 * The whole description. Settings that are part of it as they are come from the options (`settings/`), where their meaning is; the rest is
 * computed from settings by `infra/settings/spec.ts`.
 */
export interface ClusterSpec extends PassedSettings, ChosenReleases {
  readonly name: string;
  /** The API is reached through load balancers: several controllers, or controllers without public addresses. */
  readonly apiLoadBalancers: boolean;
  readonly etcd: EtcdSpec;
  readonly controllers: NodePoolSpec;
  readonly workers: WorkerPoolSpec;
  /** Workers whose ports 80 and 443 are open to everyone. */
  readonly publicWorkers: WorkerPoolSpec;
  readonly components: Readonly<
    Record<"kube-apiserver" | "kube-controller-manager" | "kube-scheduler" | "kube-proxy", ComponentResources>
  >;
  /** First address of the service range: the API as pods reach it. */
  readonly apiServiceAddress: string;
  /** Tenth address of the service range: the cluster's DNS. */
  readonly dnsServiceAddress: string;
  readonly nodePortRange: { readonly from: number; readonly to: number };
  /** The cluster installs the cloud's CSI driver. False where `cloudProvider` is none, or where users install it: storage classes only. */
  readonly csiDriver: boolean;
  /** What only the cluster's cloud has. */
  readonly cloudSettings: CloudSpec;
  /** Not set: machines reach everything directly. */
  readonly proxy?: ProxySpec;
  /** The cloud's name or id of it, a pattern of names, or the address of a custom image: see the cloud's profile. */
  readonly image: string;
  /** Added to every cloud resource; `KubernetesCluster` is always among them. */
  readonly tags: Readonly<Record<string, string>>;
  readonly mirrors: MirrorSpec;
  /** Version of etcd's release file. */
  readonly etcdVersion: string;
  /** Release files with the checksums that are valid for this cluster's mirror. */
  readonly releases: Readonly<Record<"kubelet" | "kubectl" | "etcd" | "cni-plugins", Release>>;
  /** Images with the digests that are valid for this cluster's mirror. */
  readonly images: Readonly<Record<string, Image>>;
}

/**
 * The validated description of a cluster: plain data, without outputs and without I/O.
 *
 * `infra/config.ts` makes it from the stack's settings; everything else only reads it.
 */
import type { Release, Image } from "./versions.js";

/** What a machine is for. A controller is a control-plane machine. */
export type Role = "etcd" | "controller" | "worker";

export type CloudName = "digitalocean" | "aws";

/** Machines of one role that are made alike; their user-data is the same to the letter. */
export interface PoolSpec {
  readonly role: Role;
  /** Name of the pool and middle part of its machines' names: `<cluster>-<pool>-<index>`. */
  readonly pool: "etcd" | "controller" | "worker";
  readonly count: number;
  /** The cloud's name of the machine size. */
  readonly size: string;
}

export interface MirrorSpec {
  /** Base address of release files, laid out as `<releases>/<host of the original>/<path of the original>`; unset: the originals. */
  readonly releases?: string;
  /** Registry host to the address of its mirror, such as `http://mirror.example:5000/registry.k8s.io`. */
  readonly registries: Readonly<Record<string, string>>;
}

export interface ClusterSpec {
  readonly name: string;
  readonly cloud: CloudName;
  readonly region: string;
  readonly kubernetesVersion: string;
  readonly highAvailability: boolean;
  readonly etcd: PoolSpec & { readonly volumeSize: number };
  readonly controllers: PoolSpec;
  readonly workers: PoolSpec;
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
  /** Slug, numeric id, or address of a custom image. */
  readonly image: string;
  readonly adminCidrs: readonly string[];
  /** Extra keys for the `core` user, in OpenSSH's format. */
  readonly sshPublicKeys: readonly string[];
  /** Added to every cloud resource; `KubernetesCluster` is always there. */
  readonly tags: Readonly<Record<string, string>>;
  readonly mirrors: MirrorSpec;
  /** Release files with the checksums that hold for this cluster's mirror. */
  readonly releases: Readonly<Record<"kubelet" | "etcd" | "cni-plugins", Release>>;
  /** Images with the digests that hold for this cluster's mirror. */
  readonly images: Readonly<Record<string, Image>>;
  /** Refuse to delete CA keys and etcd volumes. */
  readonly deletionProtection: boolean;
  /** Seconds that a worker may take to drain before its removal fails. */
  readonly drainTimeout: number;
  /** Seconds that a machine may take from its creation until it serves. */
  readonly bootTimeout: number;
}

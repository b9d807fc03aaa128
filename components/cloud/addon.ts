/** What a cloud contributes to its clusters, as plain data. The objects are made by the same add-ons for all clouds. */
import type * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { ClusterSpec } from "../spec/cluster.js";

type PolicyRule = kubernetes.types.input.rbac.v1.PolicyRule;
type EnvironmentVariable = kubernetes.types.input.core.v1.EnvVar;

/** A Secret in `kube-system` with which pods authenticate to the cloud. */
export interface CloudCredentials {
  readonly name: string;
  /** Secret. */
  readonly data: Readonly<Record<string, pulumi.Output<string>>>;
}

/** Gives nodes their addresses, labels and provider ids, and Services their load balancers. */
export interface ControllerManager {
  /** Name in `versions/`. */
  readonly image: string;
  /** Path of the program. @default the image's own command */
  readonly program?: string;
  /** Arguments besides those that are the same for all clouds. */
  readonly args: readonly string[];
  /** @default none */
  readonly env?: readonly EnvironmentVariable[];
  /** Configuration files in `configDirectory`. @default none */
  readonly files?: Readonly<Record<string, string>>;
  /**
   * Names of the service accounts of its controllers, one for each. Empty: all use the manager's own.
   * Kubernetes itself binds `node-controller` and `service-controller` to their roles.
   */
  readonly accounts: readonly string[];
}

/** Makes volumes, attaches them to machines and mounts them for pods. */
export interface CsiDriver {
  /** Its name in StorageClasses. */
  readonly provisioner: string;
  /** First part of the names of its objects. */
  readonly name: string;
  /** Name in `versions/`. */
  readonly image: string;
  readonly object: kubernetes.types.input.storage.v1.CSIDriverSpec;
  /** Arguments of the part that calls the cloud. The socket is in the variable CSI_ENDPOINT. */
  readonly controllerArgs: readonly string[];
  readonly controllerEnv: readonly EnvironmentVariable[];
  /** User ID of that part. @default root, which its image requires */
  readonly controllerUser?: number;
  /** Arguments of the part on every node. */
  readonly nodeArgs: readonly string[];
  /** Whether that part uses the machine's metadata service, which pods with a network of their own cannot reach. */
  readonly nodeHostNetwork: boolean;
  readonly nodeRules: readonly PolicyRule[];
}

/** Names of the storage classes: the same two in every cluster, so that claims are written once for all of them. */
export const storageClassNames = {
  /** For claims that name no class. */
  usual: "ssd",
  /** For data that is rarely read. */
  cold: "cold-hdd",
} as const;

export interface StorageClassSpec {
  readonly name: (typeof storageClassNames)[keyof typeof storageClassNames];
  /** Used for claims that name no class. */
  readonly isDefault: boolean;
  /** Parameters of the driver. */
  readonly parameters: Readonly<Record<string, string>>;
  /** @default none */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Description of one cloud. */
export interface CloudProviderAddon {
  /** Read from the stack's settings. @throws Error when they are missing. @default none: the machines' own identity is used */
  readonly credentials?: () => CloudCredentials;
  /** @param network The cloud's id of the machines' private network, where it is known. */
  readonly controllerManager: (spec: ClusterSpec, network?: pulumi.Output<string>) => ControllerManager;
  readonly driver: (spec: ClusterSpec) => CsiDriver;
  readonly storageClasses: (spec: ClusterSpec) => readonly StorageClassSpec[];
}

/** Port on 127.0.0.1 for metrics that a cloud's controller manager serves besides those of all controller managers. */
export const ownMetricsPort = 10_260;

/** Where `ControllerManager.files` are. */
export const configDirectory = "/etc/cloud-controller-manager";

/** Environment variable with one value of `credentials`. */
export function fromCredentials(variable: string, secret: string, key: string): EnvironmentVariable {
  return { name: variable, valueFrom: { secretKeyRef: { name: secret, key } } };
}

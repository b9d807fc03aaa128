/** The seam between the cluster's add-ons and its cloud: what a cloud says of itself, as plain data. The objects are made once, for all clouds. */
import type * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { CloudName, ClusterSpec } from "../../spec/cluster.js";

type PolicyRule = kubernetes.types.input.rbac.v1.PolicyRule;
type EnvironmentVariable = kubernetes.types.input.core.v1.EnvVar;

/** A Secret of `kube-system` that pods take their rights in the cloud from. */
export interface CloudCredentials {
  readonly name: string;
  /** Secret. */
  readonly data: Readonly<Record<string, pulumi.Output<string>>>;
}

/** Gives nodes their addresses, labels and provider ids, and Services their load balancers. */
export interface ControllerManager {
  /** Name in `versions.json`. */
  readonly image: string;
  /** Path of the program. @default what its image starts */
  readonly program?: string;
  /** Arguments, apart from those that all of them have. */
  readonly args: readonly string[];
  /** @default none */
  readonly env?: readonly EnvironmentVariable[];
  /** Files beside it, in `configDirectory`. @default none */
  readonly files?: Readonly<Record<string, string>>;
  /**
   * Names of service accounts under which its controllers work, each with the rights of one; empty: all under its own.
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
  /** Name in `versions.json`. */
  readonly image: string;
  readonly object: kubernetes.types.input.storage.v1.CSIDriverSpec;
  /** Arguments of the part that speaks with the cloud. The socket is in the variable CSI_ENDPOINT. */
  readonly controllerArgs: readonly string[];
  readonly controllerEnv: readonly EnvironmentVariable[];
  /** User of that part, where its image allows one other than root. */
  readonly controllerUser?: number;
  /** Arguments of the part on every node. */
  readonly nodeArgs: readonly string[];
  /** Whether that part asks the machine's metadata service, which pods with a network of their own do not reach. */
  readonly nodeHostNetwork: boolean;
  readonly nodeRules: readonly PolicyRule[];
}

export interface StorageClassSpec {
  readonly name: string;
  /** Of claims that name no class. */
  readonly isDefault: boolean;
  /** What the driver knows about it. */
  readonly parameters: Readonly<Record<string, string>>;
  /** @default none */
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a cloud brings into its clusters. */
export interface CloudProviderAddon {
  readonly cloud: CloudName;
  /** Read from the stack's settings. @throws Error when they have none. @default the machines' own identity is enough */
  readonly credentials?: () => CloudCredentials;
  /** @param network The cloud's id of the machines' private network, where it is known. */
  readonly controllerManager: (spec: ClusterSpec, network?: pulumi.Output<string>) => ControllerManager;
  readonly driver: (spec: ClusterSpec) => CsiDriver;
  readonly storageClasses: (spec: ClusterSpec) => readonly StorageClassSpec[];
}

/** Where `ControllerManager.files` are. */
export const configDirectory = "/etc/cloud-controller-manager";

/** Variable with one value of `credentials`. */
export function fromCredentials(variable: string, secret: string, key: string): EnvironmentVariable {
  return { name: variable, valueFrom: { secretKeyRef: { name: secret, key } } };
}

/**
 * The shape of an add-on: plain data, without the kubernetes SDK, so that settings can be checked against it before an SDK loads.
 *
 * A new add-on is one file and one entry in `list.ts`. Its ServiceAccount, roles, bindings, ConfigMap, disruption budget, firewall
 * rules and share of the machines' sizes follow from what it says here.
 */
import type * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { CloudProviderAddon } from "../cloud/addon.js";
import type { HostPort } from "../cloud/firewall.js";
import type { KeyPair } from "../pki/keyPair.js";
import type { ClusterSpec, ComponentResources } from "../spec/cluster.js";
import { imageReference } from "../spec/versions.js";
import type { AddonChoice, AddonSettings } from "./choice.js";

/** Namespace of add-ons that have none of their own. */
export const namespace = "kube-system";

/** In `Addon.needs`: machines that take ordinary pods. */
export const workers = "workers";

/** In `Addon.needs`: all public workers. */
export const publicWorkers = "public workers";

/** The cluster that an add-on is made for. */
export interface AddonCluster {
  readonly spec: ClusterSpec;
  /** Address of the API inside the private network, for pods that start before the Service network works. */
  readonly api: { readonly host: pulumi.Output<string>; readonly port: number };
  /** The administrator's. Secret. */
  readonly kubeconfig: pulumi.Output<string>;
  /** For clients of the metrics of etcd members, PEM. */
  readonly etcdMetrics: Readonly<Record<"authority" | "certificate" | "key", pulumi.Input<string>>>;
  /** Signs certificates of servers that run in the cluster. */
  readonly authority: KeyPair;
  /** Of the add-on's server: see `Addon.server`. @default it has none */
  readonly server?: KeyPair;
  /** The cloud's part. @default none */
  readonly cloudProvider?: CloudProviderAddon;
  /** The cloud's id of the private network. @default not known */
  readonly network?: pulumi.Output<string>;
  /** A value of `Addon.secrets` from the stack's configuration, by its whole key. Secret. */
  readonly secret: (key: string) => pulumi.Output<string>;
}

export interface Addon {
  /** Unique. Also the name of its objects, unless `parts` says another. */
  readonly name: string;
  /** Its name in plans. @default `name` */
  readonly title?: string;
  /** Names of the add-ons that must be there before its pods start, and `workers` or `publicWorkers` if the pods run on these. */
  readonly needs: readonly string[];
  /** Names of the add-ons that come before it where they are part of the cluster. @default none */
  readonly after?: readonly string[];
  /** Workers join after it: without it a node does not become ready or takes no pods. @default false */
  readonly beforeWorkers?: boolean;
  /** @default in every cluster */
  readonly partOf?: (choice: AddonChoice) => boolean;
  /** Machines that its pods run on: every node, or those of one kind. Public workers are no `workers`. @default it has no pods */
  readonly runsOn?: "nodes" | "controllers" | "workers" | "public";
  /** Pods of a Deployment; on controllers at most one for each of them. @default a DaemonSet */
  readonly replicas?: (settings: AddonSettings) => number;
  /** Its own namespace. @default `kube-system` */
  readonly namespace?: OwnNamespace;
  /** Name of a Service that the API server calls: `parts` gets a certificate of the cluster's authority for it. @default none */
  readonly server?: string;
  /** Of each container, by its name: the machines' sizes follow from the requests. @default it has no pods */
  readonly resources?: (settings: AddonSettings) => Readonly<Record<string, ContainerResources>>;
  /** Ports of machines that it listens on or connects to: firewall rules follow from them. @default none */
  readonly ports?: readonly HostPort[];
  /** What the stack's configuration must have for it as secrets, beside the settings: whole key, and what it is. @default none */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Its objects. */
  readonly parts: (cluster: AddonCluster) => AddonParts;
}

/** A namespace that comes and goes with its add-on. */
export interface OwnNamespace {
  readonly name: string;
  /** What its pods may do at most: https://kubernetes.io/docs/concepts/security/pod-security-standards/ */
  readonly podSecurity: "restricted" | "baseline" | "privileged";
}

/** Requests of a container, and its limit of memory. */
export interface ContainerResources extends ComponentResources {
  /** MB. */
  readonly limit: number;
  /** Runs before the other containers, so that its requests do not add to theirs. @default false */
  readonly init?: boolean;
}

/** Everything that is left out is not made. */
export interface AddonParts {
  /** Name of the objects. @default the add-on's */
  readonly name?: string;
  /** Value of the label `k8s-app`. @default the objects' name */
  readonly label?: string;
  readonly rights?: Rights;
  readonly files?: Files;
  readonly pod?: Pod;
  /** Made once the pods run; its selector follows. */
  readonly service?: Service;
  /** Objects of other kinds, made before the pods. */
  readonly objects?: readonly AddonObject[];
  /** Objects of other kinds, made once the pods and the Service serve. */
  readonly whenServing?: readonly AddonObject[];
  /** What its pods leave on nodes, in their network, is removed by this after them. @default nothing */
  readonly nodeCleanup?: NodeCleanupSpec;
  /** Kinds whose objects only its pods let go, so that they must be deleted after the pods. */
  readonly leftovers?: readonly Leftover[];
}

/** A command that each node runs once when the add-on goes. */
export interface NodeCleanupSpec {
  /** Name in `versions/` of an image that has it. */
  readonly image: string;
  /** Finding nothing must be no error. */
  readonly command: readonly string[];
}

/** Objects of a kind that the add-on brings. */
export interface Leftover {
  readonly group: string;
  readonly version: string;
  /** Name of the kind in addresses of the API, such as `restores`. */
  readonly resource: string;
  /** Not only in the add-on's own namespace. @default false */
  readonly everywhere?: boolean;
}

/** Rights of its ServiceAccount. */
export interface Rights {
  /** In the whole cluster. */
  readonly cluster?: readonly PolicyRule[];
  /** In the add-on's namespace. */
  readonly namespace?: readonly PolicyRule[];
  /** Roles that Kubernetes brings; `suffix` tells their bindings from the one of the add-on's own role. */
  readonly existing?: readonly {
    readonly kind: "ClusterRole" | "Role";
    readonly name: string;
    readonly suffix?: string;
    /** Of a Role. @default the add-on's */
    readonly namespace?: string;
  }[];
}

/** Configuration, mounted read-only into all containers. Pods are replaced when it changes. */
export interface Files {
  readonly directory: string;
  readonly data: pulumi.Input<Readonly<Record<string, string>>>;
  /** Mode of the files. @default 0o644 */
  readonly mode?: number;
}

/** A pod. Placement, ServiceAccount, configuration, resources and least privilege are added by `completePod`. */
export interface Pod extends Partial<Omit<PodSpec, OwnPodFields>> {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
  readonly volumes?: readonly kubernetes.types.input.core.v1.Volume[];
  readonly securityContext?: kubernetes.types.input.core.v1.PodSecurityContext;
}

/** A container; its resources come from `Addon.resources`. @default `securityContext`: `restricted()` */
export interface Container extends Omit<
  kubernetes.types.input.core.v1.Container,
  "name" | "resources" | "volumeMounts"
> {
  readonly name: string;
  readonly volumeMounts?: readonly kubernetes.types.input.core.v1.VolumeMount[];
}

export interface Service {
  readonly name: string;
  /** Besides the add-on's own. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec: kubernetes.types.input.core.v1.ServiceSpec;
}

/** Arguments of the kinds that add-ons may have besides the usual ones. */
export interface OtherKinds {
  readonly APIService: kubernetes.apiregistration.v1.APIServiceArgs;
  readonly ClusterRole: kubernetes.rbac.v1.ClusterRoleArgs;
  readonly ClusterRoleBinding: kubernetes.rbac.v1.ClusterRoleBindingArgs;
  readonly ConfigMap: kubernetes.core.v1.ConfigMapArgs;
  readonly CSIDriver: kubernetes.storage.v1.CSIDriverArgs;
  readonly CustomResource: CustomResourceArgs;
  readonly CustomResourceDefinition: kubernetes.apiextensions.v1.CustomResourceDefinitionArgs;
  readonly IngressClass: kubernetes.networking.v1.IngressClassArgs;
  readonly Secret: kubernetes.core.v1.SecretArgs;
  readonly ServiceAccount: kubernetes.core.v1.ServiceAccountArgs;
  readonly StorageClass: kubernetes.storage.v1.StorageClassArgs;
  readonly ValidatingAdmissionPolicy: kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyArgs;
  readonly ValidatingAdmissionPolicyBinding: kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyBindingArgs;
}

/** An object of a kind that a CustomResourceDefinition brings. */
export interface CustomResourceArgs {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
  };
  /** What the kind has: in most kinds a `spec`. */
  readonly [field: string]: unknown;
}

export type AddonObject<Kind extends keyof OtherKinds = keyof OtherKinds> = {
  [K in Kind]: {
    readonly kind: K;
    /** Last part of its logical name, `<cluster>-<id>`. */
    readonly id: string;
    readonly args: OtherKinds[K];
    /** Ids of objects before it in the list which must be there first. @default none */
    readonly after?: readonly string[];
    /** A change that replaces it deletes the old object first, because both have the same name. @default false */
    readonly deleteFirst?: boolean;
  };
}[Kind];

export type PolicyRule = kubernetes.types.input.rbac.v1.PolicyRule;
export type PodSpec = kubernetes.types.input.core.v1.PodSpec;
type OwnPodFields = "containers" | "initContainers" | "volumes" | "securityContext" | "serviceAccountName";

/**
 * Reference of an image of the specification, by digest where one is known.
 * @throws Error when the specification has no such image.
 */
export function image(spec: Pick<ClusterSpec, "images">, name: string): string {
  const found = spec.images[name];
  if (!found) {
    throw new Error(
      `images.${name}: got nothing; allowed names are ${Object.keys(spec.images).join(", ")}; add it to versions/common.json`,
    );
  }
  return imageReference(found);
}

/** Least privilege for a container; `add` names the capabilities that it cannot do without. */
export function restricted(add: readonly string[] = []): kubernetes.types.input.core.v1.SecurityContext {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"], ...(add.length > 0 ? { add: [...add] } : {}) },
  };
}

/** The cloud's part of a cluster that has one. @throws Error when it has none. */
export function cloudProviderOf({ cloudProvider }: AddonCluster): CloudProviderAddon {
  if (!cloudProvider) throw new Error("cloud_provider is none; this is a defect of the program");
  return cloudProvider;
}

/** Registers the objects of an add-on. The only file that loads kinds of the kubernetes SDK: each by its own path, since all of them take 0.3 s. */
import { createHash } from "node:crypto";
import { ValidatingAdmissionPolicy } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicy.js";
import { ValidatingAdmissionPolicyBinding } from "@pulumi/kubernetes/admissionregistration/v1/validatingAdmissionPolicyBinding.js";
import { DaemonSet } from "@pulumi/kubernetes/apps/v1/daemonSet.js";
import { Deployment } from "@pulumi/kubernetes/apps/v1/deployment.js";
import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource.js";
import { CustomResourceDefinition } from "@pulumi/kubernetes/apiextensions/v1/customResourceDefinition.js";
import { APIService } from "@pulumi/kubernetes/apiregistration/v1/apiservice.js";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap.js";
import { Namespace } from "@pulumi/kubernetes/core/v1/namespace.js";
import { Secret, type SecretArgs } from "@pulumi/kubernetes/core/v1/secret.js";
import { Service } from "@pulumi/kubernetes/core/v1/service.js";
import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount.js";
import { IngressClass } from "@pulumi/kubernetes/networking/v1/ingressClass.js";
import { PodDisruptionBudget } from "@pulumi/kubernetes/policy/v1/podDisruptionBudget.js";
import { ClusterRole } from "@pulumi/kubernetes/rbac/v1/clusterRole.js";
import { ClusterRoleBinding } from "@pulumi/kubernetes/rbac/v1/clusterRoleBinding.js";
import { Role } from "@pulumi/kubernetes/rbac/v1/role.js";
import { RoleBinding } from "@pulumi/kubernetes/rbac/v1/roleBinding.js";
import { CSIDriver } from "@pulumi/kubernetes/storage/v1/csidriver.js";
import { StorageClass } from "@pulumi/kubernetes/storage/v1/storageClass.js";
import * as pulumi from "@pulumi/pulumi";
import {
  type Addon,
  type AddonCluster,
  type AddonObject,
  type AddonParts,
  image,
  namespace as usualNamespace,
  type OtherKinds,
  type OwnNamespace,
  type Pod,
  type Rights,
} from "./addon.js";
import { Leftovers } from "./leftovers.js";
import { NodeCleanup } from "./nodeCleanup.js";
import { NodePods } from "./nodePods.js";
import { completePod } from "./pod.js";

type Resources = readonly pulumi.Resource[];

interface Options extends Omit<pulumi.CustomResourceOptions, "dependsOn"> {
  readonly dependsOn?: pulumi.Resource[];
}

/** A Secret whose data is a secret in the state as well. */
class StateSecret extends Secret {
  constructor(name: string, args: SecretArgs, opts?: pulumi.CustomResourceOptions) {
    super(name, { ...args, stringData: args.stringData && pulumi.secret(args.stringData) }, opts);
  }
}

const otherKinds: {
  readonly [K in keyof OtherKinds]: new (
    name: string,
    args: OtherKinds[K],
    opts: pulumi.CustomResourceOptions,
  ) => pulumi.CustomResource;
} = {
  APIService,
  ClusterRole,
  ClusterRoleBinding,
  ConfigMap,
  CSIDriver,
  CustomResource,
  CustomResourceDefinition,
  IngressClass,
  Secret: StateSecret,
  ServiceAccount,
  StorageClass,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
};

/** Annotation of pods that changes with their configuration, so that they are replaced when it does. */
export const checksumAnnotation = "corekube/configuration-sha256";

/** The provider does not wait for the object. */
const skipAwait = { "pulumi.com/skipAwait": "true" };

function checksum(data: unknown): string {
  return createHash("sha256").update(JSON.stringify(data)).digest("hex");
}

/**
 * Registers all objects of an add-on.
 * @param opts Parent and provider of every object.
 * @param after What the pods wait for.
 * @returns What other add-ons wait for: the Deployment or the pods of the DaemonSet, done when they run, or else all objects.
 */
export function createAddon(
  addon: Addon,
  cluster: AddonCluster,
  opts: Omit<Options, "dependsOn">,
  after: Resources,
): Resources {
  const parts = addon.parts(cluster);
  const { pod } = parts;
  const logical = (id: string): string => `${cluster.spec.name}-${id}`;
  const namespace = addon.namespace?.name ?? usualNamespace;
  const inNamespace: Options = {
    ...opts,
    dependsOn: addon.namespace ? [createNamespace(addon.namespace, logical, opts)] : [],
  };
  const others = createObjects(parts.objects ?? [], logical, inNamespace);
  if (!pod) return others;

  const name = parts.name ?? addon.name;
  const labels = { "k8s-app": parts.label ?? name };
  const metadata = { name, namespace };
  const before = [
    new ServiceAccount(logical(name), { metadata }, inNamespace),
    ...createRights(parts.rights ?? {}, metadata, logical, inNamespace),
    ...others,
    ...cleanups(parts, { cluster, metadata, logical }, { ...opts, dependsOn: others }),
    ...after,
  ];
  if (parts.files) {
    const { data } = parts.files;
    before.push(new ConfigMap(logical(name), { metadata: { ...metadata, labels }, data }, inNamespace));
  }
  const workload = createWorkload({ addon, cluster, parts: { ...parts, pod }, metadata, labels }, logical(name), {
    ...opts,
    dependsOn: before,
  });
  const running = { ...opts, dependsOn: [workload] };
  if (replicasOf(addon, cluster) > 1) {
    const budget = { maxUnavailable: 1, selector: { matchLabels: labels } };
    new PodDisruptionBudget(logical(name), { metadata, spec: budget }, running);
  }
  const serving: pulumi.Resource[] = [workload];
  if (parts.service) {
    const { name: serviceName, spec, annotations: own } = parts.service;
    const annotations = cannotRun(addon, cluster) ? { ...own, ...skipAwait } : own;
    serving.push(
      new Service(
        logical(serviceName),
        {
          metadata: { name: serviceName, namespace, labels: { ...labels, ...parts.service.labels }, annotations },
          spec: { selector: labels, ...spec },
        },
        running,
      ),
    );
  }
  const whenServing = parts.whenServing ?? [];
  createObjects(cannotRun(addon, cluster) ? whenServing.map(notAwaited) : whenServing, logical, {
    ...opts,
    dependsOn: serving,
  });
  return [workload];
}

interface Cleaned {
  readonly cluster: AddonCluster;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly logical: (id: string) => string;
}

/** What is done when the add-on goes, between the end of its pods and that of its other objects. */
function cleanups(
  { leftovers = [], nodeCleanup }: AddonParts,
  { cluster: { spec, kubeconfig }, metadata: { name, namespace }, logical }: Cleaned,
  { parent, deletedWith, dependsOn }: Options,
): pulumi.Resource[] {
  // By the cluster's own provider, not by the one of Kubernetes.
  const opts = { parent, deletedWith, dependsOn };
  const made: pulumi.Resource[] = leftovers.map(
    ({ everywhere = false, ...kind }) =>
      new Leftovers(logical(kind.resource), { ...kind, ...(everywhere ? {} : { namespace }), kubeconfig }, opts),
  );
  if (nodeCleanup) {
    const images = { image: image(spec, nodeCleanup.image), pause: image(spec, "pause") };
    const command = [...nodeCleanup.command];
    made.push(
      new NodeCleanup(
        logical(`${name}-cleanup`),
        { kubeconfig, namespace, name: `${name}-cleanup`, ...images, command },
        opts,
      ),
    );
  }
  return made;
}

/** With network_provider none, pods on workers wait for the network that users bring: nothing waits for these pods. */
const cannotRun = ({ runsOn }: Addon, { spec }: AddonCluster): boolean =>
  runsOn === "workers" && spec.networkProvider === "none";

function notAwaited(object: AddonObject): AddonObject {
  const given = object.args.metadata as { readonly annotations?: object } | undefined;
  const metadata = { ...given, annotations: { ...given?.annotations, ...skipAwait } };
  return { ...object, args: { ...object.args, metadata } } as AddonObject;
}

function createNamespace(
  { name, podSecurity }: OwnNamespace,
  logical: (id: string) => string,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const labels = Object.fromEntries(
    ["enforce", "audit", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, podSecurity]),
  );
  return new Namespace(logical(`namespace-${name}`), { metadata: { name, labels } }, opts);
}

/** @param opts Also of what all of them wait for. */
function createObjects(
  objects: readonly AddonObject[],
  logical: (id: string) => string,
  opts: Options,
): pulumi.Resource[] {
  // Objects of different kinds may have one id, such as a role and its binding.
  const made: { readonly id: string; readonly resource: pulumi.Resource }[] = [];
  for (const object of objects) {
    const before = (object.after ?? []).flatMap((wanted) => {
      const found = made.filter(({ id }) => id === wanted);
      if (found.length === 0) throw new Error(`${object.kind} ${object.id}: ${wanted} is not before it in the list`);
      return found.map(({ resource }) => resource);
    });
    const dependsOn = [...(opts.dependsOn ?? []), ...before];
    made.push({ id: object.id, resource: createObject(object, logical, { ...opts, dependsOn }) });
  }
  return made.map(({ resource }) => resource);
}

function createObject<K extends keyof OtherKinds>(
  { kind, id, args, deleteFirst }: AddonObject<K>,
  logical: (id: string) => string,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  return new otherKinds[kind](logical(id), args, deleteFirst ? { ...opts, deleteBeforeReplace: true } : opts);
}

/** Roles of the add-on and their bindings. @returns the bindings */
function createRights(
  rights: Rights,
  account: Account,
  logical: (id: string) => string,
  opts: Options,
): pulumi.Resource[] {
  const own = `corekube:${account.name}`;
  const bindings: pulumi.Resource[] = [];
  const bind = (
    kind: "ClusterRole" | "Role",
    role: string,
    { suffix = "", namespace = account.namespace, roles = [] as pulumi.Resource[] } = {},
  ): void => {
    const args = {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind, name: role },
      subjects: [{ kind: "ServiceAccount", ...account }],
    };
    const [id, name] = [logical(`${account.name}${suffix}`), `${own}${suffix}`];
    const after = { ...opts, dependsOn: [...(opts.dependsOn ?? []), ...roles] };
    bindings.push(
      kind === "ClusterRole"
        ? new ClusterRoleBinding(id, { metadata: { name }, ...args }, after)
        : new RoleBinding(id, { metadata: { name, namespace }, ...args }, after),
    );
  };
  if (rights.cluster && rights.cluster.length > 0) {
    const role = new ClusterRole(logical(account.name), { metadata: { name: own }, rules: [...rights.cluster] }, opts);
    bind("ClusterRole", own, { roles: [role] });
  }
  if (rights.namespace && rights.namespace.length > 0) {
    const metadata = { name: own, namespace: account.namespace };
    const role = new Role(logical(account.name), { metadata, rules: [...rights.namespace] }, opts);
    bind("Role", own, { roles: [role] });
  }
  for (const { kind, name, suffix, namespace } of rights.existing ?? []) bind(kind, name, { suffix, namespace });
  return bindings;
}

/** Pods of a Deployment; 0 for a DaemonSet. */
function replicasOf({ replicas, runsOn }: Addon, { spec }: AddonCluster): number {
  const wanted = replicas?.(spec) ?? 0;
  return runsOn === "controllers" ? Math.min(wanted, spec.controllers.count) : wanted;
}

/** A ServiceAccount. */
interface Account {
  readonly name: string;
  readonly namespace: string;
}

interface Workload {
  readonly addon: Addon;
  readonly cluster: AddonCluster;
  readonly parts: AddonParts & { readonly pod: Pod };
  readonly metadata: Account;
  readonly labels: Record<string, string>;
}

function createWorkload(
  { addon, cluster, parts, metadata: account, labels }: Workload,
  logicalName: string,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const { name, namespace } = account;
  const metadata = { name, namespace, labels };
  const annotations = parts.files && { [checksumAnnotation]: pulumi.output(parts.files.data).apply(checksum) };
  const common = {
    selector: { matchLabels: labels },
    template: { metadata: { labels, annotations }, spec: completePod(addon, cluster.spec, parts, name, labels) },
  };
  const rollingUpdate = (rolling: object) => ({ type: "RollingUpdate", rollingUpdate: rolling });
  if (addon.replicas === undefined) {
    // A new version reaches a few nodes at a time.
    const spec = { ...common, updateStrategy: rollingUpdate({ maxUnavailable: "10%" }) };
    const daemonSet = new DaemonSet(logicalName, { metadata: { ...metadata, annotations: skipAwait }, spec }, opts);
    const template = pulumi.output(common.template).apply(checksum);
    const args = { kubeconfig: cluster.kubeconfig, namespace, name, template };
    return new NodePods(logicalName, args, { parent: opts.parent, dependsOn: [daemonSet] });
  }
  // On controllers the pods share the machines' ports: a new pod needs the place of an old one.
  const surge = addon.runsOn === "controllers" ? { maxSurge: 0 } : {};
  return new Deployment(
    logicalName,
    {
      metadata: { ...metadata, annotations: cannotRun(addon, cluster) ? skipAwait : undefined },
      spec: {
        ...common,
        replicas: replicasOf(addon, cluster),
        strategy: rollingUpdate({ maxUnavailable: 1, ...surge }),
      },
    },
    opts,
  );
}

/** Every right that a cluster gives, repeated here on purpose: none may grow by accident. */
import assert from "node:assert/strict";
import { cloudSpec, setToken } from "./support/cloudSpecs.js";
import { type Registration, type Run, runProgram, runTimeout } from "./support/registrations.js";

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
}

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

interface Binding {
  readonly metadata: Metadata;
  readonly roleRef: { readonly apiGroup: string; readonly kind: string; readonly name: string };
  readonly subjects: readonly (Metadata & { readonly kind: string; readonly apiGroup?: string })[];
}

const kinds = ["ClusterRole", "Role", "ClusterRoleBinding", "RoleBinding"];
const rbac = "rbac.authorization.k8s.io";
const placed = ({ name, namespace }: Metadata): string => (namespace === undefined ? name : `${namespace}/${name}`);

function written({ type, inputs }: Registration): string[] {
  const kind = type.split(":").pop()!;
  const metadata = inputs["metadata"] as Metadata;
  if (!kind.endsWith("Binding"))
    return (inputs["rules"] as Rule[]).map(({ apiGroups, resources, verbs, resourceNames }) => {
      // The core group is "".
      assert.ok(apiGroups.length > 0);
      return `${kind} ${placed(metadata)}: ${verbs.join(",")} ${resources.join(",")}${apiGroups.join() && `.${apiGroups.join()}`}${resourceNames ? ` named ${resourceNames.join(",")}` : ""}`;
    });
  const { roleRef, subjects } = inputs as unknown as Binding;
  assert.equal(roleRef.apiGroup, rbac);
  return subjects.map((subject) => {
    assert.equal(subject.apiGroup, subject.kind === "ServiceAccount" ? undefined : rbac);
    return `${kind} ${placed(metadata)}: ${subject.kind} ${placed(subject)} -> ${roleRef.kind} ${roleRef.name}`;
  });
}

const rightsOf = (run: Run): string[] =>
  kinds
    .flatMap((kind) => run.of(kind))
    .filter(({ type }) => type.startsWith("kubernetes:"))
    .flatMap(written);

const csi = (driver: string): string[] => [
  `ClusterRole corekube:${driver}: get,list,watch,create,update,patch,delete persistentvolumes`,
  `ClusterRole corekube:${driver}: get,list,watch,update persistentvolumeclaims`,
  `ClusterRole corekube:${driver}: update,patch persistentvolumeclaims/status`,
  `ClusterRole corekube:${driver}: get,list,watch nodes,pods`,
  `ClusterRole corekube:${driver}: list,watch,create,update,patch events`,
  `ClusterRole corekube:${driver}: get,list,watch storageclasses,csinodes,volumeattributesclasses.storage.k8s.io`,
  `ClusterRole corekube:${driver}: get,list,watch,update,patch volumeattachments.storage.k8s.io`,
  `ClusterRole corekube:${driver}: patch volumeattachments/status.storage.k8s.io`,
  `ClusterRole corekube:${driver}: get,list,watch volumesnapshotclasses.snapshot.storage.k8s.io`,
  `ClusterRole corekube:${driver}: get,list volumesnapshots.snapshot.storage.k8s.io`,
  `ClusterRole corekube:${driver}: get,list,watch,update,patch volumesnapshotcontents.snapshot.storage.k8s.io`,
  `ClusterRole corekube:${driver}: update,patch volumesnapshotcontents/status.snapshot.storage.k8s.io`,
  `Role kube-system/corekube:${driver}: get,list,watch,create,update,delete leases.coordination.k8s.io`,
  `ClusterRoleBinding corekube:${driver}: ServiceAccount kube-system/${driver} -> ClusterRole corekube:${driver}`,
  `RoleBinding kube-system/corekube:${driver}: ServiceAccount kube-system/${driver} -> Role corekube:${driver}`,
];

const accounts = "serviceaccounts named node-controller,service-controller,route-controller,aws-cloud-provider";

/** In any cluster with a cloud provider. */
const common: readonly string[] = [
  "ClusterRole corekube:cloud-controller-manager: get,list,watch nodes,services",
  "ClusterRole corekube:cloud-controller-manager: create,patch,update events.,events.k8s.io",
  "ClusterRole corekube:coredns: list,watch services,pods,namespaces",
  "ClusterRole corekube:coredns: list,watch endpointslices.discovery.k8s.io",
  "ClusterRole corekube:csr-approver: get,list,watch certificatesigningrequests.certificates.k8s.io",
  "ClusterRole corekube:csr-approver: update certificatesigningrequests/approval.certificates.k8s.io",
  "ClusterRole corekube:csr-approver: approve signers.certificates.k8s.io named kubernetes.io/kubelet-serving",
  "ClusterRole corekube:csr-approver: list nodes",
  "ClusterRole corekube:csr-approver: get,patch,delete nodes named dev-controller-0",
  "ClusterRole corekube:kube-flannel: get,list,watch nodes",
  "ClusterRole corekube:kube-flannel: patch nodes/status",
  "ClusterRole corekube:metrics-server: get nodes/metrics",
  "ClusterRole corekube:metrics-server: list,watch pods,nodes",
  // Joined to Kubernetes' own roles view, edit and admin.
  "ClusterRole system:aggregated-metrics-reader: get,list,watch pods,nodes.metrics.k8s.io",
  "Role kube-system/corekube:cloud-controller-manager: create leases.coordination.k8s.io",
  "Role kube-system/corekube:cloud-controller-manager: get,update leases.coordination.k8s.io named cloud-controller-manager",
  "ClusterRoleBinding corekube:apiserver-to-kubelet: User kube-apiserver-kubelet-client -> ClusterRole system:kubelet-api-admin",
  "ClusterRoleBinding corekube:cloud-controller-manager: ServiceAccount kube-system/cloud-controller-manager -> ClusterRole corekube:cloud-controller-manager",
  "ClusterRoleBinding corekube:coredns: ServiceAccount kube-system/coredns -> ClusterRole corekube:coredns",
  "ClusterRoleBinding corekube:csr-approver: User corekube:csr-approver -> ClusterRole corekube:csr-approver",
  "ClusterRoleBinding corekube:kube-flannel: ServiceAccount kube-system/kube-flannel -> ClusterRole corekube:kube-flannel",
  "ClusterRoleBinding corekube:kube-proxy: ServiceAccount kube-system/kube-proxy -> ClusterRole system:node-proxier",
  "ClusterRoleBinding corekube:kubelet-bootstrap: Group system:bootstrappers -> ClusterRole system:node-bootstrapper",
  "ClusterRoleBinding corekube:kubelet-certificate-renewal: Group system:nodes -> ClusterRole system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
  "ClusterRoleBinding corekube:kubelet-first-certificate: Group system:bootstrappers -> ClusterRole system:certificates.k8s.io:certificatesigningrequests:nodeclient",
  "ClusterRoleBinding corekube:metrics-server: ServiceAccount kube-system/metrics-server -> ClusterRole corekube:metrics-server",
  "ClusterRoleBinding corekube:metrics-server-delegator: ServiceAccount kube-system/metrics-server -> ClusterRole system:auth-delegator",
  "RoleBinding kube-system/corekube:metrics-server-reader: ServiceAccount kube-system/metrics-server -> Role extension-apiserver-authentication-reader",
  "RoleBinding kube-system/corekube:cloud-controller-manager: ServiceAccount kube-system/cloud-controller-manager -> Role corekube:cloud-controller-manager",
  "RoleBinding kube-system/corekube:cloud-controller-manager-authentication: ServiceAccount kube-system/cloud-controller-manager -> Role extension-apiserver-authentication-reader",
];

/** Of the controller that is the same for all drivers. */
const snapshots = "ClusterRole corekube:snapshot-controller";
const snapshotController: readonly string[] = [
  `${snapshots}: get,list,watch persistentvolumes`,
  `${snapshots}: get,list,watch,update persistentvolumeclaims`,
  `${snapshots}: list,watch,create,update,patch events`,
  `${snapshots}: get,list,watch volumesnapshotclasses.snapshot.storage.k8s.io`,
  `${snapshots}: create,get,list,watch,update,delete,patch volumesnapshotcontents.snapshot.storage.k8s.io`,
  `${snapshots}: patch volumesnapshotcontents/status.snapshot.storage.k8s.io`,
  `${snapshots}: get,list,watch,update,patch,delete volumesnapshots.snapshot.storage.k8s.io`,
  `${snapshots}: update,patch volumesnapshots/status.snapshot.storage.k8s.io`,
  "ClusterRoleBinding corekube:snapshot-controller: ServiceAccount kube-system/snapshot-controller -> ClusterRole corekube:snapshot-controller",
  "Role kube-system/corekube:snapshot-controller: get,list,watch,create,update,delete leases.coordination.k8s.io",
  "RoleBinding kube-system/corekube:snapshot-controller: ServiceAccount kube-system/snapshot-controller -> Role corekube:snapshot-controller",
];

const own: Readonly<Record<"aws" | "digitalocean", readonly string[]>> = {
  aws: [
    ...csi("ebs-csi-controller"),
    "ClusterRole corekube:ebs-csi-node: get,list,watch nodes",
    "ClusterRole corekube:ebs-csi-node: get,list,watch volumeattachments.storage.k8s.io",
    "ClusterRole corekube:ebs-csi-node: get csinodes.storage.k8s.io",
    "ClusterRoleBinding corekube:ebs-csi-node: ServiceAccount kube-system/ebs-csi-node -> ClusterRole corekube:ebs-csi-node",
    // It works in the name of Kubernetes' own controllers.
    "Role kube-system/corekube:cloud-controller-manager: create serviceaccounts",
    `Role kube-system/corekube:cloud-controller-manager: get ${accounts}`,
    `Role kube-system/corekube:cloud-controller-manager: create ${accounts.replace(" ", "/token ")}`,
  ],
  digitalocean: [
    ...csi("do-csi-controller"),
    "ClusterRole corekube:cloud-controller-manager: update,patch,delete nodes",
    "ClusterRole corekube:cloud-controller-manager: update,patch nodes/status,services,services/status",
  ],
};

describe("rights in the cluster", function () {
  this.timeout(runTimeout);
  before(() => {
    setToken();
  });

  for (const cloud of ["aws", "digitalocean"] as const)
    it(`are these on ${cloud}`, async () => {
      assert.deepEqual(
        rightsOf(await runProgram(cloudSpec(cloud))).sort(),
        [...common, ...snapshotController, ...own[cloud]].sort(),
      );
    });
});

/** Rights that machines need beyond what Kubernetes grants by itself: joining, renewing, and API server to kubelet. */
import * as kubernetes from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { csrApprover, kubeletClient } from "../pki/subjects.js";
import { machineNames } from "../spec/names.js";
import { type AddonContext, objectName } from "./context.js";

interface Binding {
  readonly name: string;
  readonly role: string;
  readonly subject: { readonly kind: "Group" | "User"; readonly name: string };
}

const group = (name: string): Binding["subject"] => ({ kind: "Group", name });

/** Group of everyone who holds a bootstrap token: workers before they have a certificate. */
const bootstrappers = group("system:bootstrappers");

const bindings: readonly Binding[] = [
  { name: "kubelet-bootstrap", role: "system:node-bootstrapper", subject: bootstrappers },
  {
    name: "kubelet-first-certificate",
    role: "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    subject: bootstrappers,
  },
  {
    name: "kubelet-certificate-renewal",
    role: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    subject: group("system:nodes"),
  },
  // Logs, exec and port-forward.
  {
    name: "apiserver-to-kubelet",
    role: "system:kubelet-api-admin",
    subject: { kind: "User", name: kubeletClient.commonName },
  },
];

/** Role of the approver of kubelets' serving certificates: of that signer, and no other. */
const approverRole = "corekube:csr-approver";

const approverRules = (controllers: string[]): kubernetes.types.input.rbac.v1.PolicyRule[] => [
  { apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests/approval"], verbs: ["update"] },
  {
    apiGroups: ["certificates.k8s.io"],
    resources: ["signers"],
    resourceNames: ["kubernetes.io/kubelet-serving"],
    verbs: ["approve"],
  },
  // To compare addresses.
  { apiGroups: [""], resources: ["nodes"], verbs: ["list"] },
  // A controller that is replaced takes its Node with it.
  { apiGroups: [""], resources: ["nodes"], resourceNames: controllers, verbs: ["delete"] },
];

/** The bindings; a worker joins only after all of them. */
export function createRbac(context: AddonContext): readonly pulumi.Resource[] {
  const approver = new kubernetes.rbac.v1.ClusterRole(
    objectName(context, "csr-approver"),
    {
      metadata: { name: approverRole },
      rules: approverRules([...machineNames(context.spec.name, context.spec.controllers)]),
    },
    context.opts,
  );
  const all: readonly Binding[] = [
    ...bindings,
    { name: "csr-approver", role: approverRole, subject: { kind: "User", name: csrApprover.commonName } },
  ];
  const made = all.map(
    ({ name, role, subject }) =>
      new kubernetes.rbac.v1.ClusterRoleBinding(
        objectName(context, name),
        {
          metadata: { name: `corekube:${name}` },
          roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
          subjects: [{ apiGroup: "rbac.authorization.k8s.io", ...subject }],
        },
        context.opts,
      ),
  );
  return [approver, ...made];
}

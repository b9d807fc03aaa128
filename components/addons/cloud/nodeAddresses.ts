/**
 * Addresses of nodes as facts: what the cloud controller manager says of a node, and not what the node says of itself.
 *
 * A kubelet may write the status of its own Node. The approver of kubelets' serving certificates believes the addresses in it
 * (`nodeconfig/scripts/approve.ts`), so that a stolen node could have a certificate for any name. With this rule it cannot add any.
 */
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type AddonContext, objectName } from "../context.js";

const name = "corekube-node-addresses";

/** A private address is compared by the approver itself; a node's own name is its own. */
export const addressRule =
  "variables.after.all(a, a.type == 'InternalIP' || (a.type == 'Hostname' && a.address == object.metadata.name) || variables.before.exists(b, b.type == a.type && b.address == a.address))";

const addressesOf = (node: string): string =>
  `has(${node}.status) && has(${node}.status.addresses) ? ${node}.status.addresses : []`;

/** The specification of the policy; a test shows it to an API server. */
export const addressPolicy = {
  // An API server that cannot ask refuses: the kubelet tries again.
  failurePolicy: "Fail",
  matchConstraints: {
    resourceRules: [
      {
        apiGroups: [""],
        apiVersions: ["v1"],
        operations: ["CREATE", "UPDATE"],
        resources: ["nodes", "nodes/status"],
        scope: "Cluster",
      },
    ],
  },
  matchConditions: [{ name: "kubelets", expression: "'system:nodes' in request.userInfo.groups" }],
  variables: [
    { name: "before", expression: `oldObject == null ? [] : (${addressesOf("oldObject")})` },
    { name: "after", expression: addressesOf("object") },
  ],
  validations: [
    {
      expression: addressRule,
      message:
        "a node may tell its private address and its own name; all other addresses are told by the cloud controller manager",
    },
  ],
};

/** Answers with what must be there before a node is given an address that its kubelet must not invent. */
export function createNodeAddressRule(context: AddonContext): readonly pulumi.Resource[] {
  const { opts } = context;
  const policy = new kubernetes.admissionregistration.v1.ValidatingAdmissionPolicy(
    objectName(context, "node-addresses"),
    { metadata: { name }, spec: addressPolicy },
    opts,
  );
  const binding = new kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
    objectName(context, "node-addresses"),
    { metadata: { name }, spec: { policyName: name, validationActions: ["Deny"] } },
    pulumi.mergeOptions(opts, { dependsOn: [policy] }),
  );
  return [policy, binding];
}

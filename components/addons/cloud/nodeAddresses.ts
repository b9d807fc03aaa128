/**
 * Trusted addresses of nodes: only the cloud controller manager may set them, not the node itself.
 *
 * A kubelet may write the status of its own Node. The approver of kubelets' serving certificates trusts the addresses in it
 * (`nodeconfig/scripts/approve.ts`), so that a stolen node could get a certificate for any name. With this policy it cannot add any.
 */
import type { Addon } from "../addon.js";

const policyName = "corekube-node-addresses";

/** The approver itself compares private addresses, and a node may have its own name. */
const addressRule =
  "variables.after.all(a, a.type == 'InternalIP' || (a.type == 'Hostname' && a.address == object.metadata.name) || variables.before.exists(b, b.type == a.type && b.address == a.address))";

const addressesOf = (node: string): string =>
  `has(${node}.status) && has(${node}.status.addresses) ? ${node}.status.addresses : []`;

/** Specification of the policy. A test runs it in an API server. */
export const addressPolicy = {
  // An API server that cannot evaluate the policy refuses; the kubelet tries again.
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
        "a node may set its private address and its own name only; the cloud controller manager sets all other addresses",
    },
  ],
};

export const nodeAddresses: Addon = {
  name: "node-addresses",
  needs: [],
  partOf: ({ cloudProvider }) => cloudProvider !== "none",
  parts: () => ({
    objects: [
      {
        kind: "ValidatingAdmissionPolicy",
        id: "node-addresses",
        args: { metadata: { name: policyName }, spec: addressPolicy },
      },
      {
        kind: "ValidatingAdmissionPolicyBinding",
        id: "node-addresses",
        args: { metadata: { name: policyName }, spec: { policyName, validationActions: ["Deny"] } },
      },
    ],
  }),
};

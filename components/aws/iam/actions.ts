/**
 * What the cluster's own components may do on AWS: each action with its reason, and as narrow as the service lets it be.
 *
 * Only controllers have a role: the cloud controller manager and the CSI driver's controller run there, on the host's network. Workers and etcd have
 * none, and so no credentials to lose: with an external cloud provider the kubelet asks AWS nothing, the CSI driver's node part learns its place from its Node, and
 * images of private registries on ECR need a credential helper that machines do not have.
 *
 * From the calls in the source of cloud-provider-aws v1.36.0 (`pkg/providers/v1`), with the flags that the cluster gives it (no routes in the cloud), and from
 * the example policy of the EBS CSI driver, without snapshots, since no snapshot controller is in the cluster.
 */

/**
 * On what an action is allowed.
 *
 * `everything`: it only reads, and the service knows no narrower way. `owned`: what has the cluster's tag. `making`: what gets the cluster's tag with the same
 * request. `machine`: instances of the cluster. `tagging`: the tags of such a request. `network`: the cluster's network. `driverOwned`, `driverMaking`: the same with the CSI driver's tag as
 * well, so that volumes of etcd are none of them. `serviceRole`: the role of the load balancing service itself.
 */
export type Scope =
  | "everything"
  | "owned"
  | "making"
  | "machine"
  | "tagging"
  | "network"
  | "driverOwned"
  | "driverMaking"
  | "serviceRole";

export interface Permission {
  /** Service and action, such as `ec2:CreateVolume`. */
  readonly action: string;
  readonly scope: Scope;
  /** Service and kind, such as `ec2:volume/*`; `*` for all. */
  readonly resource: string;
  readonly reason: string;
}

const on = (scope: Scope, resource: string, actions: readonly string[], reason: string): readonly Permission[] =>
  actions.map((action) => ({ action, scope, resource, reason }));
const reads = (actions: readonly string[], reason: string): readonly Permission[] =>
  on("everything", "*", actions, reason);

const group = "ec2:security-group/*";
const balancer = "elasticloadbalancing:*";
const volume = "ec2:volume/*";

/** The cloud controller manager: nodes, and load balancers of Services. */
export const cloudControllerManager: readonly Permission[] = [
  ...reads(["ec2:DescribeInstances"], "addresses, type and zone of nodes, and whether a node's machine is gone"),
  ...reads(["ec2:DescribeAvailabilityZones"], "the id of a node's zone, for its label"),
  ...reads(
    ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeRouteTables"],
    "where a Service's load balancer can be, and which of the subnets are public",
  ),
  ...on("making", group, ["ec2:CreateSecurityGroup"], "a group for a Service's load balancer"),
  ...on("network", "ec2:vpc", ["ec2:CreateSecurityGroup"], "the network in which that group is"),
  ...on("tagging", group, ["ec2:CreateTags"], "the tags of that group, and no other's"),
  ...on(
    "owned",
    group,
    ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress", "ec2:DeleteSecurityGroup"],
    "ports of a Service, open on its load balancer and from there on nodes",
  ),
  ...reads(
    [
      "elasticloadbalancing:DescribeLoadBalancers",
      "elasticloadbalancing:DescribeLoadBalancerAttributes",
      "elasticloadbalancing:DescribeLoadBalancerPolicies",
      "elasticloadbalancing:DescribeListeners",
      "elasticloadbalancing:DescribeTargetGroups",
      "elasticloadbalancing:DescribeTargetGroupAttributes",
      "elasticloadbalancing:DescribeTargetHealth",
    ],
    "what there is of a Service's load balancer",
  ),
  ...on(
    "making",
    balancer,
    ["elasticloadbalancing:CreateLoadBalancer", "elasticloadbalancing:CreateTargetGroup"],
    "a Service's load balancer",
  ),
  ...on(
    "tagging",
    balancer,
    ["elasticloadbalancing:AddTags"],
    "the tags of what is made for a Service, and of nothing else",
  ),
  ...on(
    "owned",
    balancer,
    [
      "elasticloadbalancing:AddTags",
      "elasticloadbalancing:ApplySecurityGroupsToLoadBalancer",
      "elasticloadbalancing:AttachLoadBalancerToSubnets",
      "elasticloadbalancing:ConfigureHealthCheck",
      "elasticloadbalancing:CreateListener",
      "elasticloadbalancing:CreateLoadBalancerListeners",
      "elasticloadbalancing:CreateLoadBalancerPolicy",
      "elasticloadbalancing:DeleteListener",
      "elasticloadbalancing:DeleteLoadBalancer",
      "elasticloadbalancing:DeleteLoadBalancerListeners",
      "elasticloadbalancing:DeleteTargetGroup",
      "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
      "elasticloadbalancing:DeregisterTargets",
      "elasticloadbalancing:DetachLoadBalancerFromSubnets",
      "elasticloadbalancing:ModifyListener",
      "elasticloadbalancing:ModifyLoadBalancerAttributes",
      "elasticloadbalancing:ModifyTargetGroup",
      "elasticloadbalancing:ModifyTargetGroupAttributes",
      "elasticloadbalancing:RegisterInstancesWithLoadBalancer",
      "elasticloadbalancing:RegisterTargets",
      "elasticloadbalancing:SetLoadBalancerPoliciesForBackendServer",
      "elasticloadbalancing:SetLoadBalancerPoliciesOfListener",
    ],
    "a Service's load balancer follows its ports, its annotations and the nodes, and goes with it",
  ),
  ...on(
    "serviceRole",
    "iam:role",
    ["iam:CreateServiceLinkedRole"],
    "the first load balancer of an account makes the role of the service",
  ),
];

/** The controller of the EBS CSI driver: volumes of claims. */
export const ebsCsiController: readonly Permission[] = [
  ...reads(
    [
      "ec2:DescribeAvailabilityZones",
      "ec2:DescribeInstances",
      "ec2:DescribeVolumes",
      "ec2:DescribeVolumesModifications",
      "ec2:DescribeVolumeStatus",
    ],
    "where a volume can be, and what has become of it",
  ),
  ...on("driverMaking", volume, ["ec2:CreateVolume"], "a claim's volume"),
  ...on("tagging", volume, ["ec2:CreateTags"], "its tags, and no other's"),
  ...on("driverOwned", volume, ["ec2:AttachVolume", "ec2:DetachVolume"], "a claim's volume goes with its pod"),
  ...on(
    "machine",
    "ec2:instance/*",
    ["ec2:AttachVolume", "ec2:DetachVolume"],
    "to a node of the cluster, and no other machine",
  ),
  ...on("driverOwned", volume, ["ec2:ModifyVolume"], "a claim grows"),
  ...on("driverOwned", volume, ["ec2:DeleteVolume"], "a claim's volume goes with it"),
];

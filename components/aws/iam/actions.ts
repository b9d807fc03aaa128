/**
 * Permissions of the cluster's components on AWS: each action with its reason, as narrow as the service supports.
 *
 * Only controllers have a role: the cloud controller manager and the CSI driver's controller run there, on the host network. Workers and etcd
 * members have none, and so no credentials that could leak: with an external cloud provider the kubelet does not call AWS, the CSI
 * driver's node plugin reads its zone from its Node, and private registries on ECR need a credential helper that machines do not have.
 *
 * Sources: the calls in cloud-provider-aws v1.36.1 (`pkg/providers/v1`) with the cluster's flags (no routes in the cloud), and the
 * example policy of the EBS CSI driver.
 */

/**
 * Resources on which an action is allowed.
 *
 * `everything`: reads that the service cannot restrict. `owned`: resources with the cluster's tag. `making`: resources that get the
 * cluster's tag in the same request. `machine`: instances of the cluster. `tagging`: the tags of such a request. `network`: the
 * cluster's network. `driverOwned`, `driverMaking`: the same with the CSI driver's tag as well, which excludes etcd's volumes.
 * `serviceRole`: the service-linked role of Elastic Load Balancing. `encryption`: a key, through EC2 only. `grant`: a key, to pass it on to
 * a service of AWS only.
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
  | "serviceRole"
  | "encryption"
  | "grant";

export interface Permission {
  /** Service and action, such as `ec2:CreateVolume`. */
  readonly action: string;
  readonly scope: Scope;
  /** Service and kind, such as `ec2:volume/*`; a whole ARN; `*` for all. */
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
const snapshot = "ec2:snapshot/*";

/** The cloud controller manager: nodes, and load balancers of Services. */
export const cloudControllerManager: readonly Permission[] = [
  ...reads(["ec2:DescribeInstances"], "addresses, type and zone of nodes, and whether a node's machine still exists"),
  ...reads(["ec2:DescribeAvailabilityZones"], "the id of a node's zone, for its label"),
  ...reads(
    ["ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeRouteTables"],
    "subnets in which a Service's load balancer can be created, and which of them are public",
  ),
  ...on("making", group, ["ec2:CreateSecurityGroup"], "the security group of a Service's load balancer"),
  ...on("network", "ec2:vpc", ["ec2:CreateSecurityGroup"], "the network of that group"),
  ...on("tagging", group, ["ec2:CreateTags"], "tags of that group only"),
  ...on(
    "owned",
    group,
    ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress", "ec2:DeleteSecurityGroup"],
    "ports of a Service, opened on its load balancer and from there to nodes",
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
    "the current state of a Service's load balancer",
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
    "tags of the resources that are created for a Service only",
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
    "updates of a Service's load balancer (ports, annotations, nodes), and its deletion",
  ),
  ...on(
    "serviceRole",
    "iam:role",
    ["iam:CreateServiceLinkedRole"],
    "the first load balancer of an account creates the service-linked role",
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
    "zones in which a volume can be created, and its state",
  ),
  ...on("driverMaking", volume, ["ec2:CreateVolume"], "creation of a claim's volume"),
  ...on("tagging", volume, ["ec2:CreateTags"], "tags of that volume only"),
  ...on(
    "driverOwned",
    volume,
    ["ec2:AttachVolume", "ec2:DetachVolume"],
    "a claim's volume is attached where its pod runs",
  ),
  ...on("machine", "ec2:instance/*", ["ec2:AttachVolume", "ec2:DetachVolume"], "nodes of the cluster only"),
  ...on("driverOwned", volume, ["ec2:ModifyVolume"], "expansion of a claim"),
  ...on("driverOwned", volume, ["ec2:DeleteVolume"], "deletion of a claim's volume"),
];

/** The same controller, where the cluster has snapshots of volumes. Snapshots that others made are not read: anything may be in them. */
export const ebsSnapshots: readonly Permission[] = [
  ...reads(["ec2:DescribeSnapshots"], "whether a snapshot is complete"),
  ...on("driverOwned", volume, ["ec2:CreateSnapshot"], "the volume of a claim that a snapshot is made of"),
  ...on("driverMaking", snapshot, ["ec2:CreateSnapshot"], "creation of a claim's snapshot"),
  ...on("tagging", snapshot, ["ec2:CreateTags"], "tags of that snapshot only"),
  ...on("driverOwned", snapshot, ["ec2:CreateVolume"], "a claim whose volume begins as a copy of a snapshot"),
  ...on("driverOwned", snapshot, ["ec2:DeleteSnapshot"], "deletion of a claim's snapshot"),
];

/**
 * Keys of users with which volumes of claims are encrypted; AWS's own key needs no permission.
 * https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html#ebs-encryption-permissions
 */
export const encryptionKeys = (arns: readonly string[]): readonly Permission[] =>
  arns.flatMap((arn) => [
    ...on(
      "encryption",
      arn,
      ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
      "EC2 encrypts a claim's volume in the driver's name",
    ),
    ...on("grant", arn, ["kms:CreateGrant"], "the instance that a volume is attached to decrypts it later"),
  ]);

/** What machines may do on AWS: the least, each with its reason, and every difference to the list that others give explained. */
import assert from "node:assert/strict";
import {
  cloudControllerManager,
  ebsCsiController,
  ebsSnapshots,
  encryptionKeys,
  type Permission,
} from "../../components/aws/iam/actions.js";
import { policyDocument, type PolicyDocument } from "../../components/aws/iam/policy.js";
import { permissionsOf } from "../../components/aws/iam/roles.js";
import { roles } from "../../components/spec/cluster.js";
import { type Run, runProgram, runTimeout } from "./support/registrations.js";
import { awsTestSpec } from "./support/spec.js";

/** Every node's policy in the documentation of an earlier Kubernetes package (1.2.2-1.10.7, "Enabling cloud-provider integration"), on every resource. */
const formerActions = [
  "ec2:CreateTags",
  "ec2:DescribeInstances",
  "ec2:CreateVolume",
  "ec2:DeleteVolume",
  "ec2:AttachVolume",
  "ec2:DetachVolume",
  "ec2:DescribeVolumes",
  "ec2:DescribeVolumeStatus",
  "ec2:DescribeVolumeAttribute",
  "ec2:CreateSnapshot",
  "ec2:CopySnapshot",
  "ec2:DeleteSnapshot",
  "ec2:DescribeSnapshots",
  "ec2:DescribeSnapshotAttribute",
  "ec2:AuthorizeSecurityGroupIngress",
  "ec2:CreateRoute",
  "ec2:CreateSecurityGroup",
  "ec2:DeleteSecurityGroup",
  "ec2:DeleteRoute",
  "ec2:DescribeRouteTables",
  "ec2:DescribeSubnets",
  "ec2:DescribeSecurityGroups",
  "ec2:ModifyInstanceAttribute",
  "ec2:RevokeSecurityGroupIngress",
  "elasticloadbalancing:AttachLoadBalancerToSubnets",
  "elasticloadbalancing:ApplySecurityGroupsToLoadBalancer",
  "elasticloadbalancing:CreateLoadBalancer",
  "elasticloadbalancing:CreateLoadBalancerPolicy",
  "elasticloadbalancing:CreateLoadBalancerListeners",
  "elasticloadbalancing:ConfigureHealthCheck",
  "elasticloadbalancing:DeleteLoadBalancer",
  "elasticloadbalancing:DeleteLoadBalancerListeners",
  "elasticloadbalancing:DescribeLoadBalancers",
  "elasticloadbalancing:DescribeLoadBalancerAttributes",
  "elasticloadbalancing:DetachLoadBalancerFromSubnets",
  "elasticloadbalancing:DeregisterInstancesFromLoadBalancer",
  "elasticloadbalancing:ModifyLoadBalancerAttributes",
  "elasticloadbalancing:RegisterInstancesWithLoadBalancer",
  "elasticloadbalancing:SetLoadBalancerPoliciesForBackendServer",
];

const routes = "pods are reached through the overlay network: nothing writes routes of the cloud";

/** In the list, not here. */
const leftOut: Readonly<Record<string, string>> = {
  "ec2:CopySnapshot": "snapshots stay in their region: the CSI driver copies none",
  "ec2:DescribeSnapshotAttribute": "nothing shares snapshots with other accounts",
  "ec2:DescribeVolumeAttribute": "nothing calls it any more: the CSI driver reads volumes by DescribeVolumes",
  "ec2:CreateRoute": routes,
  "ec2:DeleteRoute": routes,
  "ec2:ModifyInstanceAttribute": "only to let instances forward packets of routes in the cloud, which are not used",
};

const network = "network load balancers, which Services can ask for, came after the list";
const observed = "network load balancers came after the list; it only reads";

/** Here, not in the list. */
const added: Readonly<Record<string, string>> = {
  "ec2:DescribeAvailabilityZones": "zone ids are labels of nodes, and the CSI driver asks where a volume can be",
  "ec2:DescribeVolumesModifications": "the CSI driver waits until a grown volume is grown",
  "ec2:ModifyVolume": "claims grow; volumes of the plugin that the list was made for did not",
  "elasticloadbalancing:AddTags":
    "load balancers get their tags at creation, which AWS has since made a permission of its own",
  "elasticloadbalancing:DescribeLoadBalancerPolicies":
    "policies of classic load balancers are compared before they are set",
  "elasticloadbalancing:SetLoadBalancerPoliciesOfListener":
    "TLS policies of classic load balancers came after the list",
  "elasticloadbalancing:CreateListener": network,
  "elasticloadbalancing:DeleteListener": network,
  "elasticloadbalancing:ModifyListener": network,
  "elasticloadbalancing:CreateTargetGroup": network,
  "elasticloadbalancing:DeleteTargetGroup": network,
  "elasticloadbalancing:ModifyTargetGroup": network,
  "elasticloadbalancing:ModifyTargetGroupAttributes": network,
  "elasticloadbalancing:RegisterTargets": network,
  "elasticloadbalancing:DeregisterTargets": network,
  "elasticloadbalancing:DescribeListeners": observed,
  "elasticloadbalancing:DescribeTargetGroups": observed,
  "elasticloadbalancing:DescribeTargetGroupAttributes": observed,
  "elasticloadbalancing:DescribeTargetHealth": observed,
  "iam:CreateServiceLinkedRole": "accounts have no role of the load balancing service before their first load balancer",
};

const all = [...cloudControllerManager, ...ebsCsiController, ...ebsSnapshots];
const longestArn = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890a";
const ours = [...new Set(all.map(({ action }) => action))];
const scope = { cluster: "dev", region: "eu-central-1", vpcId: "vpc-1" };
const document = (permissions: readonly Permission[] = all): PolicyDocument => policyDocument(permissions, scope);

const requestTag = { "aws:RequestTag/kubernetes.io/cluster/dev": "owned" };
const resourceTag = { "aws:ResourceTag/kubernetes.io/cluster/dev": "owned" };
const driver = (kind: "Request" | "Resource") => ({ [`aws:${kind}Tag/ebs.csi.aws.com/cluster`]: "true" });

describe("IAM", function () {
  this.timeout(runTimeout);

  it("explains each action of the former list that is not here, and no other", () => {
    assert.deepEqual(formerActions.filter((action) => !ours.includes(action)).sort(), Object.keys(leftOut).sort());
  });

  it("explains each action that is not in the former list, and no other", () => {
    assert.deepEqual(ours.filter((action) => !formerActions.includes(action)).sort(), Object.keys(added).sort());
  });

  it("has a reason for each action, names it in full, and names it once for each scope", () => {
    for (const { action, reason } of [...all, ...encryptionKeys([`${longestArn}a`])]) {
      assert.match(action, /^[a-z0-9]+:[A-Z][A-Za-z]+$/);
      assert.ok(reason.length > 8, action);
    }
    for (const list of [cloudControllerManager, ebsCsiController, ebsSnapshots]) {
      const keys = list.map(({ action, scope, resource }) => `${action} ${scope} ${resource}`);
      assert.equal(new Set(keys).size, keys.length);
    }
  });

  it("lets everything be read only, and changes what is the cluster's alone", () => {
    for (const { Action, Resource, Condition } of document().Statement) {
      const reads = Action.every((action) => /:Describe/.test(action));
      assert.equal(Resource === "*", reads, Action.join());
      if (reads) continue;
      const conditions = JSON.stringify(Condition ?? {});
      const scoped =
        /Tag\/kubernetes\.io\/cluster\/dev":"owned"|ResourceTag\/KubernetesCluster":"dev"|AWSServiceName":"elasticloadbalancing/.test(
          conditions,
        ) || Resource === "arn:aws:ec2:eu-central-1:*:vpc/vpc-1";
      assert.ok(scoped, `${Action.join()} on ${Resource} with ${conditions}`);
    }
  });

  it("reaches no volume of etcd: they have not the driver's tag", () => {
    const volumes = document().Statement.filter(({ Resource }) => Resource.endsWith(":volume/*"));
    assert.ok(volumes.length >= 3);
    for (const { Action, Condition } of volumes) {
      const conditions = JSON.stringify(Condition);
      assert.ok(
        /Tag\/ebs\.csi\.aws\.com\/cluster":"true"/.test(conditions) || Action.join() === "ec2:CreateTags",
        Action.join(),
      );
    }
  });

  it("tags only what is made by the same request", () => {
    const tagging = document().Statement.filter(({ Action }) => Action.includes("ec2:CreateTags"));
    assert.equal(tagging.length, 3);
    for (const { Condition } of tagging)
      assert.deepEqual(Object.keys(Condition!["StringEquals"]!), [
        "aws:RequestTag/kubernetes.io/cluster/dev",
        "ec2:CreateAction",
      ]);
  });

  const ec2Creations = ["CreateSecurityGroup", "CreateSnapshot", "CreateVolume"];

  /** Actions, on what, and under which condition: repeated here on purpose, so that no right grows by accident. */
  const granted: readonly (readonly [actions: string, resource: string, condition: object | undefined])[] = [
    [
      "ec2:DescribeAvailabilityZones ec2:DescribeInstances ec2:DescribeRouteTables ec2:DescribeSecurityGroups ec2:DescribeSnapshots ec2:DescribeSubnets ec2:DescribeVolumeStatus ec2:DescribeVolumes ec2:DescribeVolumesModifications elasticloadbalancing:DescribeListeners elasticloadbalancing:DescribeLoadBalancerAttributes elasticloadbalancing:DescribeLoadBalancerPolicies elasticloadbalancing:DescribeLoadBalancers elasticloadbalancing:DescribeTargetGroupAttributes elasticloadbalancing:DescribeTargetGroups elasticloadbalancing:DescribeTargetHealth",
      "*",
      undefined,
    ],
    ["ec2:CreateSecurityGroup", "arn:aws:ec2:eu-central-1:*:security-group/*", { StringEquals: requestTag }],
    ["ec2:CreateSecurityGroup", "arn:aws:ec2:eu-central-1:*:vpc/vpc-1", undefined],
    [
      "ec2:CreateTags",
      "arn:aws:ec2:eu-central-1:*:security-group/*",
      { StringEquals: { ...requestTag, "ec2:CreateAction": ec2Creations } },
    ],
    [
      "ec2:AuthorizeSecurityGroupIngress ec2:DeleteSecurityGroup ec2:RevokeSecurityGroupIngress",
      "arn:aws:ec2:eu-central-1:*:security-group/*",
      { StringEquals: resourceTag },
    ],
    [
      "elasticloadbalancing:CreateLoadBalancer elasticloadbalancing:CreateTargetGroup",
      "arn:aws:elasticloadbalancing:eu-central-1:*:*",
      { StringEquals: requestTag },
    ],
    [
      "elasticloadbalancing:AddTags",
      "arn:aws:elasticloadbalancing:eu-central-1:*:*",
      {
        StringEquals: {
          ...requestTag,
          "elasticloadbalancing:CreateAction": ["CreateLoadBalancer", "CreateTargetGroup", "CreateListener"],
        },
      },
    ],
    [
      "elasticloadbalancing:AddTags elasticloadbalancing:ApplySecurityGroupsToLoadBalancer elasticloadbalancing:AttachLoadBalancerToSubnets elasticloadbalancing:ConfigureHealthCheck elasticloadbalancing:CreateListener elasticloadbalancing:CreateLoadBalancerListeners elasticloadbalancing:CreateLoadBalancerPolicy elasticloadbalancing:DeleteListener elasticloadbalancing:DeleteLoadBalancer elasticloadbalancing:DeleteLoadBalancerListeners elasticloadbalancing:DeleteTargetGroup elasticloadbalancing:DeregisterInstancesFromLoadBalancer elasticloadbalancing:DeregisterTargets elasticloadbalancing:DetachLoadBalancerFromSubnets elasticloadbalancing:ModifyListener elasticloadbalancing:ModifyLoadBalancerAttributes elasticloadbalancing:ModifyTargetGroup elasticloadbalancing:ModifyTargetGroupAttributes elasticloadbalancing:RegisterInstancesWithLoadBalancer elasticloadbalancing:RegisterTargets elasticloadbalancing:SetLoadBalancerPoliciesForBackendServer elasticloadbalancing:SetLoadBalancerPoliciesOfListener",
      "arn:aws:elasticloadbalancing:eu-central-1:*:*",
      { StringEquals: resourceTag },
    ],
    [
      "iam:CreateServiceLinkedRole",
      "arn:aws:iam::*:role/aws-service-role/elasticloadbalancing.amazonaws.com/*",
      { StringEquals: { "iam:AWSServiceName": "elasticloadbalancing.amazonaws.com" } },
    ],
    [
      "ec2:CreateVolume",
      "arn:aws:ec2:eu-central-1:*:volume/*",
      { StringEquals: { ...requestTag, ...driver("Request") } },
    ],
    [
      "ec2:CreateTags",
      "arn:aws:ec2:eu-central-1:*:volume/*",
      { StringEquals: { ...requestTag, "ec2:CreateAction": ec2Creations } },
    ],
    [
      "ec2:AttachVolume ec2:CreateSnapshot ec2:DeleteVolume ec2:DetachVolume ec2:ModifyVolume",
      "arn:aws:ec2:eu-central-1:*:volume/*",
      { StringEquals: { ...resourceTag, ...driver("Resource") } },
    ],
    [
      "ec2:AttachVolume ec2:DetachVolume",
      "arn:aws:ec2:eu-central-1:*:instance/*",
      { StringEquals: { "aws:ResourceTag/KubernetesCluster": "dev" } },
    ],
    [
      "ec2:CreateSnapshot",
      "arn:aws:ec2:eu-central-1:*:snapshot/*",
      { StringEquals: { ...requestTag, ...driver("Request") } },
    ],
    [
      "ec2:CreateTags",
      "arn:aws:ec2:eu-central-1:*:snapshot/*",
      { StringEquals: { ...requestTag, "ec2:CreateAction": ec2Creations } },
    ],
    [
      "ec2:CreateVolume ec2:DeleteSnapshot",
      "arn:aws:ec2:eu-central-1:*:snapshot/*",
      { StringEquals: { ...resourceTag, ...driver("Resource") } },
    ],
  ];

  it("grants exactly this", () => {
    const { Version, Statement } = document();
    assert.equal(Version, "2012-10-17");
    for (const { Effect } of Statement) assert.equal(Effect, "Allow");
    assert.deepEqual(
      Statement.map(({ Action, Resource, Condition }) => [Action.join(" "), Resource, Condition]),
      granted,
    );
  });

  it("gives only controllers a role, and only where something asks AWS", () => {
    const spec = awsTestSpec();
    for (const role of roles) assert.equal(permissionsOf(spec, role).length > 0, role === "controller");
    assert.deepEqual(
      roles.flatMap((role) => permissionsOf({ ...spec, cloudProvider: "none" }, role)),
      [],
    );
  });

  it("lets controllers make snapshots only where the cluster has them", () => {
    const { addons, ...spec } = awsTestSpec();
    const of = (enabled: boolean) =>
      permissionsOf(
        { ...spec, addons: { ...addons, volume_snapshots: { ...addons.volume_snapshots, enabled } } },
        "controller",
      )
        .map(({ action }) => action)
        .filter((action) => action.includes("Snapshot"));
    assert.deepEqual([...new Set(of(true))].sort(), [
      "ec2:CreateSnapshot",
      "ec2:DeleteSnapshot",
      "ec2:DescribeSnapshots",
    ]);
    assert.deepEqual(of(false), []);
  });

  it("uses users' keys as AWS says that EBS needs: through EC2 alone, and grants for services of AWS alone", () => {
    const arn = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    const permissions = permissionsOf(awsTestSpec({ aws: { volumeKeyArns: [arn] } }), "controller");
    const onKey = document(permissions).Statement.filter(({ Resource }) => Resource === arn);
    assert.deepEqual(
      Object.fromEntries(onKey.flatMap(({ Action, Condition }) => Action.map((action) => [action, Condition]))),
      {
        "kms:CreateGrant": { Bool: { "kms:GrantIsForAWSResource": "true" } },
        ...Object.fromEntries(
          ["Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo"].map(
            (action) => [`kms:${action}`, { StringEquals: { "kms:ViaService": "ec2.eu-central-1.amazonaws.com" } }],
          ),
        ),
      },
    );
    assert.deepEqual(
      permissionsOf(awsTestSpec(), "controller").filter(({ action }) => action.startsWith("kms:")),
      [],
    );
  });

  describe("of a cluster", () => {
    let run: Run;
    before(async () => {
      const volumeKeyArns = ["a", "b", "c", "d", "e"].map((end) => `${longestArn}${end}`);
      run = await runProgram(awsTestSpec({ name: "a".repeat(40), aws: { volumeKeyArns } }));
    });

    it("fits into what AWS takes: names of 64 characters, policies of 10,240", () => {
      const role = run.registrations.find(({ type }) => type === "aws:iam/role:Role")!.inputs;
      assert.equal(role["name"], `${"a".repeat(40)}-eu-central-1-controller`);
      assert.equal(String(role["name"]).length, 64);
      assert.equal(role["description"], `Machines of ${"a".repeat(40)}: controller`);
      const [policy] = run.of("RolePolicy");
      assert.ok(String(policy!.inputs["policy"]).length <= 10_240, String(String(policy!.inputs["policy"]).length));
    });

    it("is for its own cluster, region and network", () => {
      const { Statement } = JSON.parse(String(run.of("RolePolicy")[0]!.inputs["policy"])) as PolicyDocument;
      const text = JSON.stringify(Statement);
      assert.ok(text.includes(`"aws:ResourceTag/kubernetes.io/cluster/${"a".repeat(40)}":"owned"`));
      assert.ok(
        Statement.some(({ Resource }) => Resource === `arn:aws:ec2:eu-central-1:*:vpc/vpc-${"a".repeat(40)}`),
        text,
      );
      assert.ok(!text.includes("undefined"));
    });

    it("lets EC2, and nobody else, give it to machines", () => {
      const role = run.registrations.find(({ type }) => type === "aws:iam/role:Role")!.inputs;
      assert.deepEqual(JSON.parse(String(role["assumeRolePolicy"])), {
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
      });
      assert.equal(run.of("RolePolicy")[0]!.inputs["role"], role["name"]);
      const [profile] = run.of("InstanceProfile");
      assert.equal(profile!.inputs["role"], role["name"]);
      assert.ok(profile!.dependsOn.some((key) => key.startsWith("aws:iam/rolePolicy:RolePolicy/")));
      for (const { inputs } of [profile!, run.registrations.find(({ type }) => type === "aws:iam/role:Role")!])
        assert.equal((inputs["tags"] as Record<string, string>)["Name"], `${"a".repeat(40)}-controller`);
    });

    it("is not there without a cloud provider", async () => {
      const { registrations } = await runProgram(awsTestSpec({ cloudProvider: "none", csiDriver: false }));
      assert.deepEqual(
        registrations.filter(({ type, inputs }) => type.startsWith("aws:iam/") || "iamInstanceProfile" in inputs),
        [],
      );
    });

    it("is on controllers alone", () => {
      assert.deepEqual(
        run
          .of("Instance")
          .filter(({ inputs }) => "iamInstanceProfile" in inputs)
          .map(({ name }) => name),
        [`${"a".repeat(40)}-controller-0`],
      );
      assert.deepEqual(
        run.registrations.filter(({ type }) => type.startsWith("aws:iam/")).map(({ name }) => name),
        Array(3).fill(`${"a".repeat(40)}-controller`),
      );
    });
  });
});

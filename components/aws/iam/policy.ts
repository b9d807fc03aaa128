/** The policy document of a list of permissions. Pure. */
import { clusterTag } from "../names.js";
import type { Permission, Scope } from "./actions.js";

export interface PolicyScope {
  readonly cluster: string;
  readonly region: string;
  readonly vpcId: string;
}

interface Statement {
  readonly Effect: "Allow";
  readonly Action: readonly string[];
  readonly Resource: string;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly Statement[];
}

/** Tag that the EBS CSI driver gives its volumes and snapshots: https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/tagging.md */
const driverTag = "ebs.csi.aws.com/cluster";

/** Principal of the service-linked role of Elastic Load Balancing. */
const balancingService = "elasticloadbalancing.amazonaws.com";

/** Requests in which tags may be set, by service. */
const creations: Readonly<Record<string, readonly string[]>> = {
  ec2: ["CreateSecurityGroup", "CreateSnapshot", "CreateVolume"],
  elasticloadbalancing: ["CreateLoadBalancer", "CreateTargetGroup", "CreateListener"],
};

function condition(scope: Scope, service: string, { cluster, region }: PolicyScope): Statement["Condition"] {
  const tag = clusterTag(cluster);
  switch (scope) {
    case "everything":
    case "network":
      return undefined;
    case "owned":
      return { StringEquals: { [`aws:ResourceTag/${tag}`]: "owned" } };
    case "machine":
      // See `instanceTags`.
      return { StringEquals: { "aws:ResourceTag/KubernetesCluster": cluster } };
    case "making":
      return { StringEquals: { [`aws:RequestTag/${tag}`]: "owned" } };
    case "tagging":
      return { StringEquals: { [`aws:RequestTag/${tag}`]: "owned", [`${service}:CreateAction`]: creations[service]! } };
    case "driverOwned":
      return { StringEquals: { [`aws:ResourceTag/${tag}`]: "owned", [`aws:ResourceTag/${driverTag}`]: "true" } };
    case "driverMaking":
      return { StringEquals: { [`aws:RequestTag/${tag}`]: "owned", [`aws:RequestTag/${driverTag}`]: "true" } };
    case "serviceRole":
      return { StringEquals: { "iam:AWSServiceName": balancingService } };
    case "encryption":
      return { StringEquals: { "kms:ViaService": `ec2.${region}.amazonaws.com` } };
    case "grant":
      return { Bool: { "kms:GrantIsForAWSResource": "true" } };
    default:
      return scope satisfies never;
  }
}

function resourceOf({ scope, resource }: Permission, { region, vpcId }: PolicyScope): string {
  if (resource === "*" || resource.startsWith("arn:")) return resource;
  if (scope === "network") return `arn:aws:ec2:${region}:*:vpc/${vpcId}`;
  if (scope === "serviceRole") return `arn:aws:iam::*:role/aws-service-role/${balancingService}/*`;
  const [service, kind] = resource.split(":");
  return `arn:aws:${service}:${region}:*:${kind}`;
}

/** One statement for all actions with the same resource and condition. */
export function policyDocument(permissions: readonly Permission[], scope: PolicyScope): PolicyDocument {
  const statements = new Map<string, Statement>();
  for (const permission of permissions) {
    const service = permission.action.split(":")[0]!;
    const where = condition(permission.scope, service, scope);
    const place = { Resource: resourceOf(permission, scope), ...(where ? { Condition: where } : {}) };
    const key = JSON.stringify(place);
    const actions = new Set([...(statements.get(key)?.Action ?? []), permission.action]);
    statements.set(key, { Effect: "Allow", Action: [...actions].sort(), ...place });
  }
  return { Version: "2012-10-17", Statement: [...statements.values()] };
}

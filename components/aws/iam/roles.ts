/** IAM roles of machines, with least privilege. */
import * as pulumi from "@pulumi/pulumi";
import { InstanceProfile } from "@pulumi/aws/iam/instanceProfile.js";
import { Role as IamRole } from "@pulumi/aws/iam/role.js";
import { RolePolicy } from "@pulumi/aws/iam/rolePolicy.js";
import type { ClusterSpec, Role } from "../../spec/cluster.js";
import { shortened, type Tags } from "../names.js";
import { cloudControllerManager, ebsCsiController, ebsSnapshots, encryptionKeys, type Permission } from "./actions.js";
import { awsOf } from "../settings.js";
import { policyDocument } from "./policy.js";

/** Longest name of a role. */
const nameLength = 64;

type Spec = Pick<ClusterSpec, "name" | "region" | "cloudProvider" | "csiDriver" | "cloudSettings" | "addons">;

/** Permissions of machines of a role; none if no component on them calls AWS. Those of the CSI driver are included even if users install the driver. */
export function permissionsOf(
  spec: Pick<Spec, "cloudProvider" | "cloudSettings" | "addons">,
  role: Role,
): readonly Permission[] {
  if (role !== "controller" || spec.cloudProvider !== "aws") return [];
  return [
    ...cloudControllerManager,
    ...ebsCsiController,
    ...(spec.addons.volume_snapshots.enabled ? ebsSnapshots : []),
    ...encryptionKeys(awsOf(spec).volumeKeyArns),
  ];
}

export interface InstanceProfileArgs {
  readonly spec: Spec;
  readonly role: Role;
  readonly vpcId: pulumi.Input<string>;
  readonly tags: Tags;
}

/** Creates role, policy and profile as children of `opts.parent`. @returns the profile's name; undefined if the role has no permissions. */
export function createInstanceProfile(
  { spec, role, vpcId, tags }: InstanceProfileArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Output<string> | undefined {
  const permissions = permissionsOf(spec, role);
  if (permissions.length === 0) return undefined;
  const what = `${spec.name}-${role}`;
  // Roles belong to an account, not to a region.
  const name = shortened(`${spec.name}-${spec.region}-${role}`, nameLength);
  const tagged = { ...tags, Name: what };
  const assumeRolePolicy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" }],
  });
  const made = new IamRole(
    what,
    { name, description: `Machines of ${spec.name}: ${role}`, assumeRolePolicy, tags: tagged },
    opts,
  );
  const policy = pulumi
    .output(vpcId)
    .apply((id) => JSON.stringify(policyDocument(permissions, { cluster: spec.name, region: spec.region, vpcId: id })));
  const attached = new RolePolicy(what, { name, role: made.name, policy }, opts);
  return new InstanceProfile(what, { name, role: made.name, tags: tagged }, { ...opts, dependsOn: [attached] }).name;
}

/** The network that exists: it must be as the settings say before anything is made in it. */
import { cidrProblem, contains, overlap } from "../../spec/cidr.js";
import type { ClusterSpec } from "../../spec/cluster.js";
import { clusterTag } from "../names.js";
import type { AwsSpec } from "../settings.js";
import { type Ask, reason, refuse } from "./ask.js";

export interface ExistingNetwork {
  readonly vpcId: string;
  /** Zone to subnet. */
  readonly publicSubnets: ReadonlyMap<string, string>;
  readonly privateSubnets: ReadonlyMap<string, string>;
}

export function zonesOf(network: ExistingNetwork, aws: AwsSpec): readonly string[] {
  return [...(aws.machines === "private" ? network.privateSubnets : network.publicSubnets).keys()].sort();
}

/**
 * Ranges of pods and Services must not be ranges of the network, which has more than `node_cidr` may say. Only before the cluster is made:
 * a range that is added later ends no run.
 */
function checkRanges(spec: ClusterSpec, vpcId: string, ranges: readonly string[]): void {
  for (const [setting, range, other] of [
    ["pod_cidr", spec.podCidr, spec.serviceCidr],
    ["service_cidr", spec.serviceCidr, spec.podCidr],
  ] as const) {
    const taken = ranges.find((each) => overlap(each, range));
    if (taken === undefined) continue;
    const prefix = range.split("/")[1]!;
    const candidates = ["10", "172"].flatMap((first) =>
      Array.from({ length: first === "10" ? 256 : 16 }, (_, index) =>
        first === "10" ? `10.${index}.0.0/${prefix}` : `172.${16 + index}.0.0/${prefix}`,
      ),
    );
    const free = candidates.find(
      (each) =>
        cidrProblem(each) === undefined && [...ranges, spec.nodeCidr, other].every((used) => !overlap(used, each)),
    );
    refuse(
      setting,
      range,
      `a range that overlaps none of ${vpcId} (${ranges.join(", ")}): ${taken} would not be reached from pods`,
      `Set another: pulumi config set ${setting} ${free ?? "<range>"}`,
    );
  }
}

/**
 * Undefined: a network is created.
 * @param isNew Nothing of the cluster has been made.
 * @throws pulumi.RunError
 */
export async function existingNetwork(
  spec: ClusterSpec,
  aws: AwsSpec,
  ask: Ask,
  isNew: boolean,
): Promise<ExistingNetwork | undefined> {
  const { vpcId } = aws;
  if (vpcId === undefined) return undefined;
  const vpc = await ask
    .getVpc({ id: vpcId })
    .catch((error: unknown) =>
      refuse(
        "aws.vpc_id",
        vpcId,
        `a network in ${spec.region} that the account can access (${reason(error)})`,
        "Set it: pulumi config set --path aws.vpc_id <value>",
      ),
    );
  const associated = (vpc.cidrBlockAssociations ?? []).map(({ cidrBlock }) => cidrBlock);
  if (isNew) checkRanges(spec, vpcId, [...new Set([vpc.cidrBlock, ...associated])]);
  const subnets = async (
    option: "public_subnet_ids" | "private_subnet_ids",
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, string>> => {
    const byZone = new Map<string, string>();
    for (const [index, id] of ids.entries()) {
      const path = `aws.${option}[${index}]`;
      const fix = `Set it: pulumi config set --path '${path}' <value>`;
      const subnet = await ask
        .getSubnet({ id })
        .catch((error: unknown) =>
          refuse(path, id, `a subnet in ${spec.region} that the account can access (${reason(error)})`, fix),
        );
      if (subnet.vpcId !== vpcId)
        refuse(path, `${id} of ${subnet.vpcId}`, `a subnet of corekube:aws.vpc_id (${vpcId})`, fix);
      if (!contains(spec.nodeCidr, subnet.cidrBlock))
        refuse(
          path,
          `${id} with ${subnet.cidrBlock}`,
          `a subnet inside corekube:node_cidr (${spec.nodeCidr})`,
          `${fix}, or set node_cidr to the range of the network`,
        );
      const other = byZone.get(subnet.availabilityZone);
      if (other !== undefined)
        refuse(
          path,
          `${id} in ${subnet.availabilityZone}`,
          `one subnet for each zone (${other} is there too)`,
          `Remove one: pulumi config rm --path '${path}'`,
        );
      checkTag(spec, path, id, subnet.tags);
      byZone.set(subnet.availabilityZone, id);
    }
    return byZone;
  };
  return {
    vpcId,
    publicSubnets: await subnets("public_subnet_ids", aws.publicSubnetIds),
    privateSubnets: await subnets("private_subnet_ids", aws.privateSubnetIds),
  };
}

/** The cloud controller manager puts load balancers of Services into subnets that have the cluster's tag; the program does not tag subnets that it did not create. */
function checkTag(spec: ClusterSpec, path: string, id: string, tags: Readonly<Record<string, string>>): void {
  const tag = clusterTag(spec.name);
  if (spec.cloudProvider === "none" || tag in tags) return;
  refuse(
    path,
    `${id} without the tag ${tag}`,
    `a subnet with this tag, for corekube:cloud_provider ${spec.cloudProvider}`,
    `Tag it: aws ec2 create-tags --resources ${id} --tags Key=${tag},Value=shared`,
  );
}

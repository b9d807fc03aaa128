/**
 * What AWS is asked before anything is registered: zones, the existing network, the image, and the zones of machines of earlier runs.
 *
 * Mistakes in the settings that only the cloud can find are reported before anything is changed, and zones are plain text when resources are registered.
 */
import type * as amiModule from "@pulumi/aws/ec2/getAmi.js";
import type * as subnetModule from "@pulumi/aws/ec2/getSubnet.js";
import type * as vpcModule from "@pulumi/aws/ec2/getVpc.js";
import type { MachineArgs } from "../cloud/cloud.js";
import { configError } from "../cloud/configError.js";
import { readRecorded, type Recorded } from "../rollout/program/servingMachines.js";
import { contains } from "../spec/cidr.js";
import type { ClusterSpec } from "../spec/cluster.js";
import { pools } from "../spec/pools.js";
import { clusterTag } from "./names.js";
import { spreadOver } from "./profile.js";
import type { AwsSpec } from "./settings.js";

/** Account that publishes Flatcar's images: https://www.flatcar.org/docs/latest/installing/cloud/aws-ec2/ */
const flatcarOwner = "075585003325";

export interface ExistingNetwork {
  readonly vpcId: string;
  /** Zone to subnet. */
  readonly publicSubnets: ReadonlyMap<string, string>;
  readonly privateSubnets: ReadonlyMap<string, string>;
}

export interface Preflight {
  /** Undefined: a network is created. */
  readonly network?: ExistingNetwork;
  /** Zones with machines, now or in earlier runs, sorted: what was created in a zone stays. */
  readonly zones: readonly string[];
  /** The zone of a machine: the one that it or its volume is in, or the next of its pool. */
  readonly zoneOf: (machine: Pick<MachineArgs, "name" | "index" | "zones">) => string;
  /** Id of the machines' image. */
  readonly ami: string;
}

type Ask = {
  readonly getAmi: typeof amiModule.getAmi;
  readonly getSubnet: typeof subnetModule.getSubnet;
  readonly getVpc: typeof vpcModule.getVpc;
  readonly getAvailabilityZones: (args: {
    readonly filters: { readonly name: string; readonly values: string[] }[];
  }) => Promise<{ readonly names: string[] }>;
};

function refuse(path: string, got: string, allowed: string, fix: string): never {
  throw configError(`corekube:${path}: got ${got}; allowed: ${allowed}. ${fix}`);
}

/** The service's message, in one line. */
function reason(error: unknown): string {
  return String(error instanceof Error ? error.message : error).replace(/\s+/g, " ");
}

/** @throws pulumi.RunError naming the setting that the cloud rejects. */
export async function runPreflight(spec: ClusterSpec, aws: AwsSpec, ask: Ask): Promise<Preflight> {
  const [network, recorded, ami] = await Promise.all([
    existingNetwork(spec, aws, ask),
    readRecorded(),
    image(spec, ask),
  ]);
  const { placed, used } = placements(recorded);
  const offered = network
    ? zonesOf(network, aws)
    : [
        ...(await ask.getAvailabilityZones({ filters: [{ name: "opt-in-status", values: ["opt-in-not-required"] }] }))
          .names,
      ].sort();
  checkZones(spec, offered, network !== undefined);
  const spread = network ? offered : offered.slice(0, spreadOver);
  const wanted = pools(spec)
    .filter(({ count }) => count > 0)
    .flatMap(({ zones }) => (zones.length > 0 ? zones : spread));
  return {
    network,
    zones: [...new Set([...wanted, ...placed.values(), ...(network ? [] : used)])].sort(),
    zoneOf: ({ name, index, zones }) => {
      const list = zones.length > 0 ? zones : spread;
      return placed.get(name) ?? list[index % list.length]!;
    },
    ami,
  };
}

/** Zones of machines of earlier runs, and zones with subnets. A volume cannot leave its zone, so its machine is placed there. */
function placements(recorded: Readonly<Record<string, Recorded>>): {
  readonly placed: ReadonlyMap<string, string>;
  readonly used: readonly string[];
} {
  const found = (type: string): readonly (readonly [name: string, zone: string])[] =>
    Object.entries(recorded).flatMap(([urn, resource]): (readonly [string, string])[] => {
      const zone = resource.outputs["availabilityZone"];
      return resource.type === type && typeof zone === "string" && zone !== ""
        ? [[urn.slice(urn.lastIndexOf("::") + 2), zone]]
        : [];
    });
  const volumes = found("aws:ebs/volume:Volume").map(
    ([name, zone]) => [name.replace(/-(data|wal)$/, ""), zone] as const,
  );
  return {
    placed: new Map([...found("aws:ec2/instance:Instance"), ...volumes]),
    used: found("aws:ec2/subnet:Subnet").map(([, zone]) => zone),
  };
}

const placementOptions = {
  etcd: "control_plane_placement",
  controller: "control_plane_placement",
  worker: "node_placement",
  public: "public_node_placement",
} as const;

function checkZones(spec: ClusterSpec, offered: readonly string[], existing: boolean): void {
  for (const { role, zones } of pools(spec)) {
    const option = placementOptions[role];
    const unknown = zones.find((zone) => !offered.includes(zone));
    if (unknown !== undefined) {
      refuse(
        option,
        zones.join(","),
        `zones ${existing ? "that have subnets in aws.vpc_id" : `of ${spec.region} that this account can use`}: ${offered.join(", ")}`,
        `${unknown} is not one. Set it: pulumi config set ${option} <zones>`,
      );
    }
    if (!existing && zones.length === 0 && offered.length < spreadOver) {
      refuse(
        option,
        "spread",
        `at least ${spreadOver} zones for it, and this account can use ${offered.length} of ${spec.region} (${offered.join(", ")})`,
        `Name them: pulumi config set ${option} ${offered.join(",")}`,
      );
    }
  }
}

function zonesOf(network: ExistingNetwork, aws: AwsSpec): readonly string[] {
  return [...(aws.machines === "private" ? network.privateSubnets : network.publicSubnets).keys()].sort();
}

async function existingNetwork(spec: ClusterSpec, aws: AwsSpec, ask: Ask): Promise<ExistingNetwork | undefined> {
  const { vpcId } = aws;
  if (vpcId === undefined) return undefined;
  await ask
    .getVpc({ id: vpcId })
    .catch((error: unknown) =>
      refuse(
        "aws.vpc_id",
        vpcId,
        `a network in ${spec.region} that the account can access (${reason(error)})`,
        "Set it: pulumi config set --path aws.vpc_id <value>",
      ),
    );
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

async function image(spec: ClusterSpec, ask: Ask): Promise<string> {
  if (spec.image.startsWith("ami-")) return spec.image;
  const found = await ask
    .getAmi({
      owners: [flatcarOwner],
      mostRecent: true,
      includeDeprecated: true,
      filters: [
        { name: "name", values: [spec.image] },
        { name: "architecture", values: ["x86_64"] },
      ],
    })
    .catch((error: unknown) =>
      refuse(
        "image",
        spec.image,
        `the name of an image that Flatcar (${flatcarOwner}) has in ${spec.region}, or the id of an image (${reason(error)})`,
        "Set it: pulumi config set image <value>",
      ),
    );
  return found.id;
}

/** The setting `aws`, what it is in a cluster's description, and which parts of it cannot change. */
import { z } from "zod";
import type { ImmutableSetting } from "../cloud/definition.js";
import type { ClusterSpec } from "../spec/cluster.js";
import type { Settings } from "../spec/settings/index.js";
import { option } from "../spec/settings/option.js";
import { httpUrl, machineSize, matching, oneOf } from "../spec/settings/valueTypes.js";

/** What only AWS has. */
export interface AwsSpec {
  /** A network that exists; not set: one is created. */
  readonly vpcId?: string;
  /** Subnets of that network: machines with public addresses, load balancers and the bastion. Empty without `vpcId`. */
  readonly publicSubnetIds: readonly string[];
  /** Subnets of that network: machines without public addresses. Empty without `vpcId`. */
  readonly privateSubnetIds: readonly string[];
  /** Whether machines have public addresses, closed by their security groups, or none, behind a bastion. */
  readonly machines: "public" | "private";
  /** Internet access of private subnets: a NAT gateway in each zone, one for all, or none (provided by the network's owner). */
  readonly nat: "zone" | "single" | "none";
  /** Instance type of the bastion. */
  readonly bastionSize: string;
  /** EBS type of etcd's volumes and of the storage class `ssd`. */
  readonly volumeType: "gp3" | "gp2" | "io2" | "io1";
  /** ARNs of keys with which volumes of claims may be encrypted, besides AWS's own. */
  readonly volumeKeyArns: readonly string[];
  /** Addresses of AWS services for the cluster's own components; not set: the public ones of the region. */
  readonly endpoints: { readonly ec2?: string; readonly elasticloadbalancing?: string };
}

declare module "../spec/clouds.js" {
  interface CloudOptions {
    readonly aws: z.output<typeof schema>;
  }
  interface CloudSpecs {
    readonly aws: AwsSpec;
  }
}

function awsId(kind: string) {
  return matching(`an id as AWS writes it, such as ${kind}-0a1b2c3d4e5f60718`, new RegExp(`^${kind}-[0-9a-f]{8,17}$`));
}

function awsIds(kind: string) {
  return z
    .array(awsId(kind))
    .max(20)
    .refine((ids) => new Set(ids).size === ids.length)
    .meta({ allowed: `at most 20 ids as AWS writes them, each once, such as ${kind}-0a1b2c3d4e5f60718` });
}

const schema = z.strictObject({
  vpc_id: awsId("vpc")
    .optional()
    .describe(
      "Network in which the cluster is created; node_cidr must be its range, or a part of it. Not set: a network is created.",
    )
    .meta({ effect: "refused" }),
  public_subnet_ids: awsIds("subnet")
    .optional()
    .describe(
      "Subnets of vpc_id with a route to the internet, one for each zone: for load balancers, the bastion, and machines with public addresses.",
    )
    .meta({ effect: "replaces all machines" }),
  private_subnet_ids: awsIds("subnet")
    .optional()
    .describe(
      "Subnets of vpc_id for machines without public addresses and for the internal load balancer, one for each zone.",
    )
    .meta({ effect: "replaces all machines" }),
  machines: oneOf("public", "private")
    .optional()
    .describe(
      "Not set: public. public: machines have public addresses, protected by security groups. private: machines have none; SSH goes through a bastion, the API through load balancers.",
    )
    .meta({ effect: "refused" }),
  nat: oneOf("zone", "single", "none")
    .optional()
    .describe(
      "Internet access of private subnets. Not set: zone. zone: a NAT gateway in each zone. single: one for all zones; it fails with its zone. none: you provide a route, or mirrors inside the network.",
    )
    .meta({ effect: "the cloud's resources" }),
  bastion_size: machineSize()
    .optional()
    .describe("Instance type of the bastion. Not set: t3.micro.")
    .meta({ effect: "replaces the bastion" }),
  volume_type: oneOf("gp3", "gp2", "io2", "io1")
    .optional()
    .describe("EBS type of etcd's volumes and of the storage class ssd. Not set: gp3.")
    .meta({ effect: "the cloud's resources; API objects" }),
  volume_key_arns: z
    .array(
      matching(
        "the ARN of a KMS key, such as arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        /^arn:aws:kms:[a-z0-9-]+:[0-9]{12}:key\/(mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/,
      ),
    )
    .max(5)
    .refine((arns) => new Set(arns).size === arns.length)
    .meta({ allowed: "at most 5 ARNs of KMS keys, each once" })
    .optional()
    .describe(
      "Customer managed KMS keys with which volumes of claims may be encrypted: the account's default key for EBS, and those that your storage classes name (kmsKeyId). Not set: AWS's own key only.",
    )
    .meta({ effect: "the cloud's resources" }),
  endpoints: z
    .strictObject({
      ec2: httpUrl("https://vpce-1a2b.ec2.eu-central-1.vpce.amazonaws.com")
        .optional()
        .describe("Address of EC2.")
        .meta({ effect: "API objects" }),
      elasticloadbalancing: httpUrl("https://vpce-1a2b.elasticloadbalancing.eu-central-1.vpce.amazonaws.com")
        .optional()
        .describe("Address of Elastic Load Balancing.")
        .meta({ effect: "API objects" }),
    })
    .optional()
    .describe(
      "Addresses of AWS services for the cluster's own components, where the public ones cannot be reached. Those for the program are in aws:endpoints.",
    ),
});

export const awsOption = option(schema, {}, "Settings of AWS only: the network, machines and volumes.");

export function awsSpecOf({ aws }: Settings): AwsSpec {
  return {
    vpcId: aws.vpc_id,
    publicSubnetIds: aws.public_subnet_ids ?? [],
    privateSubnetIds: aws.private_subnet_ids ?? [],
    machines: aws.machines ?? "public",
    nat: aws.nat ?? "zone",
    bastionSize: aws.bastion_size || "t3.micro",
    volumeType: aws.volume_type ?? "gp3",
    volumeKeyArns: aws.volume_key_arns ?? [],
    endpoints: aws.endpoints ?? {},
  };
}

/** @throws Error when the description is of a cluster on another cloud. */
export function awsOf({ cloudSettings }: Pick<ClusterSpec, "cloudSettings">): AwsSpec {
  if (cloudSettings.cloud !== "aws") {
    throw new Error(`cloud: got ${cloudSettings.cloud}, expected aws; this is a bug in the program`);
  }
  return cloudSettings;
}

export const awsImmutable = {
  awsMachines: {
    setting: "aws.machines",
    reason:
      "every machine would move to another subnet, and the API to another address, which is in kubeconfigs and on every node",
    value: (spec) => awsOf(spec).machines,
  },
  awsVpc: {
    setting: "aws.vpc_id",
    reason: "machines, volumes and load balancers belong to a network, and all of them would be replaced",
    value: (spec) => awsOf(spec).vpcId ?? "",
  },
} as const satisfies Readonly<Record<string, ImmutableSetting>>;

/** What the program asks AWS before it makes anything: zones, types, the image, existing networks, other clusters. */
import type { Filter, InstanceTypeOffering, LocationType } from "@aws-sdk/client-ec2";
import type { PluginFunction } from "../../../provider/rpc/kind.js";
import type { Properties } from "../../../provider/rpc/properties.js";
import { bags, flag, isGiven, text, texts } from "../framework/values.js";
import type { Cloud, Services } from "./cloud.js";
import { isNotFound } from "./errors.js";
import { fromApiTags } from "./kind.js";

export const functions: Readonly<Record<string, PluginFunction<Cloud>>> = {
  "aws:index/getAvailabilityZones:getAvailabilityZones": asking(["filters"], async ({ ec2, region }, args) => {
    const { AvailabilityZones = [] } = await ec2.describeAvailabilityZones({ Filters: filtersOf(args) });
    return { id: region, names: AvailabilityZones.map(({ ZoneName }) => ZoneName ?? "").sort() };
  }),
  "aws:ec2/getAmi:getAmi": asking(["owners", "mostRecent", "includeDeprecated", "filters"], async (services, args) => {
    const { Images = [] } = await services.ec2.describeImages({
      Owners: texts(args["owners"]),
      Filters: filtersOf(args),
      IncludeDeprecated: flag(args["includeDeprecated"]),
    });
    const found = Images.sort((a, b) => ((a.CreationDate ?? "") < (b.CreationDate ?? "") ? 1 : -1));
    if (found.length > 1 && args["mostRecent"] !== true)
      throw new Error(`there are ${found.length} images for ${shown(args)}; narrow the filters, or set mostRecent`);
    const image = only("image", services, args, found.slice(0, 1));
    return { id: image.ImageId ?? "", name: image.Name ?? "", architecture: image.Architecture ?? "" };
  }),
  "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": asking(
    ["locationType", "filters"],
    async ({ ec2, region }, args) => {
      const offered: InstanceTypeOffering[] = [];
      let NextToken: string | undefined;
      do {
        const page = await ec2.describeInstanceTypeOfferings({
          LocationType: text(args["locationType"]) as LocationType | undefined,
          Filters: filtersOf(args),
          NextToken,
        });
        offered.push(...(page.InstanceTypeOfferings ?? []));
        NextToken = page.NextToken;
      } while (NextToken);
      return {
        id: region,
        instanceTypes: offered.map(({ InstanceType }) => InstanceType ?? ""),
        locations: offered.map(({ Location }) => Location ?? ""),
        locationTypes: offered.map(({ LocationType }) => LocationType ?? ""),
      };
    },
  ),
  "aws:ec2/getSecurityGroups:getSecurityGroups": asking(["filters"], async ({ ec2, region }, args) => {
    const { SecurityGroups = [] } = await ec2.describeSecurityGroups({ Filters: filtersOf(args) });
    return {
      id: region,
      ids: SecurityGroups.map(({ GroupId }) => GroupId ?? ""),
      vpcIds: SecurityGroups.map(({ VpcId }) => VpcId ?? ""),
    };
  }),
  "aws:ec2/getVpc:getVpc": asking(["id"], async (services, args) => {
    const { Vpcs = [] } = await services.ec2.describeVpcs({ VpcIds: [String(args["id"])] });
    const vpc = only("VPC", services, args, Vpcs);
    return {
      id: vpc.VpcId ?? "",
      cidrBlock: vpc.CidrBlock ?? "",
      cidrBlockAssociations: (vpc.CidrBlockAssociationSet ?? []).map(
        ({ AssociationId, CidrBlock, CidrBlockState }) => ({
          associationId: AssociationId ?? "",
          cidrBlock: CidrBlock ?? "",
          state: CidrBlockState?.State ?? "",
        }),
      ),
      tags: fromApiTags(vpc.Tags),
    };
  }),
  "aws:ec2/getSubnet:getSubnet": asking(["id"], async (services, args) => {
    const { Subnets = [] } = await services.ec2.describeSubnets({ SubnetIds: [String(args["id"])] });
    const subnet = only("subnet", services, args, Subnets);
    return {
      id: subnet.SubnetId ?? "",
      availabilityZone: subnet.AvailabilityZone ?? "",
      cidrBlock: subnet.CidrBlock ?? "",
      tags: fromApiTags(subnet.Tags),
      vpcId: subnet.VpcId ?? "",
    };
  }),
};

function asking(
  known: readonly string[],
  answer: (services: Services, args: Properties) => Promise<Properties>,
): PluginFunction<Cloud> {
  return async (args, { settings, signal }) => {
    const unsupported = Object.keys(args).filter((name) => isGiven(args[name]) && !known.includes(name));
    if (unsupported.length > 0)
      throw new Error(
        `the lab's stand-in does not support the arguments ${unsupported.join(", ")}; it has ${known.join(", ")}`,
      );
    const services = settings.services(signal);
    try {
      return await answer(services, args);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return only("such thing", services, args, []);
    }
  };
}

function filtersOf(args: Properties): Filter[] {
  return bags(args["filters"]).map(({ name, values }) => ({ Name: text(name), Values: texts(values) }));
}

function only<Found>(what: string, { region }: Services, args: Properties, [first]: readonly Found[]): Found {
  if (first === undefined) throw new Error(`there is no ${what} for ${shown(args)} in ${region}`);
  return first;
}

/** For messages. */
function shown(args: Properties): string {
  const plain = Object.entries(args)
    .filter(([name]) => name !== "filters")
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  return [...plain, ...filtersOf(args).map(({ Name, Values }) => `${Name} ${Values?.join("|")}`)].join(", ");
}

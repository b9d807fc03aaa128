/** What the program asks AWS before it makes anything: zones, images, existing networks. */
import type { EC2, Filter, Image, Subnet, Vpc } from "@aws-sdk/client-ec2";
import { isUnknown, type Properties, type Value } from "../framework/kind.js";
import type { Cloud } from "./cloud.js";
import { isNotFound } from "./errors.js";
import { fromApiTags } from "./tags.js";
import { bag, bags, flag, isGiven, text, texts } from "./values.js";

type Answer = (cloud: Cloud, ec2: EC2, args: Properties) => Promise<Properties>;

export const functions: Readonly<Record<string, Answer>> = {
  "aws:index/getAvailabilityZones:getAvailabilityZones": availabilityZones,
  "aws:ec2/getAmi:getAmi": ami,
  "aws:ec2/getVpc:getVpc": vpc,
  "aws:ec2/getSubnet:getSubnet": subnet,
};

/** @throws Error when nothing, or more than one thing, is found. */
export async function answer(cloud: Cloud, token: string, args: Properties, signal: AbortSignal): Promise<Properties> {
  const work = functions[token];
  if (work === undefined)
    throw new Error(
      `The lab's stand-in for the plugin "aws" has no function ${token}; it has ${Object.keys(functions).join(", ")}. Install the official plugin for the others.`,
    );
  if (isUnknown(args)) throw new Error(`${token}: an argument is not known yet`);
  const region = text(args["region"]);
  if (region !== undefined && region !== cloud.region)
    throw new Error(
      `${token}: region: got "${region}", the stand-in asks the provider's own region "${cloud.region}" only; use a provider of that region`,
    );
  const result = await work(cloud, cloud.ec2(signal), args);
  return {
    ...Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null)),
    ...result,
    region: cloud.region,
  };
}

function filtersOf(args: Properties): Filter[] {
  const filters = bags(args["filters"]).map((filter) => ({
    Name: text(filter["name"]),
    Values: texts(filter["values"]),
  }));
  const tags = Object.entries(bag(args["tags"])).map(([key, value]) => ({
    Name: `tag:${key}`,
    Values: [String(value)],
  }));
  return [...filters, ...tags];
}

/** Filters for arguments that are given. */
function given(args: Properties, names: Readonly<Record<string, string>>): Filter[] {
  return Object.entries(names)
    .filter(([argument]) => isGiven(args[argument]))
    .map(([argument, name]) => ({ Name: name, Values: [String(args[argument])] }));
}

function orNone(filters: Filter[]): Filter[] | undefined {
  return filters.length === 0 ? undefined : filters;
}

async function availabilityZones(cloud: Cloud, ec2: EC2, args: Properties): Promise<Properties> {
  const { AvailabilityZones = [] } = await ec2.describeAvailabilityZones({
    AllAvailabilityZones: flag(args["allAvailabilityZones"]),
    Filters: orNone([...filtersOf(args), ...given(args, { state: "state" })]),
  });
  const [names, ids] = [texts(args["excludeNames"]), texts(args["excludeZoneIds"])];
  const zones = AvailabilityZones.filter(
    ({ ZoneName, ZoneId }) => !names.includes(ZoneName ?? "") && !ids.includes(ZoneId ?? ""),
  ).sort((a, b) => ((a.ZoneName ?? "") < (b.ZoneName ?? "") ? -1 : 1));
  return {
    id: cloud.region,
    names: zones.map(({ ZoneName }) => ZoneName ?? ""),
    zoneIds: zones.map(({ ZoneId }) => ZoneId ?? ""),
    groupNames: [...new Set(zones.map(({ GroupName }) => GroupName ?? ""))].filter((name) => name !== ""),
  };
}

async function ami(cloud: Cloud, ec2: EC2, args: Properties): Promise<Properties> {
  const owners = texts(args["owners"]);
  const users = texts(args["executableUsers"]);
  const { Images = [] } = await ec2.describeImages({
    Owners: owners.length === 0 ? undefined : owners,
    ExecutableUsers: users.length === 0 ? undefined : users,
    Filters: orNone(filtersOf(args)),
    IncludeDeprecated: flag(args["includeDeprecated"]),
  });
  const pattern = text(args["nameRegex"]);
  const found = Images.filter(({ Name }) => pattern === undefined || new RegExp(pattern).test(Name ?? ""));
  const what = `an image${owners.length === 0 ? "" : ` of ${owners.join(", ")}`} for ${describeFilters(args)}`;
  if (found.length === 0)
    throw new Error(`ec2.getAmi: there is no ${what.replace(/^an? /, "")} in ${cloud.region}; change the filters`);
  if (found.length > 1 && args["mostRecent"] !== true)
    throw new Error(
      `ec2.getAmi: there are ${found.length} images for ${describeFilters(args)}; make the filters narrower, or set mostRecent`,
    );
  const [image = {}] = [...found].sort((a, b) =>
    a.CreationDate === b.CreationDate ? 0 : (a.CreationDate ?? "") < (b.CreationDate ?? "") ? 1 : -1,
  );
  return imageOutputs(cloud, image);
}

function imageOutputs(cloud: Cloud, image: Image): Properties {
  const mappings = (image.BlockDeviceMappings ?? []).map((mapping): Properties => ({
    deviceName: mapping.DeviceName ?? "",
    noDevice: mapping.NoDevice ?? "",
    virtualName: mapping.VirtualName ?? "",
    ebs: Object.fromEntries(
      Object.entries({
        delete_on_termination: mapping.Ebs?.DeleteOnTermination,
        encrypted: mapping.Ebs?.Encrypted,
        iops: mapping.Ebs?.Iops,
        throughput: mapping.Ebs?.Throughput,
        snapshot_id: mapping.Ebs?.SnapshotId,
        volume_size: mapping.Ebs?.VolumeSize,
        volume_type: mapping.Ebs?.VolumeType,
      }).map(([key, value]): [string, Value] => [key, String(value ?? "")]),
    ),
  }));
  return {
    id: image.ImageId ?? "",
    imageId: image.ImageId ?? "",
    arn: cloud.arn("ec2", `image/${image.ImageId}`, ""),
    architecture: image.Architecture ?? "",
    blockDeviceMappings: mappings,
    bootMode: image.BootMode ?? "",
    creationDate: image.CreationDate ?? "",
    deprecationTime: image.DeprecationTime ?? "",
    description: image.Description ?? "",
    enaSupport: image.EnaSupport ?? false,
    hypervisor: image.Hypervisor ?? "",
    imageLocation: image.ImageLocation ?? "",
    imageOwnerAlias: image.ImageOwnerAlias ?? "",
    imageType: image.ImageType ?? "",
    imdsSupport: image.ImdsSupport ?? "",
    kernelId: image.KernelId ?? "",
    lastLaunchedTime: image.LastLaunchedTime ?? "",
    name: image.Name ?? "",
    ownerId: image.OwnerId ?? "",
    platform: image.Platform ?? "",
    platformDetails: image.PlatformDetails ?? "",
    productCodes: (image.ProductCodes ?? []).map((code) => ({
      productCodeId: code.ProductCodeId ?? "",
      productCodeType: code.ProductCodeType ?? "",
    })),
    public: image.Public ?? false,
    ramdiskId: image.RamdiskId ?? "",
    rootDeviceName: image.RootDeviceName ?? "",
    rootDeviceType: image.RootDeviceType ?? "",
    rootSnapshotId:
      image.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === image.RootDeviceName)?.Ebs?.SnapshotId ?? "",
    sriovNetSupport: image.SriovNetSupport ?? "",
    state: image.State ?? "",
    stateReason: { code: image.StateReason?.Code ?? "UNSET", message: image.StateReason?.Message ?? "UNSET" },
    tags: fromApiTags(image.Tags),
    tpmSupport: image.TpmSupport ?? "",
    usageOperation: image.UsageOperation ?? "",
    virtualizationType: image.VirtualizationType ?? "",
  };
}

async function vpc(cloud: Cloud, ec2: EC2, args: Properties): Promise<Properties> {
  const id = text(args["id"]);
  const filters = [
    ...filtersOf(args),
    ...given(args, { cidrBlock: "cidr", default: "is-default", dhcpOptionsId: "dhcp-options-id", state: "state" }),
  ];
  const found = only<Vpc>(
    "ec2.getVpc",
    "VPC",
    args,
    await listed(
      async () =>
        (await ec2.describeVpcs({ VpcIds: id === undefined ? undefined : [id], Filters: orNone(filters) })).Vpcs,
    ),
  );
  const [support, hostnames, tables] = await Promise.all([
    ec2.describeVpcAttribute({ VpcId: found.VpcId, Attribute: "enableDnsSupport" }),
    ec2.describeVpcAttribute({ VpcId: found.VpcId, Attribute: "enableDnsHostnames" }),
    ec2.describeRouteTables({
      Filters: [
        { Name: "vpc-id", Values: [String(found.VpcId)] },
        { Name: "association.main", Values: ["true"] },
      ],
    }),
  ]);
  return {
    id: found.VpcId ?? "",
    arn: cloud.arn("ec2", `vpc/${found.VpcId}`, found.OwnerId),
    cidrBlock: found.CidrBlock ?? "",
    cidrBlockAssociations: (found.CidrBlockAssociationSet ?? []).map((block) => ({
      associationId: block.AssociationId ?? "",
      cidrBlock: block.CidrBlock ?? "",
      state: block.CidrBlockState?.State ?? "",
    })),
    default: found.IsDefault ?? false,
    dhcpOptionsId: found.DhcpOptionsId ?? "",
    enableDnsHostnames: hostnames.EnableDnsHostnames?.Value ?? false,
    enableDnsSupport: support.EnableDnsSupport?.Value ?? false,
    enableNetworkAddressUsageMetrics: false,
    instanceTenancy: found.InstanceTenancy ?? "default",
    ipv6AssociationId: "",
    ipv6CidrBlock: "",
    ipv6CidrBlockAssociations: [],
    mainRouteTableId: tables.RouteTables?.[0]?.RouteTableId ?? "",
    ownerId: found.OwnerId ?? "",
    state: found.State ?? "",
    tags: fromApiTags(found.Tags),
  };
}

async function subnet(cloud: Cloud, ec2: EC2, args: Properties): Promise<Properties> {
  const id = text(args["id"]);
  const filters = [
    ...filtersOf(args),
    ...given(args, {
      availabilityZone: "availabilityZone",
      availabilityZoneId: "availabilityZoneId",
      cidrBlock: "cidrBlock",
      defaultForAz: "defaultForAz",
      state: "state",
      vpcId: "vpc-id",
    }),
  ];
  const found = only<Subnet>(
    "ec2.getSubnet",
    "subnet",
    args,
    await listed(
      async () =>
        (await ec2.describeSubnets({ SubnetIds: id === undefined ? undefined : [id], Filters: orNone(filters) }))
          .Subnets,
    ),
  );
  return {
    id: found.SubnetId ?? "",
    arn: found.SubnetArn ?? cloud.arn("ec2", `subnet/${found.SubnetId}`, found.OwnerId),
    assignIpv6AddressOnCreation: found.AssignIpv6AddressOnCreation ?? false,
    availabilityZone: found.AvailabilityZone ?? "",
    availabilityZoneId: found.AvailabilityZoneId ?? "",
    availableIpAddressCount: found.AvailableIpAddressCount ?? 0,
    cidrBlock: found.CidrBlock ?? "",
    customerOwnedIpv4Pool: found.CustomerOwnedIpv4Pool ?? "",
    defaultForAz: found.DefaultForAz ?? false,
    enableDns64: found.EnableDns64 ?? false,
    enableLniAtDeviceIndex: found.EnableLniAtDeviceIndex ?? 0,
    enableResourceNameDnsARecordOnLaunch: found.PrivateDnsNameOptionsOnLaunch?.EnableResourceNameDnsARecord ?? false,
    enableResourceNameDnsAaaaRecordOnLaunch:
      found.PrivateDnsNameOptionsOnLaunch?.EnableResourceNameDnsAAAARecord ?? false,
    ipv6CidrBlock: "",
    ipv6CidrBlockAssociationId: "",
    ipv6Native: found.Ipv6Native ?? false,
    mapCustomerOwnedIpOnLaunch: found.MapCustomerOwnedIpOnLaunch ?? false,
    mapPublicIpOnLaunch: found.MapPublicIpOnLaunch ?? false,
    outpostArn: found.OutpostArn ?? "",
    ownerId: found.OwnerId ?? "",
    privateDnsHostnameTypeOnLaunch: found.PrivateDnsNameOptionsOnLaunch?.HostnameType ?? "ip-name",
    state: found.State ?? "",
    tags: fromApiTags(found.Tags),
    vpcId: found.VpcId ?? "",
  };
}

async function listed<Found>(look: () => Promise<Found[] | undefined>): Promise<Found[]> {
  try {
    return (await look()) ?? [];
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return [];
  }
}

function only<Found>(call: string, what: string, args: Properties, found: readonly Found[]): Found {
  const [first] = found;
  if (first === undefined)
    throw new Error(
      `${call}: there is no ${what} for ${describeFilters(args)}; look at the region, the account and the filters`,
    );
  if (found.length > 1)
    throw new Error(
      `${call}: there are ${found.length} for ${describeFilters(args)}, and exactly one ${what} must match; make the filters narrower`,
    );
  return first;
}

/** For messages. */
function describeFilters(args: Properties): string {
  const plain = Object.entries(args)
    .filter(([name, value]) => isGiven(value) && name !== "filters")
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`);
  const filters = bags(args["filters"]).map((filter) => `${text(filter["name"])} ${texts(filter["values"]).join("|")}`);
  return [...plain, ...filters].join(", ") || "no filter";
}

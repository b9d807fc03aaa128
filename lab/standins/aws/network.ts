/** VPC, subnet and internet gateway. */
import type { InternetGateway as ApiGateway, Subnet as ApiSubnet, Vpc as ApiVpc } from "@aws-sdk/client-ec2";
import type { Operation, Properties, State } from "../framework/kind.js";
import type { Deadline } from "../framework/waiting.js";
import { AwsKind } from "./awsKind.js";
import { isCode } from "./errors.js";
import { fromApiTags, type Tags } from "./tags.js";
import { flag, text } from "./values.js";

interface VpcState {
  readonly vpc: ApiVpc;
  readonly dnsSupport?: boolean;
  readonly dnsHostnames?: boolean;
  readonly addressMetrics?: boolean;
  /** Made by AWS with the VPC. */
  readonly own?: { readonly routeTable?: string; readonly securityGroup?: string; readonly networkAcl?: string };
}

export class Vpc extends AwsKind<VpcState> {
  protected readonly title = "VPC";
  protected readonly replaces = new Set(["cidrBlock"]);
  protected readonly inputs = [
    "cidrBlock",
    "enableDnsHostnames",
    "enableDnsSupport",
    "enableNetworkAddressUsageMetrics",
    "instanceTenancy",
    "tags",
  ];
  protected readonly computed = [
    "arn",
    "cidrBlock",
    "defaultNetworkAclId",
    "defaultRouteTableId",
    "defaultSecurityGroupId",
    "dhcpOptionsId",
    "enableDnsHostnames",
    "mainRouteTableId",
    "ownerId",
  ];
  protected override readonly defaults = { enableDnsSupport: true, instanceTenancy: "default" };
  protected override readonly sticky = new Set(["enableDnsHostnames", "enableNetworkAddressUsageMetrics"]);

  protected idOf({ vpc }: VpcState): string {
    return String(vpc.VpcId);
  }

  protected async make(operation: Operation, inputs: Properties): Promise<VpcState> {
    const { Vpc: vpc = {} } = await this.ec2(operation).createVpc({
      CidrBlock: text(inputs["cidrBlock"]),
      InstanceTenancy: (text(inputs["instanceTenancy"]) ?? "default") as "default",
      TagSpecifications: this.tagSpecifications("vpc", inputs),
    });
    return { vpc };
  }

  protected async look(operation: Operation, id: string): Promise<VpcState | undefined> {
    const ec2 = this.ec2(operation);
    return this.found(async () => {
      const vpc = (await ec2.describeVpcs({ VpcIds: [id] })).Vpcs?.[0];
      if (vpc === undefined) return undefined;
      const ofVpc = { Name: "vpc-id", Values: [id] };
      const [support, hostnames, metrics, tables, groups, acls] = await Promise.all([
        ec2.describeVpcAttribute({ VpcId: id, Attribute: "enableDnsSupport" }),
        ec2.describeVpcAttribute({ VpcId: id, Attribute: "enableDnsHostnames" }),
        ec2.describeVpcAttribute({ VpcId: id, Attribute: "enableNetworkAddressUsageMetrics" }),
        ec2.describeRouteTables({ Filters: [ofVpc, { Name: "association.main", Values: ["true"] }] }),
        ec2.describeSecurityGroups({ Filters: [ofVpc, { Name: "group-name", Values: ["default"] }] }),
        ec2.describeNetworkAcls({ Filters: [ofVpc, { Name: "default", Values: ["true"] }] }),
      ]);
      return {
        vpc,
        dnsSupport: support.EnableDnsSupport?.Value,
        dnsHostnames: hostnames.EnableDnsHostnames?.Value,
        addressMetrics: metrics.EnableNetworkAddressUsageMetrics?.Value ?? false,
        own: {
          routeTable: tables.RouteTables?.[0]?.RouteTableId,
          securityGroup: groups.SecurityGroups?.[0]?.GroupId,
          networkAcl: acls.NetworkAcls?.[0]?.NetworkAclId,
        },
      };
    });
  }

  protected override pending({ vpc }: VpcState): string | undefined {
    return vpc.State === "pending" ? vpc.State : undefined;
  }

  protected tagsIn({ vpc }: VpcState): Tags | undefined {
    return vpc.Tags === undefined ? undefined : fromApiTags(vpc.Tags);
  }

  protected attributes({ vpc, dnsSupport, dnsHostnames, addressMetrics, own }: VpcState): Properties {
    return {
      arn: this.cloud().arn("ec2", `vpc/${vpc.VpcId}`, vpc.OwnerId),
      cidrBlock: vpc.CidrBlock ?? null,
      instanceTenancy: vpc.InstanceTenancy ?? "default",
      dhcpOptionsId: vpc.DhcpOptionsId ?? null,
      ownerId: vpc.OwnerId ?? null,
      enableDnsSupport: dnsSupport ?? null,
      enableDnsHostnames: dnsHostnames ?? null,
      enableNetworkAddressUsageMetrics: addressMetrics ?? null,
      mainRouteTableId: own?.routeTable ?? null,
      defaultRouteTableId: own?.routeTable ?? null,
      defaultSecurityGroupId: own?.securityGroup ?? null,
      defaultNetworkAclId: own?.networkAcl ?? null,
    };
  }

  protected override replacesOn(property: string, _state: State, inputs: Properties): boolean {
    return property === "instanceTenancy" && inputs["instanceTenancy"] === "dedicated";
  }

  protected async converge({ operation }: Deadline, id: string, remote: VpcState, inputs: Properties): Promise<void> {
    const ec2 = this.ec2(operation);
    const support = flag(inputs["enableDnsSupport"]) ?? true;
    const hostnames = flag(inputs["enableDnsHostnames"]);
    const metrics = flag(inputs["enableNetworkAddressUsageMetrics"]);
    // Names need the resolver: it is switched on first, and off last.
    if (support && remote.dnsSupport !== true)
      await ec2.modifyVpcAttribute({ VpcId: id, EnableDnsSupport: { Value: true } });
    if (hostnames !== undefined && hostnames !== remote.dnsHostnames)
      await ec2.modifyVpcAttribute({ VpcId: id, EnableDnsHostnames: { Value: hostnames } });
    if (!support && remote.dnsSupport !== false)
      await ec2.modifyVpcAttribute({ VpcId: id, EnableDnsSupport: { Value: false } });
    if (metrics !== undefined && metrics !== remote.addressMetrics)
      await ec2.modifyVpcAttribute({ VpcId: id, EnableNetworkAddressUsageMetrics: { Value: metrics } });
    const tenancy = text(inputs["instanceTenancy"]) ?? "default";
    if (tenancy === "default" && remote.vpc.InstanceTenancy === "dedicated")
      await ec2.modifyVpcTenancy({ VpcId: id, InstanceTenancy: "default" });
    await this.retag(operation, id, fromApiTags(remote.vpc.Tags), this.allTags(inputs));
  }

  protected async remove(deadline: Deadline, { id }: State): Promise<void> {
    await this.whenFree(deadline, id, () => this.ec2(deadline.operation).deleteVpc({ VpcId: id }));
  }
}

export class Subnet extends AwsKind<ApiSubnet> {
  protected readonly title = "subnet";
  protected readonly replaces = new Set(["vpcId", "cidrBlock", "availabilityZone", "availabilityZoneId"]);
  protected readonly inputs = [
    "vpcId",
    "cidrBlock",
    "availabilityZone",
    "availabilityZoneId",
    "mapPublicIpOnLaunch",
    "privateDnsHostnameTypeOnLaunch",
    "enableResourceNameDnsARecordOnLaunch",
    "tags",
  ];
  protected readonly computed = [
    "arn",
    "availabilityZone",
    "availabilityZoneId",
    "ownerId",
    "privateDnsHostnameTypeOnLaunch",
  ];
  protected override readonly defaults = {
    mapPublicIpOnLaunch: false,
    enableResourceNameDnsARecordOnLaunch: false,
    assignIpv6AddressOnCreation: false,
  };
  protected override readonly sticky = new Set([
    "availabilityZone",
    "availabilityZoneId",
    "privateDnsHostnameTypeOnLaunch",
  ]);
  protected override readonly times = { create: 600, update: 600, delete: 1200 };

  protected idOf(subnet: ApiSubnet): string {
    return String(subnet.SubnetId);
  }

  protected async make(operation: Operation, inputs: Properties): Promise<ApiSubnet> {
    const { Subnet: subnet = {} } = await this.ec2(operation).createSubnet({
      VpcId: text(inputs["vpcId"]),
      CidrBlock: text(inputs["cidrBlock"]),
      AvailabilityZone: text(inputs["availabilityZone"]),
      AvailabilityZoneId: text(inputs["availabilityZoneId"]),
      TagSpecifications: this.tagSpecifications("subnet", inputs),
    });
    return subnet;
  }

  protected look(operation: Operation, id: string): Promise<ApiSubnet | undefined> {
    return this.found(async () => (await this.ec2(operation).describeSubnets({ SubnetIds: [id] })).Subnets?.[0]);
  }

  protected override pending(subnet: ApiSubnet): string | undefined {
    return subnet.State === "pending" ? subnet.State : undefined;
  }

  protected tagsIn(subnet: ApiSubnet): Tags | undefined {
    return subnet.Tags === undefined ? undefined : fromApiTags(subnet.Tags);
  }

  protected attributes(subnet: ApiSubnet): Properties {
    const names = subnet.PrivateDnsNameOptionsOnLaunch;
    return {
      arn: subnet.SubnetArn ?? this.cloud().arn("ec2", `subnet/${subnet.SubnetId}`, subnet.OwnerId),
      vpcId: subnet.VpcId ?? null,
      cidrBlock: subnet.CidrBlock ?? null,
      availabilityZone: subnet.AvailabilityZone ?? null,
      availabilityZoneId: subnet.AvailabilityZoneId ?? null,
      ownerId: subnet.OwnerId ?? null,
      mapPublicIpOnLaunch: subnet.MapPublicIpOnLaunch ?? false,
      assignIpv6AddressOnCreation: subnet.AssignIpv6AddressOnCreation ?? false,
      privateDnsHostnameTypeOnLaunch: names?.HostnameType ?? "ip-name",
      enableResourceNameDnsARecordOnLaunch: names?.EnableResourceNameDnsARecord ?? false,
    };
  }

  /** The API takes one attribute at a time. */
  protected async converge({ operation }: Deadline, id: string, remote: ApiSubnet, inputs: Properties): Promise<void> {
    const ec2 = this.ec2(operation);
    const names = remote.PrivateDnsNameOptionsOnLaunch;
    const addresses = flag(inputs["mapPublicIpOnLaunch"]) ?? false;
    if (addresses !== (remote.MapPublicIpOnLaunch ?? false))
      await ec2.modifySubnetAttribute({ SubnetId: id, MapPublicIpOnLaunch: { Value: addresses } });
    const type = text(inputs["privateDnsHostnameTypeOnLaunch"]);
    if (type !== undefined && type !== (names?.HostnameType ?? "ip-name"))
      await ec2.modifySubnetAttribute({ SubnetId: id, PrivateDnsHostnameTypeOnLaunch: type as "ip-name" });
    const record = flag(inputs["enableResourceNameDnsARecordOnLaunch"]) ?? false;
    if (record !== (names?.EnableResourceNameDnsARecord ?? false))
      await ec2.modifySubnetAttribute({ SubnetId: id, EnableResourceNameDnsARecordOnLaunch: { Value: record } });
    await this.retag(operation, id, fromApiTags(remote.Tags), this.allTags(inputs));
  }

  protected async remove(deadline: Deadline, { id }: State): Promise<void> {
    await this.whenFree(deadline, id, () => this.ec2(deadline.operation).deleteSubnet({ SubnetId: id }));
  }
}

export class InternetGateway extends AwsKind<ApiGateway> {
  protected readonly title = "internet gateway";
  protected readonly replaces = new Set<string>();
  protected readonly inputs = ["vpcId", "tags"];
  protected readonly computed = ["arn", "ownerId", "vpcId"];
  protected override readonly sticky = new Set(["vpcId"]);
  protected override readonly times = { create: 1200, update: 1200, delete: 1200 };

  protected idOf(gateway: ApiGateway): string {
    return String(gateway.InternetGatewayId);
  }

  protected async make(operation: Operation, inputs: Properties): Promise<ApiGateway> {
    const { InternetGateway: gateway = {} } = await this.ec2(operation).createInternetGateway({
      TagSpecifications: this.tagSpecifications("internet-gateway", inputs),
    });
    return gateway;
  }

  protected look(operation: Operation, id: string): Promise<ApiGateway | undefined> {
    return this.found(
      async () =>
        (await this.ec2(operation).describeInternetGateways({ InternetGatewayIds: [id] })).InternetGateways?.[0],
    );
  }

  protected tagsIn(gateway: ApiGateway): Tags | undefined {
    return gateway.Tags === undefined ? undefined : fromApiTags(gateway.Tags);
  }

  protected attributes(gateway: ApiGateway): Properties {
    return {
      arn: this.cloud().arn("ec2", `internet-gateway/${gateway.InternetGatewayId}`, gateway.OwnerId),
      ownerId: gateway.OwnerId ?? null,
      vpcId: gateway.Attachments?.[0]?.VpcId ?? "",
    };
  }

  protected async converge(deadline: Deadline, id: string, remote: ApiGateway, inputs: Properties): Promise<void> {
    const { operation } = deadline;
    const now = remote.Attachments?.[0]?.VpcId;
    const wanted = text(inputs["vpcId"]);
    if (wanted !== undefined && wanted !== now) {
      if (now !== undefined) await this.detach(deadline, id, now);
      await this.whenKnown(
        deadline,
        `internet gateway ${id}`,
        (error) => isCode(error, "InvalidInternetGatewayID.NotFound"),
        () => this.ec2(operation).attachInternetGateway({ InternetGatewayId: id, VpcId: wanted }),
      );
    }
    await this.retag(operation, id, fromApiTags(remote.Tags), this.allTags(inputs));
  }

  /** Refused while addresses of the VPC are mapped to public ones. */
  private async detach(deadline: Deadline, id: string, vpc: string): Promise<void> {
    await this.whenFree(deadline, id, async () => {
      try {
        await this.ec2(deadline.operation).detachInternetGateway({ InternetGatewayId: id, VpcId: vpc });
      } catch (error) {
        if (!isCode(error, "Gateway.NotAttached")) throw error;
      }
    });
  }

  protected async remove(deadline: Deadline, { id }: State): Promise<void> {
    const now = await this.look(deadline.operation, id);
    for (const { VpcId } of now?.Attachments ?? []) if (VpcId !== undefined) await this.detach(deadline, id, VpcId);
    await this.whenFree(deadline, id, () =>
      this.ec2(deadline.operation).deleteInternetGateway({ InternetGatewayId: id }),
    );
  }
}

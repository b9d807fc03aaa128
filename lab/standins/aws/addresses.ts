/** Public addresses and NAT gateways. */
import type { Address, NatGateway as ApiNat } from "@aws-sdk/client-ec2";
import { randomUUID } from "node:crypto";
import type { Failure, Operation, Properties, State } from "../framework/kind.js";
import type { Deadline } from "../framework/waiting.js";
import { AwsKind } from "./awsKind.js";
import { isCode } from "./errors.js";
import { fromApiTags, type Tags } from "./tags.js";
import { text } from "./values.js";

export class Eip extends AwsKind<Address> {
  protected readonly title = "elastic address";
  protected readonly replaces = new Set(["domain", "publicIpv4Pool", "networkBorderGroup"]);
  protected readonly inputs = [
    "domain",
    "instance",
    "networkInterface",
    "associateWithPrivateIp",
    "publicIpv4Pool",
    "networkBorderGroup",
    "tags",
  ];
  protected readonly computed = [
    "allocationId",
    "arn",
    "associationId",
    "domain",
    "instance",
    "networkBorderGroup",
    "networkInterface",
    "privateDns",
    "privateIp",
    "publicDns",
    "publicIp",
    "publicIpv4Pool",
  ];
  protected override readonly sticky = new Set([
    "domain",
    "instance",
    "networkInterface",
    "publicIpv4Pool",
    "networkBorderGroup",
  ]);
  protected override readonly times = { create: 900, update: 300, delete: 180 };

  protected idOf(address: Address): string {
    return String(address.AllocationId);
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Address> {
    return this.ec2(operation).allocateAddress({
      Domain: (text(inputs["domain"]) ?? "vpc") as "vpc",
      PublicIpv4Pool: text(inputs["publicIpv4Pool"]),
      NetworkBorderGroup: text(inputs["networkBorderGroup"]),
      TagSpecifications: this.tagSpecifications("elastic-ip", inputs),
    });
  }

  protected look(operation: Operation, id: string): Promise<Address | undefined> {
    return this.found(
      async () => (await this.ec2(operation).describeAddresses({ AllocationIds: [id] })).Addresses?.[0],
    );
  }

  protected tagsIn(address: Address): Tags | undefined {
    return address.Tags === undefined ? undefined : fromApiTags(address.Tags);
  }

  protected attributes(address: Address): Properties {
    const { region } = this.cloud();
    const dashed = (ip: string): string => ip.replaceAll(".", "-");
    const domain = region === "us-east-1" ? "compute-1" : `${region}.compute`;
    const inner = region === "us-east-1" ? "ec2" : `${region}.compute`;
    return {
      allocationId: address.AllocationId ?? null,
      arn: this.cloud().arn("ec2", `elastic-ip/${address.AllocationId}`),
      associationId: address.AssociationId ?? "",
      domain: address.Domain ?? "vpc",
      instance: address.InstanceId ?? "",
      networkInterface: address.NetworkInterfaceId ?? "",
      networkBorderGroup: address.NetworkBorderGroup ?? "",
      publicIpv4Pool: address.PublicIpv4Pool ?? "",
      privateIp: address.PrivateIpAddress ?? "",
      privateDns:
        address.PrivateIpAddress === undefined ? "" : `ip-${dashed(address.PrivateIpAddress)}.${inner}.internal`,
      publicIp: address.PublicIp ?? null,
      publicDns: address.PublicIp === undefined ? null : `ec2-${dashed(address.PublicIp)}.${domain}.amazonaws.com`,
    };
  }

  protected async converge(deadline: Deadline, id: string, remote: Address, inputs: Properties): Promise<void> {
    const { operation } = deadline;
    const instance = text(inputs["instance"]);
    const card = text(inputs["networkInterface"]);
    const reached =
      instance === undefined
        ? card === undefined || card === remote.NetworkInterfaceId
        : instance === remote.InstanceId;
    if (!reached) {
      if (remote.AssociationId !== undefined && remote.AssociationId !== "")
        await this.ec2(operation).disassociateAddress({ AssociationId: remote.AssociationId });
      await this.whenKnown(
        deadline,
        `address ${id} and its machine`,
        (error) => isCode(error, "InvalidAllocationID.NotFound", "InvalidInstanceID", "InvalidInstanceID.NotFound"),
        () =>
          this.ec2(operation).associateAddress({
            AllocationId: id,
            InstanceId: instance,
            NetworkInterfaceId: instance === undefined ? card : undefined,
            PrivateIpAddress: text(inputs["associateWithPrivateIp"]),
          }),
      );
    }
    await this.retag(operation, id, fromApiTags(remote.Tags), this.allTags(inputs));
  }

  protected async remove(deadline: Deadline, { id }: State): Promise<void> {
    const { operation } = deadline;
    const now = await this.look(operation, id);
    // What a NAT gateway holds is let go with it; what a machine holds, here.
    if (now?.InstanceId !== undefined && now.InstanceId !== "" && now.AssociationId !== undefined) {
      const { AssociationId } = now;
      await this.found(() => this.ec2(operation).disassociateAddress({ AssociationId }));
    }
    await this.whenFree(deadline, id, () => this.ec2(operation).releaseAddress({ AllocationId: id }));
  }
}

export class NatGateway extends AwsKind<ApiNat> {
  protected readonly title = "NAT gateway";
  protected readonly replaces = new Set(["allocationId", "connectivityType", "privateIp", "subnetId"]);
  protected readonly inputs = ["allocationId", "connectivityType", "privateIp", "subnetId", "tags"];
  protected readonly computed = ["associationId", "networkInterfaceId", "privateIp", "publicIp"];
  protected override readonly defaults = { connectivityType: "public" };
  protected override readonly sticky = new Set(["privateIp"]);
  protected override readonly times = { create: 600, update: 600, delete: 1800 };

  protected idOf(gateway: ApiNat): string {
    return String(gateway.NatGatewayId);
  }

  protected override problems(inputs: Properties): Failure[] {
    const type = text(inputs["connectivityType"]) ?? "public";
    if (type === "public" && (inputs["allocationId"] ?? null) === null)
      return [
        { property: "allocationId", reason: "allocationId is missing: a public NAT gateway needs an elastic address" },
      ];
    if (type === "private" && (inputs["allocationId"] ?? null) !== null)
      return [
        {
          property: "allocationId",
          reason: "allocationId is not allowed: a private NAT gateway has no elastic address",
        },
      ];
    if ((inputs["subnetId"] ?? null) === null)
      return [
        { property: "subnetId", reason: "subnetId is missing: the stand-in makes NAT gateways of one zone only" },
      ];
    return [];
  }

  protected async make(operation: Operation, inputs: Properties, deadline: Deadline): Promise<ApiNat> {
    const token = randomUUID();
    const { NatGateway: gateway = {} } = await this.whenKnown(
      deadline,
      "the gateway's address",
      (error) => isCode(error, "InvalidAllocationID.NotFound"),
      () =>
        this.ec2(operation).createNatGateway({
          AllocationId: text(inputs["allocationId"]),
          ConnectivityType: (text(inputs["connectivityType"]) ?? "public") as "public",
          PrivateIpAddress: text(inputs["privateIp"]),
          SubnetId: text(inputs["subnetId"]),
          ClientToken: token,
          TagSpecifications: this.tagSpecifications("natgateway", inputs),
        }),
    );
    return gateway;
  }

  protected async look(operation: Operation, id: string): Promise<ApiNat | undefined> {
    const gateway = await this.found(
      async () => (await this.ec2(operation).describeNatGateways({ NatGatewayIds: [id] })).NatGateways?.[0],
    );
    // Deleted ones are shown for an hour.
    return gateway?.State === "deleted" ? undefined : gateway;
  }

  protected override pending(gateway: ApiNat, id: string): string | undefined {
    if (gateway.State === "failed" || gateway.State === "deleting")
      throw new Error(
        `NAT gateway ${id} is "${gateway.State}": ${gateway.FailureMessage ?? "no reason is given"} ${gateway.FailureCode ?? ""}`.trim(),
      );
    return gateway.State === "available" ? undefined : (gateway.State ?? "pending");
  }

  protected tagsIn(gateway: ApiNat): Tags | undefined {
    return gateway.Tags === undefined ? undefined : fromApiTags(gateway.Tags);
  }

  protected attributes(gateway: ApiNat, inputs: Properties): Properties {
    const address = gateway.NatGatewayAddresses?.find(({ IsPrimary }) => IsPrimary !== false);
    return {
      allocationId: address?.AllocationId ?? inputs["allocationId"] ?? null,
      associationId: address?.AssociationId ?? "",
      connectivityType: gateway.ConnectivityType ?? "public",
      networkInterfaceId: address?.NetworkInterfaceId ?? "",
      privateIp: address?.PrivateIp ?? "",
      publicIp: address?.PublicIp ?? "",
      subnetId: gateway.SubnetId ?? null,
    };
  }

  protected async converge({ operation }: Deadline, id: string, remote: ApiNat, inputs: Properties): Promise<void> {
    await this.retag(operation, id, fromApiTags(remote.Tags), this.allTags(inputs));
  }

  protected async remove({ operation }: Deadline, { id }: State): Promise<void> {
    await this.ec2(operation).deleteNatGateway({ NatGatewayId: id });
  }
}

/** The network: VPC, subnets, the ways out and their addresses. */
import type { Address } from "@aws-sdk/client-ec2";
import { randomUUID } from "node:crypto";
import { flag, text } from "../framework/values.js";
import { isCode } from "./errors.js";
import {
  aws,
  type AwsContext,
  convergeTags,
  fromApiTags,
  ifThere,
  retagEc2,
  tagSpecification,
  whenFree,
} from "./kind.js";

export const vpc = aws({
  title: "VPC",
  inputs: { cidrBlock: "replace", "enableDnsSupport?": "update", "enableDnsHostnames?": "update", "tags?": "update" },
  computed: [],
  create: async ({ cloud: { ec2 } }, inputs) => {
    const { Vpc } = await ec2.createVpc({
      CidrBlock: text(inputs["cidrBlock"]),
      TagSpecifications: tagSpecification("vpc", inputs["tags"]),
    });
    return String(Vpc?.VpcId);
  },
  read: async ({ cloud: { ec2 } }, id) => {
    const [found] = (await ec2.describeVpcs({ VpcIds: [id] })).Vpcs ?? [];
    if (found === undefined) return undefined;
    const [support, hostnames] = await Promise.all([
      ec2.describeVpcAttribute({ VpcId: id, Attribute: "enableDnsSupport" }),
      ec2.describeVpcAttribute({ VpcId: id, Attribute: "enableDnsHostnames" }),
    ]);
    return {
      found,
      enableDnsSupport: support.EnableDnsSupport?.Value ?? true,
      enableDnsHostnames: hostnames.EnableDnsHostnames?.Value ?? false,
    };
  },
  pending: ({ found }) => (found.State === "pending" ? found.State : undefined),
  outputs: ({ found, enableDnsSupport, enableDnsHostnames }) => ({
    cidrBlock: found.CidrBlock ?? null,
    enableDnsSupport,
    enableDnsHostnames,
    tags: fromApiTags(found.Tags),
  }),
  converge: async (context, id, remote, inputs) => {
    const { ec2 } = context.cloud;
    const support = flag(inputs["enableDnsSupport"]) ?? remote.enableDnsSupport;
    const hostnames = flag(inputs["enableDnsHostnames"]) ?? remote.enableDnsHostnames;
    const resolve = async (Value: boolean): Promise<unknown> =>
      ec2.modifyVpcAttribute({ VpcId: id, EnableDnsSupport: { Value } });
    // Names need the resolver: it is switched on first, and off last.
    if (support && !remote.enableDnsSupport) await resolve(true);
    if (hostnames !== remote.enableDnsHostnames)
      await ec2.modifyVpcAttribute({ VpcId: id, EnableDnsHostnames: { Value: hostnames } });
    if (!support && remote.enableDnsSupport) await resolve(false);
    await retagEc2(context, id, remote.found.Tags, inputs["tags"]);
  },
  remove: (context, id) => whenFree(context, `VPC ${id}`, () => context.cloud.ec2.deleteVpc({ VpcId: id })),
});

export const subnet = aws({
  title: "subnet",
  inputs: {
    vpcId: "replace",
    cidrBlock: "replace",
    availabilityZone: "replace",
    "mapPublicIpOnLaunch?": "update",
    "tags?": "update",
  },
  computed: [],
  create: async ({ cloud: { ec2 } }, inputs) => {
    const { Subnet } = await ec2.createSubnet({
      VpcId: text(inputs["vpcId"]),
      CidrBlock: text(inputs["cidrBlock"]),
      AvailabilityZone: text(inputs["availabilityZone"]),
      TagSpecifications: tagSpecification("subnet", inputs["tags"]),
    });
    return String(Subnet?.SubnetId);
  },
  read: async ({ cloud: { ec2 } }, id) => (await ec2.describeSubnets({ SubnetIds: [id] })).Subnets?.[0],
  pending: ({ State }) => (State === "pending" ? State : undefined),
  outputs: (remote) => ({
    vpcId: remote.VpcId ?? null,
    cidrBlock: remote.CidrBlock ?? null,
    availabilityZone: remote.AvailabilityZone ?? null,
    mapPublicIpOnLaunch: remote.MapPublicIpOnLaunch ?? false,
    tags: fromApiTags(remote.Tags),
  }),
  converge: async (context, id, remote, inputs) => {
    const addresses = flag(inputs["mapPublicIpOnLaunch"]) ?? false;
    if (addresses !== (remote.MapPublicIpOnLaunch ?? false))
      await context.cloud.ec2.modifySubnetAttribute({ SubnetId: id, MapPublicIpOnLaunch: { Value: addresses } });
    await convergeTags(context, id, remote, inputs);
  },
  remove: (context, id) => whenFree(context, `subnet ${id}`, () => context.cloud.ec2.deleteSubnet({ SubnetId: id })),
});

/** Refused while addresses of the VPC are mapped to public ones. */
async function detach(context: AwsContext, id: string, vpcId: string | undefined): Promise<void> {
  await whenFree(context, `internet gateway ${id}`, async () => {
    try {
      await context.cloud.ec2.detachInternetGateway({ InternetGatewayId: id, VpcId: vpcId });
    } catch (error) {
      if (!isCode(error, "Gateway.NotAttached")) throw error;
    }
  });
}

export const internetGateway = aws({
  title: "internet gateway",
  inputs: { vpcId: "update", "tags?": "update" },
  computed: [],
  create: async ({ cloud: { ec2 } }, inputs) => {
    const { InternetGateway } = await ec2.createInternetGateway({
      TagSpecifications: tagSpecification("internet-gateway", inputs["tags"]),
    });
    return String(InternetGateway?.InternetGatewayId);
  },
  read: async ({ cloud: { ec2 } }, id) =>
    (await ec2.describeInternetGateways({ InternetGatewayIds: [id] })).InternetGateways?.[0],
  outputs: (remote) => ({ vpcId: remote.Attachments?.[0]?.VpcId ?? "", tags: fromApiTags(remote.Tags) }),
  converge: async (context, id, remote, inputs) => {
    const now = remote.Attachments?.[0]?.VpcId;
    const wanted = text(inputs["vpcId"]);
    if (wanted !== now) {
      if (now !== undefined) await detach(context, id, now);
      await context.deadline.retry(
        `internet gateway ${id} to be known`,
        (error) => isCode(error, "InvalidInternetGatewayID.NotFound"),
        () => context.cloud.ec2.attachInternetGateway({ InternetGatewayId: id, VpcId: wanted }),
      );
    }
    await convergeTags(context, id, remote, inputs);
  },
  remove: async (context, id) => {
    const { ec2 } = context.cloud;
    const { InternetGateways } = await ec2.describeInternetGateways({ InternetGatewayIds: [id] });
    for (const { VpcId } of InternetGateways?.[0]?.Attachments ?? []) await detach(context, id, VpcId);
    await whenFree(context, `internet gateway ${id}`, () => ec2.deleteInternetGateway({ InternetGatewayId: id }));
  },
});

export const eip = aws({
  title: "elastic address",
  inputs: { domain: "replace", "instance?": "update", "tags?": "update" },
  computed: ["publicIp"],
  create: async ({ cloud: { ec2 } }, inputs) => {
    const { AllocationId } = await ec2.allocateAddress({
      Domain: text(inputs["domain"]) as "vpc",
      TagSpecifications: tagSpecification("elastic-ip", inputs["tags"]),
    });
    return String(AllocationId);
  },
  read: async ({ cloud: { ec2 } }, id) => (await ec2.describeAddresses({ AllocationIds: [id] })).Addresses?.[0],
  outputs: (remote) => ({
    domain: remote.Domain ?? "vpc",
    instance: remote.InstanceId ?? "",
    publicIp: remote.PublicIp ?? null,
    tags: fromApiTags(remote.Tags),
  }),
  converge: async (context, id, remote, inputs) => {
    const { ec2 } = context.cloud;
    const wanted = text(inputs["instance"]);
    if (wanted !== undefined && wanted !== (remote.InstanceId ?? "")) {
      await release(context, remote);
      await ec2.associateAddress({ AllocationId: id, InstanceId: wanted });
    }
    await convergeTags(context, id, remote, inputs);
  },
  // What a NAT gateway holds is released with it.
  remove: async (context, id) => {
    const { ec2 } = context.cloud;
    const [found] = (await ec2.describeAddresses({ AllocationIds: [id] })).Addresses ?? [];
    if (found?.InstanceId !== undefined) await release(context, found);
    await whenFree(context, `address ${id}`, () => ec2.releaseAddress({ AllocationId: id }));
  },
});

/** Takes an address away from its machine. */
async function release({ cloud: { ec2 } }: AwsContext, { AssociationId }: Address): Promise<void> {
  if (AssociationId === undefined) return;
  await ifThere(() => ec2.disassociateAddress({ AssociationId }));
}

export const natGateway = aws({
  title: "NAT gateway",
  inputs: { allocationId: "replace", subnetId: "replace", "tags?": "update" },
  computed: ["publicIp"],
  seconds: 1800,
  create: async ({ cloud: { ec2 }, deadline }, inputs) => {
    const request = {
      AllocationId: text(inputs["allocationId"]),
      SubnetId: text(inputs["subnetId"]),
      ClientToken: randomUUID(),
      TagSpecifications: tagSpecification("natgateway", inputs["tags"]),
    };
    const { NatGateway } = await deadline.retry(
      "the gateway's address to be known",
      (error) => isCode(error, "InvalidAllocationID.NotFound"),
      () => ec2.createNatGateway(request),
    );
    return String(NatGateway?.NatGatewayId);
  },
  read: async ({ cloud: { ec2 } }, id) => {
    const [gateway] = (await ec2.describeNatGateways({ NatGatewayIds: [id] })).NatGateways ?? [];
    // Deleted ones are shown for an hour.
    return gateway?.State === "deleted" ? undefined : gateway;
  },
  pending: ({ State, FailureMessage }, id) => {
    if (State === "failed" || State === "deleting")
      throw new Error(`NAT gateway ${id} is "${State}": ${FailureMessage ?? "no reason is given"}`);
    return State === "available" ? undefined : (State ?? "pending");
  },
  outputs: (remote, inputs) => {
    const address = remote.NatGatewayAddresses?.find(({ IsPrimary }) => IsPrimary !== false);
    return {
      allocationId: address?.AllocationId ?? inputs["allocationId"] ?? null,
      publicIp: address?.PublicIp ?? "",
      subnetId: remote.SubnetId ?? null,
      tags: fromApiTags(remote.Tags),
    };
  },
  converge: convergeTags,
  remove: async ({ cloud: { ec2 } }, id) => void (await ec2.deleteNatGateway({ NatGatewayId: id })),
});

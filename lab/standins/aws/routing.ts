/** Route tables, their routes and the subnets that use them. */
import type { RouteTableAssociation as Association } from "@aws-sdk/client-ec2";
import { crc32 } from "node:zlib";
import type { Properties } from "../../../provider/rpc/properties.js";
import { isGiven, text } from "../framework/values.js";
import { isCode } from "./errors.js";
import { aws, type AwsContext, convergeTags, fromApiTags, ifThere, tagSpecification, whenFree } from "./kind.js";

export const routeTable = aws({
  title: "route table",
  inputs: { vpcId: "replace", "tags?": "update" },
  computed: [],
  create: async ({ cloud: { ec2 } }, inputs) => {
    const { RouteTable } = await ec2.createRouteTable({
      VpcId: text(inputs["vpcId"]),
      TagSpecifications: tagSpecification("route-table", inputs["tags"]),
    });
    return String(RouteTable?.RouteTableId);
  },
  read: async ({ cloud: { ec2 } }, id) => (await ec2.describeRouteTables({ RouteTableIds: [id] })).RouteTables?.[0],
  outputs: (remote) => ({ vpcId: remote.VpcId ?? null, tags: fromApiTags(remote.Tags) }),
  converge: convergeTags,
  remove: async (context, id) => {
    const { ec2 } = context.cloud;
    const [now] = (await ec2.describeRouteTables({ RouteTableIds: [id] })).RouteTables ?? [];
    for (const { RouteTableAssociationId, Main } of now?.Associations ?? [])
      if (Main !== true) await ifThere(() => ec2.disassociateRouteTable({ AssociationId: RouteTableAssociationId }));
    await whenFree(context, `route table ${id}`, () => ec2.deleteRouteTable({ RouteTableId: id }));
  },
});

const placeOf = (inputs: Properties): { RouteTableId: string; DestinationCidrBlock: string } => ({
  RouteTableId: String(inputs["routeTableId"]),
  DestinationCidrBlock: String(inputs["destinationCidrBlock"]),
});
const targetOf = (inputs: Properties): { GatewayId?: string; NatGatewayId?: string } => ({
  GatewayId: text(inputs["gatewayId"]),
  NatGatewayId: text(inputs["natGatewayId"]),
});

export const route = aws({
  title: "route",
  inputs: {
    routeTableId: "replace",
    destinationCidrBlock: "replace",
    "gatewayId?": "update",
    "natGatewayId?": "update",
  },
  computed: [],
  problems: (inputs) =>
    isGiven(inputs["gatewayId"]) === isGiven(inputs["natGatewayId"])
      ? [{ property: "gatewayId", reason: "a route has exactly one target: gatewayId or natGatewayId" }]
      : [],
  // The other target is given instead.
  same: (name, before, after) => (/atewayId$/.test(name) ? (before ?? "") === (after ?? "") : undefined),
  create: async ({ cloud: { ec2 }, deadline }, inputs) => {
    const place = placeOf(inputs);
    await deadline.retry(
      "the route's table and target to be known",
      (error) =>
        isCode(error, "InvalidParameterException", "InvalidRouteTableID.NotFound", "InvalidNatGatewayID.NotFound"),
      () => ec2.createRoute({ ...place, ...targetOf(inputs) }),
    );
    return `r-${place.RouteTableId}${crc32(place.DestinationCidrBlock)}`;
  },
  read: async ({ cloud: { ec2 } }, _id, inputs) => {
    const { RouteTableId, DestinationCidrBlock } = placeOf(inputs);
    const [table] = (await ec2.describeRouteTables({ RouteTableIds: [RouteTableId] })).RouteTables ?? [];
    return table?.Routes?.find((item) => item.DestinationCidrBlock === DestinationCidrBlock);
  },
  outputs: (remote) => ({ gatewayId: remote.GatewayId ?? "", natGatewayId: remote.NatGatewayId ?? "" }),
  converge: async ({ cloud: { ec2 } }, _id, remote, inputs) => {
    const { GatewayId, NatGatewayId } = targetOf(inputs);
    if (GatewayId === remote.GatewayId && NatGatewayId === remote.NatGatewayId) return;
    await ec2.replaceRoute({ ...placeOf(inputs), GatewayId, NatGatewayId });
  },
  remove: async ({ cloud: { ec2 } }, _id, inputs) => {
    try {
      await ec2.deleteRoute(placeOf(inputs));
    } catch (error) {
      // Its target is gone, and the API does not know the route any more.
      if (!isCode(error, "InvalidParameterException")) throw error;
    }
  },
});

/** By the subnet, which has at most one table: another table gives the association another id, but the resource keeps its own. */
async function associationOf({ cloud: { ec2 } }: AwsContext, inputs: Properties): Promise<Association | undefined> {
  const subnet = String(inputs["subnetId"]);
  const { RouteTables } = await ec2.describeRouteTables({
    Filters: [{ Name: "association.subnet-id", Values: [subnet] }],
  });
  return RouteTables?.[0]?.Associations?.find(({ SubnetId }) => SubnetId === subnet);
}

export const routeTableAssociation = aws({
  title: "route table association",
  inputs: { routeTableId: "update", subnetId: "replace" },
  computed: [],
  create: async ({ cloud: { ec2 }, deadline }, inputs) => {
    const request = { RouteTableId: text(inputs["routeTableId"]), SubnetId: text(inputs["subnetId"]) };
    const { AssociationId } = await deadline.retry(
      "the route table to be known",
      (error) => isCode(error, "InvalidRouteTableID.NotFound"),
      () => ec2.associateRouteTable(request),
    );
    return String(AssociationId);
  },
  read: (context, _id, inputs) => associationOf(context, inputs),
  outputs: (remote) => ({ routeTableId: remote.RouteTableId ?? null, subnetId: remote.SubnetId ?? null }),
  converge: async ({ cloud: { ec2 } }, _id, remote, inputs) => {
    const wanted = text(inputs["routeTableId"]);
    if (wanted !== remote.RouteTableId)
      await ec2.replaceRouteTableAssociation({ AssociationId: remote.RouteTableAssociationId, RouteTableId: wanted });
  },
  remove: async (context, id, inputs) => {
    const now = await associationOf(context, inputs);
    await context.cloud.ec2.disassociateRouteTable({ AssociationId: now?.RouteTableAssociationId ?? id });
  },
});

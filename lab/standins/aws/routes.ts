/** Route tables, their routes and the subnets that use them. */
import type {
  Route as ApiRoute,
  RouteTable as ApiTable,
  RouteTableAssociation as ApiAssociation,
} from "@aws-sdk/client-ec2";
import { crc32 } from "node:zlib";
import type { Failure, Operation, Properties, State } from "../framework/kind.js";
import type { Deadline } from "../framework/waiting.js";
import { AwsKind } from "./awsKind.js";
import { isCode } from "./errors.js";
import { fromApiTags, type Tags } from "./tags.js";
import { isGiven, text } from "./values.js";

export class RouteTable extends AwsKind<ApiTable> {
  protected readonly title = "route table";
  protected readonly replaces = new Set(["vpcId"]);
  protected readonly inputs = ["vpcId", "tags"];
  protected readonly computed = ["arn", "ownerId"];

  protected idOf(table: ApiTable): string {
    return String(table.RouteTableId);
  }

  protected async make(operation: Operation, inputs: Properties): Promise<ApiTable> {
    const { RouteTable: table = {} } = await this.ec2(operation).createRouteTable({
      VpcId: text(inputs["vpcId"]),
      TagSpecifications: this.tagSpecifications("route-table", inputs),
    });
    return table;
  }

  protected look(operation: Operation, id: string): Promise<ApiTable | undefined> {
    return this.found(
      async () => (await this.ec2(operation).describeRouteTables({ RouteTableIds: [id] })).RouteTables?.[0],
    );
  }

  protected tagsIn(table: ApiTable): Tags | undefined {
    return table.Tags === undefined ? undefined : fromApiTags(table.Tags);
  }

  protected attributes(table: ApiTable): Properties {
    return {
      arn: this.cloud().arn("ec2", `route-table/${table.RouteTableId}`, table.OwnerId),
      ownerId: table.OwnerId ?? null,
      vpcId: table.VpcId ?? null,
      propagatingVgws: [],
    };
  }

  protected async converge({ operation }: Deadline, id: string, remote: ApiTable, inputs: Properties): Promise<void> {
    await this.retag(operation, id, fromApiTags(remote.Tags), this.allTags(inputs));
  }

  protected async remove(deadline: Deadline, { id }: State): Promise<void> {
    const now = await this.look(deadline.operation, id);
    for (const { RouteTableAssociationId, Main } of now?.Associations ?? []) {
      if (Main !== true && RouteTableAssociationId !== undefined)
        await this.found(() =>
          this.ec2(deadline.operation).disassociateRouteTable({ AssociationId: RouteTableAssociationId }),
        );
    }
    await this.whenFree(deadline, id, () => this.ec2(deadline.operation).deleteRouteTable({ RouteTableId: id }));
  }
}

/** Inputs for where to, with the API's names. */
const targets = {
  gatewayId: "GatewayId",
  natGatewayId: "NatGatewayId",
  networkInterfaceId: "NetworkInterfaceId",
} as const;

interface RouteState {
  readonly table: string;
  readonly destination: string;
  readonly route?: ApiRoute;
}

export class Route extends AwsKind<RouteState> {
  protected readonly title = "route";
  protected readonly replaces = new Set(["routeTableId", "destinationCidrBlock"]);
  protected readonly inputs = ["routeTableId", "destinationCidrBlock", ...Object.keys(targets)];
  protected readonly computed = ["instanceId", "instanceOwnerId", "networkInterfaceId", "origin", "state"];
  protected override readonly taggable = false;

  protected idOf({ table, destination }: RouteState): string {
    return `r-${table}${crc32(destination)}`;
  }

  protected override problems(inputs: Properties): Failure[] {
    const given = Object.keys(targets).filter((name) => isGiven(inputs[name]));
    const failures: Failure[] = [];
    if (given.length !== 1)
      failures.push({
        property: given[0] ?? "gatewayId",
        reason: `a route leads to exactly one target; got ${given.length === 0 ? "none" : given.join(" and ")}, allowed is one of ${Object.keys(targets).join(", ")}`,
      });
    if (!isGiven(inputs["destinationCidrBlock"]))
      failures.push({
        property: "destinationCidrBlock",
        reason: `destinationCidrBlock is missing: the stand-in makes routes to IPv4 networks, such as "0.0.0.0/0"`,
      });
    return failures;
  }

  private request(
    table: string,
    destination: string,
    inputs: Properties,
  ): { RouteTableId: string; DestinationCidrBlock: string } {
    const [name, api] = Object.entries(targets).find(([input]) => isGiven(inputs[input])) ?? ["gatewayId", "GatewayId"];
    return { RouteTableId: table, DestinationCidrBlock: destination, [api]: text(inputs[name]) };
  }

  protected async make(operation: Operation, inputs: Properties, deadline: Deadline): Promise<RouteState> {
    const [table, destination] = [String(inputs["routeTableId"]), String(inputs["destinationCidrBlock"])];
    const early = (error: unknown): boolean =>
      isCode(error, "InvalidParameterException", "InvalidRouteTableID.NotFound", "InvalidNatGatewayID.NotFound");
    await this.whenKnown(deadline, "the route's table and target", early, () =>
      this.ec2(operation).createRoute(this.request(table, destination, inputs)),
    );
    return { table, destination };
  }

  protected look(operation: Operation, id: string, outputs: Properties): Promise<RouteState | undefined> {
    const imported = /^(rtb-[0-9a-f]+)_(.+)$/.exec(id);
    const table = text(outputs["routeTableId"]) ?? imported?.[1];
    const destination = text(outputs["destinationCidrBlock"]) ?? imported?.[2];
    if (table === undefined || destination === undefined)
      throw new Error(`"${id}" is no route; for an import it must be <route table's id>_<destination>`);
    return this.found(async () => {
      const found = (await this.ec2(operation).describeRouteTables({ RouteTableIds: [table] })).RouteTables?.[0];
      const route = found?.Routes?.find(({ DestinationCidrBlock }) => DestinationCidrBlock === destination);
      return route === undefined ? undefined : { table, destination, route };
    });
  }

  protected tagsIn(): undefined {
    return undefined;
  }

  protected attributes({ table, destination, route }: RouteState, inputs: Properties): Properties {
    const reached = Object.fromEntries(
      Object.entries(targets).map(([name, api]) => [
        name,
        route === undefined ? (inputs[name] ?? "") : (route[api] ?? ""),
      ]),
    );
    return {
      routeTableId: table,
      destinationCidrBlock: destination,
      ...reached,
      instanceId: route?.InstanceId ?? "",
      instanceOwnerId: route?.InstanceOwnerId ?? "",
      origin: route?.Origin ?? null,
      state: route?.State ?? null,
    };
  }

  protected async converge(
    { operation }: Deadline,
    _id: string,
    { table, destination, route }: RouteState,
    inputs: Properties,
  ): Promise<void> {
    const leads = Object.entries(targets).every(
      ([name, api]) => !isGiven(inputs[name]) || route?.[api] === inputs[name],
    );
    if (!leads) await this.ec2(operation).replaceRoute(this.request(table, destination, inputs));
  }

  protected async remove({ operation }: Deadline, { outputs }: State): Promise<void> {
    try {
      await this.ec2(operation).deleteRoute({
        RouteTableId: text(outputs["routeTableId"]),
        DestinationCidrBlock: text(outputs["destinationCidrBlock"]),
      });
    } catch (error) {
      // It leads nowhere since its target went, and the API does not know it any more.
      if (!isCode(error, "InvalidParameterException")) throw error;
    }
  }
}

export class RouteTableAssociation extends AwsKind<ApiAssociation> {
  protected readonly title = "route table association";
  protected readonly replaces = new Set(["subnetId"]);
  protected readonly inputs = ["routeTableId", "subnetId"];
  protected readonly computed = [];
  protected override readonly taggable = false;

  protected idOf(association: ApiAssociation): string {
    return String(association.RouteTableAssociationId);
  }

  protected override problems(inputs: Properties): Failure[] {
    return isGiven(inputs["subnetId"])
      ? []
      : [
          {
            property: "subnetId",
            reason: "subnetId is missing: the stand-in associates route tables with subnets only",
          },
        ];
  }

  protected async make(operation: Operation, inputs: Properties, deadline: Deadline): Promise<ApiAssociation> {
    const input = { RouteTableId: text(inputs["routeTableId"]), SubnetId: text(inputs["subnetId"]) };
    const { AssociationId } = await this.whenKnown(
      deadline,
      "the route table",
      (error) => isCode(error, "InvalidRouteTableID.NotFound"),
      () => this.ec2(operation).associateRouteTable(input),
    );
    return { RouteTableAssociationId: AssociationId, ...input };
  }

  /** By the subnet, which has one table at most: another table gives the association another id, but the resource keeps its own. */
  protected look(operation: Operation, id: string, outputs: Properties): Promise<ApiAssociation | undefined> {
    const [, importedSubnet] = /^(subnet-[0-9a-f]+)\/rtb-[0-9a-f]+$/.exec(id) ?? [];
    const subnet = text(outputs["subnetId"]) ?? importedSubnet;
    const filter =
      subnet === undefined
        ? { Name: "association.route-table-association-id", Values: [id] }
        : { Name: "association.subnet-id", Values: [subnet] };
    return this.found(async () => {
      const [table] = (await this.ec2(operation).describeRouteTables({ Filters: [filter] })).RouteTables ?? [];
      return table?.Associations?.find((association) =>
        subnet === undefined ? association.RouteTableAssociationId === id : association.SubnetId === subnet,
      );
    });
  }

  protected tagsIn(): undefined {
    return undefined;
  }

  protected attributes(association: ApiAssociation): Properties {
    return { routeTableId: association.RouteTableId ?? null, subnetId: association.SubnetId ?? null };
  }

  protected async converge(
    { operation }: Deadline,
    id: string,
    remote: ApiAssociation,
    inputs: Properties,
  ): Promise<void> {
    const wanted = text(inputs["routeTableId"]);
    if (wanted === remote.RouteTableId) return;
    await this.ec2(operation).replaceRouteTableAssociation({
      AssociationId: remote.RouteTableAssociationId ?? id,
      RouteTableId: wanted,
    });
  }

  protected async remove({ operation }: Deadline, state: State): Promise<void> {
    const now = await this.look(operation, state.id, state.outputs);
    if (now !== undefined)
      await this.ec2(operation).disassociateRouteTable({ AssociationId: now.RouteTableAssociationId });
  }
}

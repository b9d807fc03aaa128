import type { LoadBalancer as ApiBalancer, SubnetMapping } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { Failure, Operation, Properties, State, Value } from "../framework/kind.js";
import { sameSets } from "../framework/sets.js";
import type { Deadline } from "../framework/waiting.js";
import { type Attribute, attributeMap, type Described, ElbKind, tagList } from "./elbKind.js";
import { bags, isGiven, sameMembers, text, texts } from "./values.js";

const attributes: readonly Attribute[] = [
  { input: "enableDeletionProtection", key: "deletion_protection.enabled", is: "boolean" },
  { input: "enableCrossZoneLoadBalancing", key: "load_balancing.cross_zone.enabled", is: "boolean" },
  { input: "dnsRecordClientRoutingPolicy", key: "dns_record.client_routing_policy", is: "string" },
  { input: "enableZonalShift", key: "zonal_shift.config.enabled", is: "boolean" },
];

export class LoadBalancer extends ElbKind<ApiBalancer> {
  protected readonly title = "load balancer";
  protected override readonly named = true;
  protected override readonly nameLength = 32;
  protected readonly replaces = new Set(["name", "namePrefix", "internal", "loadBalancerType"]);
  protected readonly inputs = [
    ...[
      "name",
      "internal",
      "loadBalancerType",
      "subnets",
      "subnetMappings",
      "securityGroups",
      "ipAddressType",
      "tags",
      "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
    ],
    ...attributes.map(({ input }) => input),
  ];
  protected readonly computed = [
    "arn",
    "arnSuffix",
    "dnsName",
    "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
    "internal",
    "ipAddressType",
    "securityGroups",
    "subnetMappings",
    "subnets",
    "vpcId",
    "zoneId",
  ];
  protected override readonly defaults = {
    loadBalancerType: "application",
    enableDeletionProtection: false,
    enableCrossZoneLoadBalancing: false,
    enableZonalShift: false,
    dnsRecordClientRoutingPolicy: "any_availability_zone",
  };
  protected override readonly sticky = new Set([
    "enforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
    "internal",
    "ipAddressType",
    "securityGroups",
    "subnetMappings",
    "subnets",
  ]);
  protected override readonly times = { create: 600, update: 600, delete: 600 };

  protected idOf({ api }: Described<ApiBalancer>): string {
    return String(api.LoadBalancerArn);
  }

  protected override problems(inputs: Properties): Failure[] {
    const failures: Failure[] = [];
    const type = inputs["loadBalancerType"] ?? "application";
    if (type !== "network" && typeof type !== "symbol")
      failures.push({
        property: "loadBalancerType",
        reason: `loadBalancerType: got ${JSON.stringify(type)}, the stand-in makes load balancers of the type "network" only`,
      });
    if (!isGiven(inputs["subnets"]) && !isGiven(inputs["subnetMappings"]))
      failures.push({
        property: "subnets",
        reason: "subnets is missing: a load balancer needs subnets or subnetMappings",
      });
    if (isGiven(inputs["subnets"]) && isGiven(inputs["subnetMappings"]))
      failures.push({
        property: "subnetMappings",
        reason: "subnets and subnetMappings exclude each other; give one of them",
      });
    return failures;
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Described<ApiBalancer>> {
    const groups = texts(inputs["securityGroups"]);
    const { LoadBalancers } = await this.elb(operation).createLoadBalancer({
      Name: this.nameFor(inputs),
      Type: "network",
      Scheme: inputs["internal"] === true ? "internal" : "internet-facing",
      ...subnetsOf(inputs),
      SecurityGroups: groups.length === 0 ? undefined : groups,
      IpAddressType: text(inputs["ipAddressType"]) as "ipv4" | undefined,
      Tags: tagList(this.allTags(inputs)),
    });
    return { api: LoadBalancers?.[0] ?? {} };
  }

  protected async look(operation: Operation, id: string): Promise<Described<ApiBalancer> | undefined> {
    return this.found(async () => {
      const [api] = (await this.elb(operation).describeLoadBalancers({ LoadBalancerArns: [id] })).LoadBalancers ?? [];
      if (api?.LoadBalancerArn !== id) return undefined;
      const [tags, values] = await Promise.all([
        this.tagsAt(operation, id),
        this.elb(operation).describeLoadBalancerAttributes({ LoadBalancerArn: id }),
      ]);
      return { api, tags, attributes: attributeMap(values.Attributes) };
    });
  }

  protected override pending({ api }: Described<ApiBalancer>, id: string): string | undefined {
    const code = api.State?.Code;
    if (code === "failed") throw new Error(`load balancer ${id} failed: ${api.State?.Reason ?? "no reason is given"}`);
    return code === "active" || code === "active_impaired" ? undefined : (code ?? "unknown");
  }

  protected attributes({ api, attributes: values }: Described<ApiBalancer>, inputs: Properties): Properties {
    const zones = api.AvailabilityZones ?? [];
    const mappings = zones.map((zone): Properties => {
      const [address] = zone.LoadBalancerAddresses ?? [];
      return {
        subnetId: zone.SubnetId ?? "",
        ...(address?.AllocationId === undefined ? {} : { allocationId: address.AllocationId }),
        ...(address?.PrivateIPv4Address === undefined ? {} : { privateIpv4Address: address.PrivateIPv4Address }),
      };
    });
    return {
      arn: api.LoadBalancerArn ?? null,
      arnSuffix: api.LoadBalancerArn?.split(":loadbalancer/")[1] ?? null,
      name: api.LoadBalancerName ?? null,
      dnsName: api.DNSName ?? null,
      zoneId: api.CanonicalHostedZoneId ?? null,
      vpcId: api.VpcId ?? null,
      internal: api.Scheme === "internal",
      ipAddressType: api.IpAddressType ?? "ipv4",
      loadBalancerType: api.Type ?? "network",
      securityGroups: api.SecurityGroups ?? [],
      subnets: zones.map(({ SubnetId }) => SubnetId ?? ""),
      subnetMappings: mappings,
      enforceSecurityGroupInboundRulesOnPrivateLinkTraffic:
        api.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic ??
        inputs["enforceSecurityGroupInboundRulesOnPrivateLinkTraffic"] ??
        "",
      ...this.attributeOutputs(attributes, values),
    };
  }

  /** A network load balancer loses no subnet and no address, and has either always had security groups or never. */
  protected override replacesOn(property: string, state: State, inputs: Properties): boolean {
    if (property === "subnets")
      return texts(state.inputs[property]).some((subnet) => !texts(inputs[property]).includes(subnet));
    if (property === "subnetMappings")
      return bags(state.inputs[property]).some(
        (mapping) => !bags(inputs[property]).some((other) => sameSets(mapping, other)),
      );
    if (property === "securityGroups")
      return (
        (texts(state.inputs[property]).length === 0) !== (texts(inputs[property]).length === 0) &&
        typeof inputs[property] !== "symbol"
      );
    return false;
  }

  protected override drift(name: string, asked: Value, actual: Value | undefined): Value {
    // Of an address that was not asked for, the cloud chose one.
    if (name === "subnetMappings") return super.drift(name, asked, actual);
    return name === "subnets" && sameMembers(texts(asked), texts(actual)) ? asked : super.drift(name, asked, actual);
  }

  protected async converge(
    { operation }: Deadline,
    id: string,
    { api, tags, attributes: values }: Described<ApiBalancer>,
    inputs: Properties,
  ): Promise<void> {
    const elb = this.elb(operation);
    await this.retagArn(operation, id, tags ?? {}, this.allTags(inputs));
    const changes = this.attributeChanges(attributes, values ?? {}, inputs);
    if (changes.length > 0) await elb.modifyLoadBalancerAttributes({ LoadBalancerArn: id, Attributes: changes });
    const groups = texts(inputs["securityGroups"]);
    const enforce = text(inputs["enforceSecurityGroupInboundRulesOnPrivateLinkTraffic"]);
    const enforces = api.EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic;
    if (
      groups.length > 0 &&
      (!sameMembers(groups, api.SecurityGroups ?? []) ||
        (enforce !== undefined && enforces !== undefined && enforce !== enforces))
    ) {
      await elb.setSecurityGroups({
        LoadBalancerArn: id,
        SecurityGroups: groups,
        EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic: enforce as "on" | undefined,
      });
    }
    const request = subnetsOf(inputs);
    const wanted = request.Subnets ?? request.SubnetMappings?.map(({ SubnetId }) => SubnetId ?? "") ?? [];
    const now = (api.AvailabilityZones ?? []).map(({ SubnetId }) => SubnetId ?? "");
    if (wanted.length > 0 && !sameMembers(wanted, now)) await elb.setSubnets({ LoadBalancerArn: id, ...request });
    const family = text(inputs["ipAddressType"]);
    if (family !== undefined && family !== api.IpAddressType)
      await elb.setIpAddressType({ LoadBalancerArn: id, IpAddressType: family as "ipv4" });
  }

  protected async remove(deadline: Deadline, { id, outputs }: State): Promise<void> {
    const { operation } = deadline;
    await this.elb(operation).deleteLoadBalancer({ LoadBalancerArn: id });
    // Its network interfaces keep subnets and security groups busy for a while.
    const description = `ELB ${text(outputs["arnSuffix"]) ?? id.split(":loadbalancer/")[1] ?? ""}`;
    await deadline.until(`the network interfaces of load balancer ${id} to go`, async (seen) => {
      const { NetworkInterfaces = [] } = await this.ec2(operation).describeNetworkInterfaces({
        Filters: [{ Name: "description", Values: [description] }],
      });
      seen(`${NetworkInterfaces.length} left`);
      return NetworkInterfaces.length === 0 ? true : undefined;
    });
  }
}

function subnetsOf(inputs: Properties): { Subnets?: string[]; SubnetMappings?: SubnetMapping[] } {
  const mappings = bags(inputs["subnetMappings"]);
  if (mappings.length === 0) return { Subnets: texts(inputs["subnets"]) };
  return {
    SubnetMappings: mappings.map((mapping) => ({
      SubnetId: text(mapping["subnetId"]),
      AllocationId: text(mapping["allocationId"]),
      PrivateIPv4Address: text(mapping["privateIpv4Address"]),
      IPv6Address: text(mapping["ipv6Address"]),
    })),
  };
}

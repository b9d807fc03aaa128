/** Network load balancers and their listeners. */
import type { LoadBalancer } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { bags, isGiven, number, same, text, texts } from "../framework/values.js";
import { aws, type AwsContext, fromApiTags, retag, type Tags, toApiTags } from "./kind.js";

/** With tags and attributes, which are read by calls of their own. */
export interface Described<Api> {
  readonly api: Api;
  readonly tags: Tags;
  readonly attributes: Properties;
}

export async function tagsAt({ cloud: { elb } }: AwsContext, arn: string): Promise<Tags> {
  const { TagDescriptions } = await elb.describeTags({ ResourceArns: [arn] });
  return fromApiTags(TagDescriptions?.find(({ ResourceArn }) => ResourceArn === arn)?.Tags);
}

export function retagArn(
  { cloud: { elb } }: AwsContext,
  arn: string,
  tags: Tags,
  wanted: Value | undefined,
): Promise<void> {
  return retag(
    tags,
    wanted,
    (Tags) => elb.addTags({ ResourceArns: [arn], Tags }),
    (TagKeys) => elb.removeTags({ ResourceArns: [arn], TagKeys }),
  );
}

interface ApiAttribute {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

export const byKey = (attributes: readonly ApiAttribute[] | undefined): Properties =>
  Object.fromEntries((attributes ?? []).map(({ Key, Value: value }) => [String(Key), value ?? ""]));

/** Those that the cloud has otherwise; all values are texts there. */
export const changesOf = (now: Properties, wanted: Readonly<Record<string, Value | undefined>>) =>
  Object.entries(wanted).flatMap(([Key, value]) =>
    isGiven(value) && String(value) !== now[Key] ? [{ Key, Value: String(value) }] : [],
  );

const crossZone = "load_balancing.cross_zone.enabled";

export const loadBalancer = aws<Described<LoadBalancer>>({
  title: "load balancer",
  inputs: {
    name: "replace",
    internal: "replace",
    loadBalancerType: "replace",
    ipAddressType: "replace",
    subnets: "update",
    securityGroups: "update",
    enableCrossZoneLoadBalancing: "update",
    "tags?": "update",
  },
  computed: ["arn", "dnsName"],
  problems: (inputs) =>
    inputs["loadBalancerType"] === "network"
      ? []
      : [
          {
            property: "loadBalancerType",
            reason: `loadBalancerType: got ${JSON.stringify(inputs["loadBalancerType"])}; the lab's stand-in has "network" only`,
          },
        ],
  // A network load balancer loses no subnet.
  replaces: (path, before, after) =>
    path.startsWith("subnets") && texts(before["subnets"]).some((id) => !texts(after["subnets"]).includes(id)),
  create: async ({ cloud: { elb } }, inputs) => {
    const { LoadBalancers } = await elb.createLoadBalancer({
      Name: text(inputs["name"]),
      Type: "network",
      Scheme: inputs["internal"] === true ? "internal" : "internet-facing",
      Subnets: texts(inputs["subnets"]),
      SecurityGroups: texts(inputs["securityGroups"]),
      IpAddressType: text(inputs["ipAddressType"]) as "ipv4",
      Tags: toApiTags(inputs["tags"]),
    });
    return String(LoadBalancers?.[0]?.LoadBalancerArn);
  },
  read: async (context, id) => {
    const { elb } = context.cloud;
    const [api] = (await elb.describeLoadBalancers({ LoadBalancerArns: [id] })).LoadBalancers ?? [];
    if (api?.LoadBalancerArn !== id) return undefined;
    const [tags, values] = await Promise.all([
      tagsAt(context, id),
      elb.describeLoadBalancerAttributes({ LoadBalancerArn: id }),
    ]);
    return { api, tags, attributes: byKey(values.Attributes) };
  },
  pending: ({ api: { State } }, id) => {
    if (State?.Code === "failed")
      throw new Error(`load balancer ${id} failed: ${State.Reason ?? "no reason is given"}`);
    return State?.Code === "active" || State?.Code === "active_impaired" ? undefined : (State?.Code ?? "unknown");
  },
  outputs: ({ api, tags, attributes }) => ({
    arn: api.LoadBalancerArn ?? null,
    dnsName: api.DNSName ?? null,
    enableCrossZoneLoadBalancing: attributes[crossZone] === "true",
    internal: api.Scheme === "internal",
    ipAddressType: api.IpAddressType ?? "ipv4",
    name: api.LoadBalancerName ?? null,
    securityGroups: api.SecurityGroups ?? [],
    subnets: (api.AvailabilityZones ?? []).map(({ SubnetId }) => SubnetId ?? ""),
    tags,
  }),
  converge: async (context, id, { api, tags, attributes }, inputs) => {
    const { elb } = context.cloud;
    await retagArn(context, id, tags, inputs["tags"]);
    const Attributes = changesOf(attributes, { [crossZone]: inputs["enableCrossZoneLoadBalancing"] });
    if (Attributes.length > 0) await elb.modifyLoadBalancerAttributes({ LoadBalancerArn: id, Attributes });
    if (!same(inputs["securityGroups"], api.SecurityGroups ?? []))
      await elb.setSecurityGroups({ LoadBalancerArn: id, SecurityGroups: texts(inputs["securityGroups"]) });
    const subnets = (api.AvailabilityZones ?? []).map(({ SubnetId }) => SubnetId ?? "");
    if (!same(inputs["subnets"], subnets))
      await elb.setSubnets({ LoadBalancerArn: id, Subnets: texts(inputs["subnets"]) });
  },
  remove: async ({ cloud: { elb, ec2 }, deadline }, id) => {
    await elb.deleteLoadBalancer({ LoadBalancerArn: id });
    // Its network interfaces keep subnets and security groups busy for a while.
    const description = `ELB ${id.split(":loadbalancer/")[1] ?? ""}`;
    await deadline.until(`the network interfaces of load balancer ${id} to be deleted`, async (seen) => {
      const { NetworkInterfaces = [] } = await ec2.describeNetworkInterfaces({
        Filters: [{ Name: "description", Values: [description] }],
      });
      seen(`${NetworkInterfaces.length} left`);
      return NetworkInterfaces.length === 0 ? true : undefined;
    });
  },
});

const listenerOf = (inputs: Properties) => ({
  Port: number(inputs["port"]),
  Protocol: text(inputs["protocol"]) as "TCP",
  DefaultActions: bags(inputs["defaultActions"]).map((action) => ({
    Type: "forward" as const,
    TargetGroupArn: text(action["targetGroupArn"]),
  })),
});

export const listener = aws({
  title: "listener",
  inputs: {
    loadBalancerArn: "replace",
    port: "update",
    protocol: "update",
    defaultActions: ["update", "type", "targetGroupArn"],
    "tags?": "update",
  },
  computed: ["arn"],
  problems: (inputs) =>
    bags(inputs["defaultActions"]).flatMap(({ type }, index) =>
      type === "forward"
        ? []
        : [
            {
              property: `defaultActions[${index}].type`,
              reason: `defaultActions[${index}].type: got ${JSON.stringify(type)}; the lab's stand-in has "forward" only`,
            },
          ],
    ),
  create: async ({ cloud: { elb } }, inputs) => {
    const { Listeners } = await elb.createListener({
      LoadBalancerArn: text(inputs["loadBalancerArn"]),
      ...listenerOf(inputs),
      Tags: toApiTags(inputs["tags"]),
    });
    return String(Listeners?.[0]?.ListenerArn);
  },
  read: async (context, id) => {
    const [api] = (await context.cloud.elb.describeListeners({ ListenerArns: [id] })).Listeners ?? [];
    return api?.ListenerArn === id ? { api, tags: await tagsAt(context, id) } : undefined;
  },
  outputs: ({ api, tags }) => ({
    arn: api.ListenerArn ?? null,
    defaultActions: (api.DefaultActions ?? []).map((action) => ({
      type: action.Type ?? "forward",
      targetGroupArn: action.TargetGroupArn ?? action.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn ?? "",
    })),
    loadBalancerArn: api.LoadBalancerArn ?? null,
    port: api.Port ?? null,
    protocol: api.Protocol ?? null,
    tags,
  }),
  converge: async (context, id, { tags }, inputs, changed) => {
    await retagArn(context, id, tags, inputs["tags"]);
    if (["port", "protocol", "defaultActions"].some((name) => changed?.has(name) === true))
      await context.cloud.elb.modifyListener({ ListenerArn: id, ...listenerOf(inputs) });
  },
  remove: async ({ cloud: { elb } }, id) => void (await elb.deleteListener({ ListenerArn: id })),
});

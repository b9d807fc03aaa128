/** Target groups, and the machines in them. */
import type { TargetGroup } from "@aws-sdk/client-elastic-load-balancing-v2";
import { randomUUID } from "node:crypto";
import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { bag, flag, holds, number, text } from "../framework/values.js";
import { isCode } from "./errors.js";
import { aws, toApiTags, whenFree } from "./kind.js";
import { byKey, changesOf, type Described, retagArn, tagsAt } from "./loadBalancing.js";

/** Inputs of a health check with the API's names. */
const checks = {
  enabled: "HealthCheckEnabled",
  protocol: "HealthCheckProtocol",
  port: "HealthCheckPort",
  path: "HealthCheckPath",
  interval: "HealthCheckIntervalSeconds",
  timeout: "HealthCheckTimeoutSeconds",
  healthyThreshold: "HealthyThresholdCount",
  unhealthyThreshold: "UnhealthyThresholdCount",
} as const;

function healthRequest(inputs: Properties): object {
  const check = bag(inputs["healthCheck"]);
  const given = Object.entries(checks).map(([input, name]): [string, unknown] => [
    name,
    flag(check[input]) ?? number(check[input]) ?? text(check[input]),
  ]);
  return { ...Object.fromEntries(given), Matcher: { HttpCode: text(check["matcher"]) } };
}

const healthOf = (api: TargetGroup): Properties => ({
  ...Object.fromEntries(Object.entries(checks).map(([input, name]): [string, Value] => [input, api[name] ?? null])),
  matcher: api.Matcher?.HttpCode ?? null,
});

const preserve = "preserve_client_ip.enabled";
const delay = "deregistration_delay.timeout_seconds";

export const targetGroup = aws<Described<TargetGroup>>({
  title: "target group",
  inputs: {
    name: "replace",
    vpcId: "replace",
    port: "replace",
    protocol: "replace",
    targetType: "replace",
    preserveClientIp: "update",
    deregistrationDelay: "update",
    healthCheck: ["update", ...Object.keys(checks), "matcher"],
    "tags?": "update",
  },
  computed: ["arn"],
  create: async ({ cloud: { elb } }, inputs) => {
    const { TargetGroups } = await elb.createTargetGroup({
      Name: text(inputs["name"]),
      Port: number(inputs["port"]),
      Protocol: text(inputs["protocol"]) as "TCP",
      TargetType: text(inputs["targetType"]) as "instance",
      VpcId: text(inputs["vpcId"]),
      ...healthRequest(inputs),
      Tags: toApiTags(inputs["tags"]),
    });
    return String(TargetGroups?.[0]?.TargetGroupArn);
  },
  read: async (context, id) => {
    const { elb } = context.cloud;
    const [api] = (await elb.describeTargetGroups({ TargetGroupArns: [id] })).TargetGroups ?? [];
    if (api?.TargetGroupArn !== id) return undefined;
    const [tags, values] = await Promise.all([
      tagsAt(context, id),
      elb.describeTargetGroupAttributes({ TargetGroupArn: id }),
    ]);
    return { api, tags, attributes: byKey(values.Attributes) };
  },
  outputs: ({ api, tags, attributes }) => ({
    arn: api.TargetGroupArn ?? null,
    deregistrationDelay: Number(attributes[delay]),
    healthCheck: healthOf(api),
    name: api.TargetGroupName ?? null,
    port: api.Port ?? null,
    preserveClientIp: attributes[preserve] ?? null,
    protocol: api.Protocol ?? null,
    tags,
    targetType: api.TargetType ?? null,
    vpcId: api.VpcId ?? null,
  }),
  converge: async (context, id, { api, tags, attributes }, inputs) => {
    const { elb } = context.cloud;
    await retagArn(context, id, tags, inputs["tags"]);
    const Attributes = changesOf(attributes, {
      [preserve]: inputs["preserveClientIp"],
      [delay]: inputs["deregistrationDelay"],
    });
    if (Attributes.length > 0) await elb.modifyTargetGroupAttributes({ TargetGroupArn: id, Attributes });
    if (!holds(inputs["healthCheck"], healthOf(api)))
      await elb.modifyTargetGroup({ TargetGroupArn: id, ...healthRequest(inputs) });
  },
  remove: (context, id) =>
    whenFree(context, `target group ${id}`, () => context.cloud.elb.deleteTargetGroup({ TargetGroupArn: id })),
});

const targetOf = (inputs: Properties) => ({
  TargetGroupArn: String(inputs["targetGroupArn"]),
  Targets: [{ Id: String(inputs["targetId"]), Port: number(inputs["port"]) }],
});

export const targetGroupAttachment = aws({
  title: "target group attachment",
  inputs: { targetGroupArn: "replace", targetId: "replace", port: "replace" },
  computed: [],
  create: async ({ cloud: { elb }, deadline }, inputs) => {
    const request = targetOf(inputs);
    // A machine that is not running yet is refused.
    await deadline.retry(
      `target ${String(inputs["targetId"])} to be running`,
      (error) => isCode(error, "InvalidTarget", "InvalidTargetException"),
      () => elb.registerTargets(request),
    );
    return `${request.TargetGroupArn}-${randomUUID().replaceAll("-", "")}`;
  },
  read: async ({ cloud: { elb } }, _id, inputs) => {
    const { TargetGroupArn, Targets } = targetOf(inputs);
    const { TargetHealthDescriptions } = await elb.describeTargetHealth({ TargetGroupArn });
    const found = TargetHealthDescriptions?.find(
      ({ Target }) => Target?.Id === Targets[0]?.Id && Target?.Port === Targets[0]?.Port,
    );
    const { State, Reason } = found?.TargetHealth ?? {};
    const isGone = State === "draining" || /NotRegistered|DeregistrationInProgress/.test(Reason ?? "");
    return isGone ? undefined : found;
  },
  outputs: () => ({}),
  remove: async ({ cloud: { elb } }, _id, inputs) => {
    try {
      await elb.deregisterTargets(targetOf(inputs));
    } catch (error) {
      // The machine went before.
      if (!isCode(error, "InvalidTarget", "InvalidTargetException")) throw error;
    }
  },
});

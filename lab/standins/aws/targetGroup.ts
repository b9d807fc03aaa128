/** Target groups, and the machines in them. */
import type {
  CreateTargetGroupCommandInput,
  TargetGroup as ApiGroup,
  TargetHealthDescription,
} from "@aws-sdk/client-elastic-load-balancing-v2";
import { randomUUID } from "node:crypto";
import type { Failure, Operation, Properties, State } from "../framework/kind.js";
import { holds } from "../framework/sets.js";
import type { Deadline } from "../framework/waiting.js";
import { AwsKind } from "./awsKind.js";
import { type Attribute, attributeMap, type Described, ElbKind, tagList } from "./elbKind.js";
import { isCode } from "./errors.js";
import { bag, flag, isGiven, number, text } from "./values.js";

const attributes: readonly Attribute[] = [
  { input: "deregistrationDelay", key: "deregistration_delay.timeout_seconds", is: "number" },
  { input: "connectionTermination", key: "deregistration_delay.connection_termination.enabled", is: "boolean" },
  { input: "preserveClientIp", key: "preserve_client_ip.enabled", is: "string" },
  { input: "proxyProtocolV2", key: "proxy_protocol_v2.enabled", is: "boolean" },
  { input: "loadBalancingCrossZoneEnabled", key: "load_balancing.cross_zone.enabled", is: "string" },
];

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

export class TargetGroup extends ElbKind<ApiGroup> {
  protected readonly title = "target group";
  protected override readonly named = true;
  protected override readonly nameLength = 32;
  protected readonly replaces = new Set([
    "name",
    "namePrefix",
    "port",
    "protocol",
    "targetType",
    "vpcId",
    "ipAddressType",
  ]);
  protected readonly inputs = [
    "name",
    "port",
    "protocol",
    "targetType",
    "vpcId",
    "ipAddressType",
    "healthCheck",
    "tags",
    ...attributes.map(({ input }) => input),
  ];
  protected readonly computed = [
    "arn",
    "arnSuffix",
    "healthCheck",
    "ipAddressType",
    "loadBalancerArns",
    "loadBalancingCrossZoneEnabled",
    "preserveClientIp",
    "stickiness",
  ];
  protected override readonly defaults = {
    targetType: "instance",
    deregistrationDelay: 300,
    connectionTermination: false,
    proxyProtocolV2: false,
  };
  protected override readonly sticky = new Set([
    "healthCheck",
    "ipAddressType",
    "loadBalancingCrossZoneEnabled",
    "preserveClientIp",
  ]);

  protected idOf({ api }: Described<ApiGroup>): string {
    return String(api.TargetGroupArn);
  }

  protected override problems(inputs: Properties): Failure[] {
    const failures: Failure[] = [];
    for (const name of ["port", "protocol", "vpcId"])
      if (!isGiven(inputs[name]))
        failures.push({ property: name, reason: `${name} is missing: a target group for machines needs it` });
    const check = bag(inputs["healthCheck"]);
    const protocol = text(check["protocol"]);
    if (protocol === "TCP" && isGiven(check["path"]))
      failures.push({
        property: "healthCheck.path",
        reason: "healthCheck.path is not allowed when the protocol is TCP",
      });
    if (protocol === "TCP" && isGiven(check["matcher"]))
      failures.push({
        property: "healthCheck.matcher",
        reason: "healthCheck.matcher is not allowed when the protocol is TCP",
      });
    return failures;
  }

  protected async make(operation: Operation, inputs: Properties): Promise<Described<ApiGroup>> {
    const { TargetGroups } = await this.elb(operation).createTargetGroup({
      Name: this.nameFor(inputs),
      Port: number(inputs["port"]),
      Protocol: text(inputs["protocol"]) as "TCP" | undefined,
      TargetType: (text(inputs["targetType"]) ?? "instance") as "instance",
      VpcId: text(inputs["vpcId"]),
      IpAddressType: text(inputs["ipAddressType"]) as "ipv4" | undefined,
      ...healthRequest(inputs),
      Tags: tagList(this.allTags(inputs)),
    });
    return { api: TargetGroups?.[0] ?? {} };
  }

  protected async look(operation: Operation, id: string): Promise<Described<ApiGroup> | undefined> {
    return this.found(async () => {
      const [api] = (await this.elb(operation).describeTargetGroups({ TargetGroupArns: [id] })).TargetGroups ?? [];
      if (api?.TargetGroupArn !== id) return undefined;
      const [tags, values] = await Promise.all([
        this.tagsAt(operation, id),
        this.elb(operation).describeTargetGroupAttributes({ TargetGroupArn: id }),
      ]);
      return { api, tags, attributes: attributeMap(values.Attributes) };
    });
  }

  protected attributes({ api, attributes: values }: Described<ApiGroup>): Properties {
    const check = Object.fromEntries(
      Object.entries(checks)
        .filter(([, name]) => api[name] !== undefined)
        .map(([input, name]) => [input, api[name] ?? null]),
    );
    const codes = api.Matcher?.HttpCode;
    return {
      arn: api.TargetGroupArn ?? null,
      arnSuffix: api.TargetGroupArn?.split(":").at(-1) ?? null,
      name: api.TargetGroupName ?? null,
      port: api.Port ?? null,
      protocol: api.Protocol ?? null,
      targetType: api.TargetType ?? "instance",
      vpcId: api.VpcId ?? null,
      ipAddressType: api.IpAddressType ?? "ipv4",
      loadBalancerArns: api.LoadBalancerArns ?? [],
      healthCheck: { ...check, ...(codes === undefined ? {} : { matcher: codes }) },
      ...this.attributeOutputs(attributes, values),
    };
  }

  protected async converge(
    { operation }: Deadline,
    id: string,
    remote: Described<ApiGroup>,
    inputs: Properties,
  ): Promise<void> {
    await this.retagArn(operation, id, remote.tags ?? {}, this.allTags(inputs));
    const changes = this.attributeChanges(attributes, remote.attributes ?? {}, inputs);
    if (changes.length > 0)
      await this.elb(operation).modifyTargetGroupAttributes({ TargetGroupArn: id, Attributes: changes });
    if (isGiven(inputs["healthCheck"]) && !holds(inputs["healthCheck"], this.attributes(remote)["healthCheck"])) {
      await this.elb(operation).modifyTargetGroup({ TargetGroupArn: id, ...healthRequest(inputs) });
    }
  }

  protected async remove(deadline: Deadline, { id }: State): Promise<void> {
    await this.whenFree(deadline, id, () => this.elb(deadline.operation).deleteTargetGroup({ TargetGroupArn: id }));
  }
}

function healthRequest(
  inputs: Properties,
): Pick<CreateTargetGroupCommandInput, (typeof checks)[keyof typeof checks] | "Matcher"> {
  const check = bag(inputs["healthCheck"]);
  const given = Object.entries(checks).filter(([input]) => isGiven(check[input]));
  const codes = text(check["matcher"]);
  return {
    ...Object.fromEntries(
      given.map(([input, name]) => [name, flag(check[input]) ?? number(check[input]) ?? text(check[input])]),
    ),
    ...(codes === undefined ? {} : { Matcher: { HttpCode: codes } }),
  };
}

interface Target {
  readonly group: string;
  readonly target: string;
  readonly port?: number | undefined;
  readonly zone?: string | undefined;
  readonly id?: string;
  readonly health?: TargetHealthDescription;
}

export class TargetGroupAttachment extends AwsKind<Target> {
  protected readonly title = "target group attachment";
  protected readonly replaces = new Set(["availabilityZone", "port", "targetGroupArn", "targetId"]);
  protected readonly inputs = ["availabilityZone", "port", "targetGroupArn", "targetId"];
  protected readonly computed = [];
  protected override readonly taggable = false;

  protected idOf({ group, id }: Target): string {
    return id ?? group;
  }

  private asked(inputs: Properties): Target {
    return {
      group: String(inputs["targetGroupArn"]),
      target: String(inputs["targetId"]),
      port: number(inputs["port"]),
      zone: text(inputs["availabilityZone"]),
    };
  }

  /** A machine that is not running yet is refused. */
  protected async make(operation: Operation, inputs: Properties, deadline: Deadline): Promise<Target> {
    const target = this.asked(inputs);
    await this.whenKnown(
      deadline,
      `target ${target.target} to be running`,
      (error) => isCode(error, "InvalidTarget", "InvalidTargetException"),
      () =>
        this.elb(operation).registerTargets({
          TargetGroupArn: target.group,
          Targets: [{ Id: target.target, Port: target.port, AvailabilityZone: target.zone }],
        }),
    );
    return { ...target, id: `${target.group}-${randomUUID().replaceAll("-", "")}` };
  }

  protected async look(operation: Operation, id: string, outputs: Properties): Promise<Target | undefined> {
    if (!isGiven(outputs["targetId"]))
      throw new Error(`"${id}": attachments of target groups cannot be imported, as with the official plugin`);
    const target = this.asked(outputs);
    return this.found(async () => {
      const { TargetHealthDescriptions } = await this.elb(operation).describeTargetHealth({
        TargetGroupArn: target.group,
      });
      const health = TargetHealthDescriptions?.find(
        (description) =>
          description.Target?.Id === target.target &&
          (target.port === undefined || description.Target.Port === target.port),
      );
      const state = health?.TargetHealth;
      if (
        health === undefined ||
        state?.State === "draining" ||
        state?.Reason === "Target.NotRegistered" ||
        state?.Reason === "Target.DeregistrationInProgress"
      )
        return undefined;
      return { ...target, id, health };
    });
  }

  protected tagsIn(): undefined {
    return undefined;
  }

  protected attributes({ group, target }: Target): Properties {
    return { targetGroupArn: group, targetId: target };
  }

  protected async converge(): Promise<void> {
    // Every input makes a new one.
  }

  protected async remove({ operation }: Deadline, { outputs }: State): Promise<void> {
    const target = this.asked(outputs);
    try {
      await this.elb(operation).deregisterTargets({
        TargetGroupArn: target.group,
        Targets: [{ Id: target.target, Port: target.port, AvailabilityZone: target.zone }],
      });
    } catch (error) {
      // The machine went before.
      if (!isCode(error, "InvalidTarget", "InvalidTargetException")) throw error;
    }
  }
}

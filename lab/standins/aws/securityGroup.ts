/** Security groups and their rules, each rule a resource of its own. */
import type { IpPermission, SecurityGroup as ApiGroup, SecurityGroupRule as ApiRule } from "@aws-sdk/client-ec2";
import type { Failure, Operation, Properties, State, Value } from "../framework/kind.js";
import type { Deadline } from "../framework/waiting.js";
import { AwsKind } from "./awsKind.js";
import { isCode, isNotFound } from "./errors.js";
import { fromApiTags, type Tags } from "./tags.js";
import { isGiven, number, text } from "./values.js";

export class SecurityGroup extends AwsKind<ApiGroup> {
  protected readonly title = "security group";
  protected override readonly named = true;
  protected readonly replaces = new Set(["name", "namePrefix", "description", "vpcId"]);
  protected readonly inputs = ["name", "description", "vpcId", "revokeRulesOnDelete", "tags"];
  protected readonly computed = ["arn", "egress", "ingress", "ownerId", "vpcId"];
  protected override readonly defaults = { description: "Managed by Pulumi", revokeRulesOnDelete: false };
  protected override readonly sticky = new Set(["vpcId"]);
  protected override readonly times = { create: 600, update: 600, delete: 900 };

  protected idOf(group: ApiGroup): string {
    return String(group.GroupId);
  }

  protected override problems(inputs: Properties): Failure[] {
    return ["ingress", "egress"]
      .filter((name) => isGiven(inputs[name]))
      .map((name) => ({
        property: name,
        reason: `${name}: the stand-in takes rules as resources of their own; use aws.vpc.SecurityGroup${name === "ingress" ? "Ingress" : "Egress"}Rule`,
      }));
  }

  protected async make(operation: Operation, inputs: Properties): Promise<ApiGroup> {
    const name = this.nameFor(inputs);
    const { GroupId } = await this.ec2(operation).createSecurityGroup({
      GroupName: name,
      Description: text(inputs["description"]) ?? this.defaults.description,
      VpcId: text(inputs["vpcId"]),
      TagSpecifications: this.tagSpecifications("security-group", inputs),
    });
    return { GroupId, GroupName: name };
  }

  protected look(operation: Operation, id: string): Promise<ApiGroup | undefined> {
    return this.found(
      async () => (await this.ec2(operation).describeSecurityGroups({ GroupIds: [id] })).SecurityGroups?.[0],
    );
  }

  /** Not until the rule that lets everything out is gone, which AWS makes with the group: see {@link finish}. */
  protected override async finish(
    deadline: Deadline,
    id: string,
    made: ApiGroup,
    inputs: Properties,
  ): Promise<ApiGroup> {
    const group = await this.ready(deadline, id, made, inputs);
    await this.closeExits(deadline.operation, group);
    return super.finish(deadline, id, made, inputs);
  }

  private async closeExits(operation: Operation, group: ApiGroup): Promise<void> {
    const open: IpPermission[] = [];
    for (const permission of group.IpPermissionsEgress ?? []) {
      if (permission.IpProtocol !== "-1") continue;
      if (permission.IpRanges?.some(({ CidrIp }) => CidrIp === "0.0.0.0/0") === true)
        open.push({ IpProtocol: "-1", IpRanges: [{ CidrIp: "0.0.0.0/0" }] });
      if (permission.Ipv6Ranges?.some(({ CidrIpv6 }) => CidrIpv6 === "::/0") === true)
        open.push({ IpProtocol: "-1", Ipv6Ranges: [{ CidrIpv6: "::/0" }] });
    }
    if (open.length > 0)
      await this.found(() =>
        this.ec2(operation).revokeSecurityGroupEgress({ GroupId: group.GroupId, IpPermissions: open }),
      );
  }

  protected tagsIn(group: ApiGroup): Tags | undefined {
    return group.OwnerId === undefined ? undefined : fromApiTags(group.Tags);
  }

  protected attributes(group: ApiGroup, inputs: Properties): Properties {
    return {
      arn: group.SecurityGroupArn ?? this.cloud().arn("ec2", `security-group/${group.GroupId}`, group.OwnerId),
      name: group.GroupName ?? null,
      description: group.Description ?? inputs["description"] ?? this.defaults.description,
      vpcId: group.VpcId ?? inputs["vpcId"] ?? null,
      ownerId: group.OwnerId ?? null,
    };
  }

  protected async converge({ operation }: Deadline, id: string, remote: ApiGroup, inputs: Properties): Promise<void> {
    await this.retag(operation, id, fromApiTags(remote.Tags), this.allTags(inputs));
  }

  protected override async change(
    deadline: Deadline,
    state: State,
    inputs: Properties,
    changed: ReadonlySet<string>,
  ): Promise<void> {
    // Its creation was interrupted before the exits were closed.
    if (!isGiven(state.outputs["ownerId"]))
      await this.closeExits(deadline.operation, await this.get(deadline.operation, state.id));
    await super.change(deadline, state, inputs, changed);
  }

  protected async remove(deadline: Deadline, { id, inputs }: State): Promise<void> {
    const ec2 = this.ec2(deadline.operation);
    if (inputs["revokeRulesOnDelete"] === true) {
      const group = await this.look(deadline.operation, id);
      const [ingress, egress] = [group?.IpPermissions ?? [], group?.IpPermissionsEgress ?? []];
      if (ingress.length > 0) await ec2.revokeSecurityGroupIngress({ GroupId: id, IpPermissions: ingress });
      if (egress.length > 0) await ec2.revokeSecurityGroupEgress({ GroupId: id, IpPermissions: egress });
    }
    await this.whenFree(deadline, id, () => ec2.deleteSecurityGroup({ GroupId: id }));
  }
}

/** Inputs for whom, with the API's names in requests and answers. */
const parties = ["cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId"] as const;

export class SecurityGroupRule extends AwsKind<ApiRule> {
  protected readonly title: string;
  protected readonly replaces = new Set(["securityGroupId"]);
  protected readonly inputs = [
    ...parties,
    "description",
    "fromPort",
    "toPort",
    "ipProtocol",
    "securityGroupId",
    "tags",
  ];
  protected readonly computed = ["arn", "securityGroupRuleId"];

  constructor(
    cloud: ConstructorParameters<typeof AwsKind>[0],
    private readonly direction: "ingress" | "egress",
  ) {
    super(cloud);
    this.title = `security group ${direction} rule`;
  }

  protected idOf(rule: ApiRule): string {
    return String(rule.SecurityGroupRuleId);
  }

  protected override problems(inputs: Properties): Failure[] {
    const failures: Failure[] = [];
    const given = parties.filter((name) => isGiven(inputs[name]));
    if (given.length !== 1)
      failures.push({
        property: given[0] ?? "cidrIpv4",
        reason: `a rule is for exactly one of ${parties.join(", ")}; got ${given.length === 0 ? "none" : given.join(" and ")}`,
      });
    const protocol = text(inputs["ipProtocol"]);
    for (const name of ["fromPort", "toPort"]) {
      if ((protocol === "tcp" || protocol === "udp") && !isGiven(inputs[name]))
        failures.push({ property: name, reason: `${name} is missing: a rule for ${protocol} needs ports` });
      if (protocol === "-1" && isGiven(inputs[name]))
        failures.push({
          property: name,
          reason: `${name} is not allowed: a rule for all protocols ("-1") has no ports`,
        });
    }
    return failures;
  }

  protected async make(operation: Operation, inputs: Properties): Promise<ApiRule> {
    const [cidr, cidr6, list, group] = parties.map((name) => text(inputs[name]));
    const description = text(inputs["description"]);
    const [peer, peerGroup] = group?.includes("/") === true ? group.split("/") : [undefined, group];
    const request = {
      GroupId: text(inputs["securityGroupId"]),
      IpPermissions: [
        {
          IpProtocol: text(inputs["ipProtocol"]),
          FromPort: number(inputs["fromPort"]),
          ToPort: number(inputs["toPort"]),
          ...(cidr === undefined ? {} : { IpRanges: [{ CidrIp: cidr, Description: description }] }),
          ...(cidr6 === undefined ? {} : { Ipv6Ranges: [{ CidrIpv6: cidr6, Description: description }] }),
          ...(list === undefined ? {} : { PrefixListIds: [{ PrefixListId: list, Description: description }] }),
          ...(peerGroup === undefined
            ? {}
            : { UserIdGroupPairs: [{ GroupId: peerGroup, UserId: peer, Description: description }] }),
        },
      ],
      TagSpecifications: this.tagSpecifications("security-group-rule", inputs),
    };
    const ec2 = this.ec2(operation);
    const { SecurityGroupRules } = await (this.direction === "ingress"
      ? ec2.authorizeSecurityGroupIngress(request)
      : ec2.authorizeSecurityGroupEgress(request));
    const [rule] = SecurityGroupRules ?? [];
    if (rule?.SecurityGroupRuleId === undefined)
      throw new Error(
        "the API made the rule and did not give its id; look for it in the security group and delete it there",
      );
    return rule;
  }

  protected look(operation: Operation, id: string): Promise<ApiRule | undefined> {
    return this.found(
      async () =>
        (await this.ec2(operation).describeSecurityGroupRules({ SecurityGroupRuleIds: [id] })).SecurityGroupRules?.[0],
    );
  }

  protected tagsIn(rule: ApiRule): Tags | undefined {
    return rule.Tags === undefined ? undefined : fromApiTags(rule.Tags);
  }

  protected attributes(rule: ApiRule, inputs: Properties): Properties {
    const ports =
      rule.IpProtocol === "-1"
        ? { fromPort: null, toPort: null }
        : { fromPort: rule.FromPort ?? null, toPort: rule.ToPort ?? null };
    const group = rule.ReferencedGroupInfo;
    const asked = text(inputs["referencedSecurityGroupId"]);
    const foreign = group?.UserId !== undefined && asked?.includes("/") === true;
    return {
      arn: this.cloud().arn("ec2", `security-group-rule/${rule.SecurityGroupRuleId}`, rule.GroupOwnerId),
      securityGroupRuleId: rule.SecurityGroupRuleId ?? null,
      securityGroupId: rule.GroupId ?? null,
      ipProtocol: rule.IpProtocol ?? null,
      ...ports,
      cidrIpv4: rule.CidrIpv4 ?? null,
      cidrIpv6: rule.CidrIpv6 ?? null,
      prefixListId: rule.PrefixListId ?? null,
      referencedSecurityGroupId:
        group?.GroupId === undefined ? null : foreign ? `${group.UserId}/${group.GroupId}` : group.GroupId,
      description: rule.Description ?? null,
    };
  }

  /** Names and numbers of protocols mean the same. */
  protected override same(property: string, before: Value | undefined, after: Value | undefined): boolean {
    if (property === "ipProtocol") return protocolName(before) === protocolName(after);
    return super.same(property, before, after);
  }

  protected async converge({ operation }: Deadline, id: string, remote: ApiRule, inputs: Properties): Promise<void> {
    const now = this.attributes(remote, inputs);
    const names = [...parties, "description", "fromPort", "toPort", "ipProtocol"];
    if (names.some((name) => !this.same(name, now[name] ?? undefined, inputs[name] ?? undefined))) {
      const group = text(inputs["referencedSecurityGroupId"]);
      await this.ec2(operation).modifySecurityGroupRules({
        GroupId: text(inputs["securityGroupId"]),
        SecurityGroupRules: [
          {
            SecurityGroupRuleId: id,
            SecurityGroupRule: {
              IpProtocol: text(inputs["ipProtocol"]),
              FromPort: number(inputs["fromPort"]) ?? -1,
              ToPort: number(inputs["toPort"]) ?? -1,
              CidrIpv4: text(inputs["cidrIpv4"]),
              CidrIpv6: text(inputs["cidrIpv6"]),
              PrefixListId: text(inputs["prefixListId"]),
              ReferencedGroupId: group?.split("/").at(-1),
              Description: text(inputs["description"]),
            },
          },
        ],
      });
    }
    await this.retag(operation, id, fromApiTags(remote.Tags), this.allTags(inputs));
  }

  protected async remove({ operation }: Deadline, { id, outputs }: State): Promise<void> {
    const request = { GroupId: text(outputs["securityGroupId"]), SecurityGroupRuleIds: [id] };
    try {
      await (this.direction === "ingress"
        ? this.ec2(operation).revokeSecurityGroupIngress(request)
        : this.ec2(operation).revokeSecurityGroupEgress(request));
    } catch (error) {
      if (!isNotFound(error) && !isCode(error, "InvalidPermission.NotFound")) throw error;
    }
  }
}

function protocolName(value: Value | undefined): string {
  const numbers: Readonly<Record<string, string>> = { "6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", all: "-1" };
  const name = String(value ?? "").toLowerCase();
  return numbers[name] ?? name;
}

/** Security groups, their rules (each a resource of its own) and key pairs. */
import type { Kind } from "../../../provider/rpc/kind.js";
import type { Properties } from "../../../provider/rpc/properties.js";
import { isGiven, number, text } from "../framework/values.js";
import type { Cloud } from "./cloud.js";
import { aws, convergeTags, fromApiTags, ifThere, retagEc2, tagSpecification, whenFree } from "./kind.js";

export const securityGroup = aws({
  title: "security group",
  inputs: { name: "replace", description: "replace", vpcId: "replace", "tags?": "update" },
  computed: ["ownerId"],
  seconds: 900,
  create: async ({ cloud: { ec2 } }, inputs) => {
    const { GroupId } = await ec2.createSecurityGroup({
      GroupName: text(inputs["name"]),
      Description: text(inputs["description"]),
      VpcId: text(inputs["vpcId"]),
      TagSpecifications: tagSpecification("security-group", inputs["tags"]),
    });
    return String(GroupId);
  },
  read: async ({ cloud: { ec2 } }, id) => (await ec2.describeSecurityGroups({ GroupIds: [id] })).SecurityGroups?.[0],
  outputs: (remote) => ({
    name: remote.GroupName ?? null,
    description: remote.Description ?? null,
    vpcId: remote.VpcId ?? null,
    ownerId: remote.OwnerId ?? null,
    tags: fromApiTags(remote.Tags),
  }),
  converge: async (context, id, remote, inputs, changed) => {
    // AWS makes a group with a rule that lets everything out; the program's own rules come later.
    const open = (remote.IpPermissionsEgress ?? []).filter(({ IpProtocol }) => IpProtocol === "-1");
    if (changed === undefined && open.length > 0)
      await ifThere(() => context.cloud.ec2.revokeSecurityGroupEgress({ GroupId: id, IpPermissions: open }));
    await convergeTags(context, id, remote, inputs);
  },
  remove: (context, id) =>
    whenFree(context, `security group ${id}`, () => context.cloud.ec2.deleteSecurityGroup({ GroupId: id })),
});

/** Inputs for whom a rule is. */
const parties = ["cidrIpv4", "cidrIpv6", "referencedSecurityGroupId"];

/** A rule as `modifySecurityGroupRules` takes it. */
const ruleOf = (inputs: Properties) => ({
  IpProtocol: text(inputs["ipProtocol"]),
  FromPort: number(inputs["fromPort"]) ?? -1,
  ToPort: number(inputs["toPort"]) ?? -1,
  CidrIpv4: text(inputs["cidrIpv4"]),
  CidrIpv6: text(inputs["cidrIpv6"]),
  ReferencedGroupId: text(inputs["referencedSecurityGroupId"]),
  Description: text(inputs["description"]),
});

export function rule(direction: "Ingress" | "Egress"): Kind<Cloud> {
  return aws({
    title: `security group ${direction.toLowerCase()} rule`,
    inputs: {
      securityGroupId: "replace",
      ipProtocol: "update",
      "fromPort?": "update",
      "toPort?": "update",
      "cidrIpv4?": "update",
      "cidrIpv6?": "update",
      "referencedSecurityGroupId?": "update",
      "description?": "update",
      "tags?": "update",
    },
    computed: ["securityGroupRuleId"],
    problems: (inputs) => {
      const given = parties.filter((name) => isGiven(inputs[name]));
      if (given.length === 1) return [];
      const got = given.join(" and ") || "none";
      return [
        { property: given[0] ?? "cidrIpv4", reason: `a rule is for exactly one of ${parties.join(", ")}; got ${got}` },
      ];
    },
    // EC2 cannot change the kind of a rule's party: github.com/hashicorp/terraform-provider-aws, internal/service/ec2/vpc_security_group_ingress_rule.go.
    replaces: (path, before, after) =>
      parties.includes(path) && (text(before[path]) === undefined) !== (text(after[path]) === undefined),
    // Another party is given instead.
    same: (name, before, after) => (parties.includes(name) ? (before ?? "") === (after ?? "") : undefined),
    create: async ({ cloud: { ec2 } }, inputs) => {
      const { CidrIpv4, CidrIpv6, ReferencedGroupId, Description } = ruleOf(inputs);
      const { SecurityGroupRules } = await ec2[`authorizeSecurityGroup${direction}`]({
        GroupId: text(inputs["securityGroupId"]),
        IpPermissions: [
          {
            IpProtocol: text(inputs["ipProtocol"]),
            FromPort: number(inputs["fromPort"]),
            ToPort: number(inputs["toPort"]),
            ...(CidrIpv4 !== undefined && { IpRanges: [{ CidrIp: CidrIpv4, Description }] }),
            ...(CidrIpv6 !== undefined && { Ipv6Ranges: [{ CidrIpv6, Description }] }),
            ...(ReferencedGroupId !== undefined && { UserIdGroupPairs: [{ GroupId: ReferencedGroupId, Description }] }),
          },
        ],
        TagSpecifications: tagSpecification("security-group-rule", inputs["tags"]),
      });
      const id = SecurityGroupRules?.[0]?.SecurityGroupRuleId;
      if (id === undefined)
        throw new Error("the API made the rule without giving its id; find it in the security group and delete it");
      return id;
    },
    read: async ({ cloud: { ec2 } }, id) =>
      (await ec2.describeSecurityGroupRules({ SecurityGroupRuleIds: [id] })).SecurityGroupRules?.[0],
    outputs: (remote) => {
      const ports = remote.IpProtocol !== "-1";
      return {
        securityGroupRuleId: remote.SecurityGroupRuleId ?? null,
        securityGroupId: remote.GroupId ?? null,
        ipProtocol: remote.IpProtocol ?? null,
        fromPort: ports ? (remote.FromPort ?? null) : null,
        toPort: ports ? (remote.ToPort ?? null) : null,
        cidrIpv4: remote.CidrIpv4 ?? null,
        cidrIpv6: remote.CidrIpv6 ?? null,
        referencedSecurityGroupId: remote.ReferencedGroupInfo?.GroupId ?? null,
        description: remote.Description ?? null,
        tags: fromApiTags(remote.Tags),
      };
    },
    converge: async (context, id, remote, inputs, changed) => {
      const tagsOnly = [...(changed ?? [])].every((name) => name === "tags");
      if (!tagsOnly)
        await context.cloud.ec2.modifySecurityGroupRules({
          GroupId: text(inputs["securityGroupId"]),
          SecurityGroupRules: [{ SecurityGroupRuleId: id, SecurityGroupRule: ruleOf(inputs) }],
        });
      await convergeTags(context, id, remote, inputs);
    },
    remove: async ({ cloud: { ec2 } }, id, inputs) =>
      void (await ec2[`revokeSecurityGroup${direction}`]({
        GroupId: text(inputs["securityGroupId"]),
        SecurityGroupRuleIds: [id],
      })),
  });
}

export const keyPair = aws({
  title: "key pair",
  inputs: { keyName: "replace", publicKey: "replace", "tags?": "update" },
  computed: ["keyPairId"],
  // The API returns the key with another comment: keep the input.
  same: (name, before, after) =>
    name === "publicKey" && typeof before === "string" && typeof after === "string"
      ? before.trim() === after.trim()
      : undefined,
  create: async ({ cloud: { ec2 } }, inputs) => {
    const { KeyName } = await ec2.importKeyPair({
      KeyName: text(inputs["keyName"]),
      PublicKeyMaterial: Buffer.from((text(inputs["publicKey"]) ?? "").trim()),
      TagSpecifications: tagSpecification("key-pair", inputs["tags"]),
    });
    return String(KeyName);
  },
  read: async ({ cloud: { ec2 } }, id) => (await ec2.describeKeyPairs({ KeyNames: [id] })).KeyPairs?.[0],
  outputs: (remote) => ({
    keyName: remote.KeyName ?? null,
    keyPairId: remote.KeyPairId ?? null,
    tags: fromApiTags(remote.Tags),
  }),
  converge: (context, _id, remote, inputs) => retagEc2(context, String(remote.KeyPairId), remote.Tags, inputs["tags"]),
  remove: async ({ cloud: { ec2 } }, id) => void (await ec2.deleteKeyPair({ KeyName: id })),
});

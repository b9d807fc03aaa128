/** Roles, their policies and the profiles by which machines take them on. */
import type { Properties, Value } from "../../../provider/rpc/properties.js";
import { text } from "../framework/values.js";
import { isCode } from "./errors.js";
import { aws, fromApiTags, ifThere, retag, toApiTags, whenFree } from "./kind.js";

const isEarlyRole = (error: unknown): boolean => isCode(error, "NoSuchEntity", "NoSuchEntityException");

/** Two documents mean the same: white space, the order of keys and lists of one do not count. */
const sameDocument =
  (property: string) =>
  (name: string, before: Value | undefined, after: Value | undefined): boolean | undefined => {
    if (name !== property || typeof before !== "string" || typeof after !== "string") return undefined;
    try {
      return canonical(JSON.parse(before)) === canonical(JSON.parse(after));
    } catch {
      return false;
    }
  };

function canonical(value: unknown): string {
  if (Array.isArray(value))
    return value.length === 1 ? canonical(value[0]) : `[${value.map(canonical).sort().join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

const document = (text: string | undefined): Value => (text === undefined ? null : decodeURIComponent(text));

export const role = aws({
  title: "role",
  inputs: { name: "replace", "description?": "update", assumeRolePolicy: "update", "tags?": "update" },
  computed: ["arn"],
  same: sameDocument("assumeRolePolicy"),
  create: async ({ cloud: { iam } }, inputs) => {
    const { Role } = await iam.createRole({
      RoleName: text(inputs["name"]),
      AssumeRolePolicyDocument: text(inputs["assumeRolePolicy"]),
      Description: text(inputs["description"]),
      Tags: toApiTags(inputs["tags"]),
    });
    return String(Role?.RoleName);
  },
  read: async ({ cloud: { iam } }, id) => (await iam.getRole({ RoleName: id })).Role,
  outputs: (remote) => ({
    arn: remote.Arn ?? null,
    assumeRolePolicy: document(remote.AssumeRolePolicyDocument),
    description: remote.Description ?? "",
    name: remote.RoleName ?? null,
    tags: fromApiTags(remote.Tags),
  }),
  converge: async ({ cloud: { iam } }, id, remote, inputs, changed) => {
    if (changed?.has("assumeRolePolicy") === true)
      await iam.updateAssumeRolePolicy({ RoleName: id, PolicyDocument: text(inputs["assumeRolePolicy"]) });
    if (changed?.has("description") === true)
      await iam.updateRole({ RoleName: id, Description: text(inputs["description"]) });
    await retag(
      fromApiTags(remote.Tags),
      inputs["tags"],
      (Tags) => iam.tagRole({ RoleName: id, Tags }),
      (TagKeys) => iam.untagRole({ RoleName: id, TagKeys }),
    );
  },
  remove: async (context, id) => {
    const { iam } = context.cloud;
    const { InstanceProfiles = [] } = await iam.listInstanceProfilesForRole({ RoleName: id });
    for (const { InstanceProfileName } of InstanceProfiles)
      await ifThere(() => iam.removeRoleFromInstanceProfile({ RoleName: id, InstanceProfileName }));
    await whenFree(context, `role ${id}`, () => iam.deleteRole({ RoleName: id }));
  },
});

const policyOf = (inputs: Properties) => ({ RoleName: text(inputs["role"]), PolicyName: text(inputs["name"]) });

export const rolePolicy = aws({
  title: "role policy",
  inputs: { name: "replace", role: "replace", policy: "update" },
  computed: [],
  same: sameDocument("policy"),
  create: async ({ cloud: { iam }, deadline }, inputs) => {
    const request = { ...policyOf(inputs), PolicyDocument: text(inputs["policy"]) };
    await deadline.retry("the role to be known", isEarlyRole, () => iam.putRolePolicy(request));
    return `${request.RoleName}:${request.PolicyName}`;
  },
  read: ({ cloud: { iam } }, _id, inputs) => iam.getRolePolicy(policyOf(inputs)),
  outputs: (remote) => ({ policy: document(remote.PolicyDocument) }),
  converge: async ({ cloud: { iam } }, _id, _remote, inputs, changed) => {
    if (changed?.has("policy") === true)
      await iam.putRolePolicy({ ...policyOf(inputs), PolicyDocument: text(inputs["policy"]) });
  },
  remove: async ({ cloud: { iam } }, _id, inputs) => void (await iam.deleteRolePolicy(policyOf(inputs))),
});

export const instanceProfile = aws({
  title: "instance profile",
  inputs: { name: "replace", role: "update", "tags?": "update" },
  computed: ["arn"],
  create: async ({ cloud: { iam } }, inputs) => {
    const { InstanceProfile } = await iam.createInstanceProfile({
      InstanceProfileName: text(inputs["name"]),
      Tags: toApiTags(inputs["tags"]),
    });
    return String(InstanceProfile?.InstanceProfileName);
  },
  read: async ({ cloud: { iam } }, id) => (await iam.getInstanceProfile({ InstanceProfileName: id })).InstanceProfile,
  outputs: (remote) => ({
    arn: remote.Arn ?? null,
    name: remote.InstanceProfileName ?? null,
    role: remote.Roles?.[0]?.RoleName ?? "",
    tags: fromApiTags(remote.Tags),
  }),
  converge: async ({ cloud: { iam }, deadline }, id, remote, inputs) => {
    // It holds one role.
    const now = remote.Roles?.[0]?.RoleName;
    const wanted = text(inputs["role"]);
    if (wanted !== now) {
      if (now !== undefined)
        await ifThere(() => iam.removeRoleFromInstanceProfile({ InstanceProfileName: id, RoleName: now }));
      await deadline.retry(`role ${wanted ?? ""} to be known`, isEarlyRole, () =>
        iam.addRoleToInstanceProfile({ InstanceProfileName: id, RoleName: wanted }),
      );
    }
    await retag(
      fromApiTags(remote.Tags),
      inputs["tags"],
      (Tags) => iam.tagInstanceProfile({ InstanceProfileName: id, Tags }),
      (TagKeys) => iam.untagInstanceProfile({ InstanceProfileName: id, TagKeys }),
    );
  },
  remove: async (context, id) => {
    const { iam } = context.cloud;
    const { InstanceProfile } = await iam.getInstanceProfile({ InstanceProfileName: id });
    for (const { RoleName } of InstanceProfile?.Roles ?? [])
      await ifThere(() => iam.removeRoleFromInstanceProfile({ InstanceProfileName: id, RoleName }));
    await whenFree(context, `instance profile ${id}`, () => iam.deleteInstanceProfile({ InstanceProfileName: id }));
  },
});

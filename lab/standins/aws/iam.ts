/** Roles, their policies and the profiles by which machines take them on. */
import type { InstanceProfile as ApiProfile, Role as ApiRole } from "@aws-sdk/client-iam";
import type { Operation, Properties, State } from "../framework/kind.js";
import type { Deadline } from "../framework/waiting.js";
import { AwsKind } from "./awsKind.js";
import { isCode } from "./errors.js";
import { fromApiTags, hasChanges, tagChanges, type Tags, toApiTags } from "./tags.js";
import { number, text } from "./values.js";

export class Role extends AwsKind<ApiRole> {
  protected readonly title = "role";
  protected override readonly named = true;
  protected override readonly nameLength = 64;
  protected readonly replaces = new Set(["name", "namePrefix", "path"]);
  protected readonly inputs = [
    "assumeRolePolicy",
    "description",
    "forceDetachPolicies",
    "maxSessionDuration",
    "name",
    "path",
    "permissionsBoundary",
    "tags",
  ];
  protected readonly computed = ["arn", "createDate", "inlinePolicies", "managedPolicyArns", "uniqueId"];
  protected override readonly documents = ["assumeRolePolicy"];
  protected override readonly defaults = {
    path: "/",
    maxSessionDuration: 3600,
    description: "",
    permissionsBoundary: "",
    forceDetachPolicies: false,
  };

  protected idOf(role: ApiRole): string {
    return String(role.RoleName);
  }

  protected async make(operation: Operation, inputs: Properties, deadline: Deadline): Promise<ApiRole> {
    const request = {
      RoleName: this.nameFor(inputs),
      Path: text(inputs["path"]) ?? "/",
      AssumeRolePolicyDocument: text(inputs["assumeRolePolicy"]),
      Description: text(inputs["description"]),
      MaxSessionDuration: number(inputs["maxSessionDuration"]),
      PermissionsBoundary: text(inputs["permissionsBoundary"]),
      Tags: toApiTags(this.allTags(inputs)),
    };
    // A principal that was just made is not known at once; other faults of a document are.
    const early = (error: unknown): boolean =>
      isCode(error, "MalformedPolicyDocument", "MalformedPolicyDocumentException") &&
      /Invalid principal/i.test(error.text);
    const { Role: role } = await this.whenKnown(deadline, "the role's principals", early, () =>
      this.iam(operation).createRole(request),
    );
    return role ?? ({ RoleName: request.RoleName } as ApiRole);
  }

  protected look(operation: Operation, id: string): Promise<ApiRole | undefined> {
    return this.found(async () => (await this.iam(operation).getRole({ RoleName: id })).Role);
  }

  protected tagsIn(role: ApiRole): Tags | undefined {
    return role.Tags === undefined ? undefined : fromApiTags(role.Tags);
  }

  protected attributes(role: ApiRole): Properties {
    return {
      arn: role.Arn ?? null,
      name: role.RoleName ?? null,
      path: role.Path ?? "/",
      uniqueId: role.RoleId ?? null,
      createDate: role.CreateDate?.toISOString() ?? null,
      description: role.Description ?? "",
      maxSessionDuration: role.MaxSessionDuration ?? 3600,
      permissionsBoundary: role.PermissionsBoundary?.PermissionsBoundaryArn ?? "",
      assumeRolePolicy:
        role.AssumeRolePolicyDocument === undefined ? null : decodeURIComponent(role.AssumeRolePolicyDocument),
    };
  }

  protected async converge({ operation }: Deadline, id: string, remote: ApiRole, inputs: Properties): Promise<void> {
    const iam = this.iam(operation);
    const now = this.attributes(remote);
    const differs = (name: string): boolean => !this.same(name, now[name], inputs[name]);
    if (differs("assumeRolePolicy"))
      await iam.updateAssumeRolePolicy({ RoleName: id, PolicyDocument: text(inputs["assumeRolePolicy"]) });
    if (differs("description") || differs("maxSessionDuration")) {
      await iam.updateRole({
        RoleName: id,
        Description: text(inputs["description"]) ?? "",
        MaxSessionDuration: number(inputs["maxSessionDuration"]) ?? this.defaults.maxSessionDuration,
      });
    }
    if (differs("permissionsBoundary")) {
      const boundary = text(inputs["permissionsBoundary"]);
      await (boundary === undefined
        ? iam.deleteRolePermissionsBoundary({ RoleName: id })
        : iam.putRolePermissionsBoundary({ RoleName: id, PermissionsBoundary: boundary }));
    }
    const changes = tagChanges(fromApiTags(remote.Tags), this.allTags(inputs));
    if (hasChanges(changes)) {
      if (changes.remove.length > 0) await iam.untagRole({ RoleName: id, TagKeys: [...changes.remove] });
      if (Object.keys(changes.set).length > 0) await iam.tagRole({ RoleName: id, Tags: toApiTags(changes.set) });
    }
  }

  protected async remove(deadline: Deadline, { id, inputs }: State): Promise<void> {
    const iam = this.iam(deadline.operation);
    const { InstanceProfiles = [] } = await iam.listInstanceProfilesForRole({ RoleName: id });
    for (const { InstanceProfileName } of InstanceProfiles)
      await this.found(() => iam.removeRoleFromInstanceProfile({ RoleName: id, InstanceProfileName }));
    if (inputs["forceDetachPolicies"] === true) {
      const { AttachedPolicies = [] } = await iam.listAttachedRolePolicies({ RoleName: id });
      for (const { PolicyArn } of AttachedPolicies)
        await this.found(() => iam.detachRolePolicy({ RoleName: id, PolicyArn }));
      const { PolicyNames = [] } = await iam.listRolePolicies({ RoleName: id });
      for (const PolicyName of PolicyNames) await this.found(() => iam.deleteRolePolicy({ RoleName: id, PolicyName }));
    }
    await this.whenFree(deadline, id, () => iam.deleteRole({ RoleName: id }));
  }
}

interface Policy {
  readonly role: string;
  readonly name: string;
  readonly document: string;
}

export class RolePolicy extends AwsKind<Policy> {
  protected readonly title = "role policy";
  protected override readonly named = true;
  protected override readonly nameLength = 128;
  protected readonly replaces = new Set(["name", "namePrefix", "role"]);
  protected readonly inputs = ["name", "policy", "role"];
  protected readonly computed = [];
  protected override readonly documents = ["policy"];
  protected override readonly taggable = false;

  protected idOf({ role, name }: Policy): string {
    return `${role}:${name}`;
  }

  protected async make(operation: Operation, inputs: Properties, deadline: Deadline): Promise<Policy> {
    const policy = { role: String(inputs["role"]), name: this.nameFor(inputs), document: String(inputs["policy"]) };
    await this.whenKnown(
      deadline,
      `role ${policy.role}`,
      (error) => isCode(error, "NoSuchEntity", "NoSuchEntityException"),
      () => this.put(operation, policy),
    );
    return policy;
  }

  private async put(operation: Operation, { role, name, document }: Policy): Promise<void> {
    await this.iam(operation).putRolePolicy({ RoleName: role, PolicyName: name, PolicyDocument: document });
  }

  protected look(operation: Operation, id: string): Promise<Policy | undefined> {
    const [role, name] = partsOf(id);
    return this.found(async () => {
      const { PolicyDocument } = await this.iam(operation).getRolePolicy({ RoleName: role, PolicyName: name });
      return PolicyDocument === undefined ? undefined : { role, name, document: decodeURIComponent(PolicyDocument) };
    });
  }

  protected tagsIn(): undefined {
    return undefined;
  }

  protected attributes({ role, name, document }: Policy): Properties {
    return { role, name, policy: document };
  }

  protected async converge({ operation }: Deadline, _id: string, remote: Policy, inputs: Properties): Promise<void> {
    if (!this.same("policy", remote.document, inputs["policy"]))
      await this.put(operation, { ...remote, document: String(inputs["policy"]) });
  }

  protected async remove({ operation }: Deadline, { id }: State): Promise<void> {
    const [role, name] = partsOf(id);
    await this.iam(operation).deleteRolePolicy({ RoleName: role, PolicyName: name });
  }
}

function partsOf(id: string): [string, string] {
  const [role, name] = id.split(":");
  if (role === undefined || name === undefined)
    throw new Error(`"${id}" is no role policy; it must be <role>:<policy's name>`);
  return [role, name];
}

export class InstanceProfile extends AwsKind<ApiProfile> {
  protected readonly title = "instance profile";
  protected override readonly named = true;
  protected override readonly nameLength = 128;
  protected readonly replaces = new Set(["name", "namePrefix", "path"]);
  protected readonly inputs = ["name", "path", "role", "tags"];
  protected readonly computed = ["arn", "createDate", "uniqueId"];
  protected override readonly defaults = { path: "/" };

  protected idOf(profile: ApiProfile): string {
    return String(profile.InstanceProfileName);
  }

  protected async make(operation: Operation, inputs: Properties): Promise<ApiProfile> {
    const name = this.nameFor(inputs);
    const { InstanceProfile: profile } = await this.iam(operation).createInstanceProfile({
      InstanceProfileName: name,
      Path: text(inputs["path"]) ?? "/",
      Tags: toApiTags(this.allTags(inputs)),
    });
    return profile ?? ({ InstanceProfileName: name } as ApiProfile);
  }

  protected look(operation: Operation, id: string): Promise<ApiProfile | undefined> {
    return this.found(
      async () => (await this.iam(operation).getInstanceProfile({ InstanceProfileName: id })).InstanceProfile,
    );
  }

  protected tagsIn(profile: ApiProfile): Tags | undefined {
    return profile.Tags === undefined ? undefined : fromApiTags(profile.Tags);
  }

  protected attributes(profile: ApiProfile, inputs: Properties): Properties {
    return {
      arn: profile.Arn ?? null,
      name: profile.InstanceProfileName ?? null,
      path: profile.Path ?? "/",
      uniqueId: profile.InstanceProfileId ?? null,
      createDate: profile.CreateDate?.toISOString() ?? null,
      role: profile.Roles === undefined ? (inputs["role"] ?? null) : (profile.Roles[0]?.RoleName ?? ""),
    };
  }

  /** It holds one role. */
  protected async converge(deadline: Deadline, id: string, remote: ApiProfile, inputs: Properties): Promise<void> {
    const { operation } = deadline;
    const iam = this.iam(operation);
    const now = remote.Roles?.[0]?.RoleName;
    const wanted = text(inputs["role"]);
    if (wanted !== now) {
      if (now !== undefined)
        await this.found(() => iam.removeRoleFromInstanceProfile({ InstanceProfileName: id, RoleName: now }));
      if (wanted !== undefined) {
        await this.whenKnown(
          deadline,
          `role ${wanted}`,
          (error) => isCode(error, "NoSuchEntity", "NoSuchEntityException"),
          () => iam.addRoleToInstanceProfile({ InstanceProfileName: id, RoleName: wanted }),
        );
      }
    }
    const changes = tagChanges(fromApiTags(remote.Tags), this.allTags(inputs));
    if (changes.remove.length > 0)
      await iam.untagInstanceProfile({ InstanceProfileName: id, TagKeys: [...changes.remove] });
    if (Object.keys(changes.set).length > 0)
      await iam.tagInstanceProfile({ InstanceProfileName: id, Tags: toApiTags(changes.set) });
  }

  protected async remove(deadline: Deadline, { id }: State): Promise<void> {
    const iam = this.iam(deadline.operation);
    const now = await this.look(deadline.operation, id);
    for (const { RoleName } of now?.Roles ?? [])
      await this.found(() => iam.removeRoleFromInstanceProfile({ InstanceProfileName: id, RoleName }));
    await this.whenFree(deadline, id, () => iam.deleteInstanceProfile({ InstanceProfileName: id }));
  }
}

import type { Instance as ApiInstance, Volume as ApiVolume } from "@aws-sdk/client-ec2";
import { randomUUID } from "node:crypto";
import type { Failure, Operation, Properties, State, Value } from "../framework/kind.js";
import { holds } from "../framework/sets.js";
import type { Deadline } from "../framework/waiting.js";
import { AwsKind } from "./awsKind.js";
import { AwsError, isCode } from "./errors.js";
import { encodedUserData, instanceProblems, metadataRequest, runRequest } from "./instanceRequest.js";
import { fromApiTags, ownTags, type Tags, tagsOf } from "./tags.js";
import { bag, flag, isGiven, number, sameMembers, text, texts } from "./values.js";
import { reshape, start, stop } from "./volume.js";

interface Machine {
  readonly instance: ApiInstance;
  readonly root?: ApiVolume | undefined;
  /** In base 64; undefined: not read. */
  readonly userData?: string | undefined;
}

/** Of the root disk; the others are changed in place. */
const rootReplaces = new Set(["encrypted", "kmsKeyId"]);

export class Instance extends AwsKind<Machine> {
  protected readonly title = "machine";
  protected readonly replaces = new Set([
    "ami",
    "associatePublicIpAddress",
    "availabilityZone",
    "ebsOptimized",
    "keyName",
    "privateIp",
    "subnetId",
    "tenancy",
  ]);
  protected readonly inputs = [
    ...[
      "ami",
      "associatePublicIpAddress",
      "availabilityZone",
      "creditSpecification",
      "disableApiStop",
      "disableApiTermination",
      "ebsOptimized",
      "forceDestroy",
    ],
    ...[
      "iamInstanceProfile",
      "instanceInitiatedShutdownBehavior",
      "instanceType",
      "keyName",
      "maintenanceOptions",
      "metadataOptions",
      "monitoring",
      "privateIp",
    ],
    ...[
      "rootBlockDevice",
      "sourceDestCheck",
      "subnetId",
      "tags",
      "tenancy",
      "userData",
      "userDataBase64",
      "userDataReplaceOnChange",
      "volumeTags",
      "vpcSecurityGroupIds",
    ],
  ];
  protected readonly computed = [
    ...[
      "arn",
      "associatePublicIpAddress",
      "availabilityZone",
      "disableApiStop",
      "disableApiTermination",
      "ebsBlockDevices",
      "ebsOptimized",
      "iamInstanceProfile",
      "instanceInitiatedShutdownBehavior",
    ],
    ...[
      "instanceLifecycle",
      "instanceState",
      "ipv6Addresses",
      "keyName",
      "metadataOptions",
      "monitoring",
      "outpostArn",
      "passwordData",
      "placementGroup",
      "primaryNetworkInterfaceId",
      "privateDns",
    ],
    ...[
      "privateIp",
      "publicDns",
      "publicIp",
      "rootBlockDevice",
      "secondaryPrivateIps",
      "securityGroups",
      "spotInstanceRequestId",
      "subnetId",
      "tenancy",
      "vpcSecurityGroupIds",
    ],
  ];
  protected override readonly defaults = {
    sourceDestCheck: true,
    getPasswordData: false,
    userDataReplaceOnChange: false,
    forceDestroy: false,
  };
  /** As with the official plugin, what AWS chose itself once stays when the program says nothing. */
  protected override readonly sticky = new Set([
    ...[
      "associatePublicIpAddress",
      "availabilityZone",
      "disableApiStop",
      "disableApiTermination",
      "ebsOptimized",
      "iamInstanceProfile",
      "instanceInitiatedShutdownBehavior",
    ],
    ...[
      "creditSpecification",
      "keyName",
      "maintenanceOptions",
      "metadataOptions",
      "monitoring",
      "privateIp",
      "rootBlockDevice",
      "subnetId",
      "tenancy",
      "volumeTags",
      "vpcSecurityGroupIds",
    ],
  ]);
  protected override readonly times = { create: 600, update: 600, delete: 1200 };

  protected idOf({ instance }: Machine): string {
    return String(instance.InstanceId);
  }

  protected override problems(inputs: Properties): Failure[] {
    return instanceProblems(inputs);
  }

  protected async make(operation: Operation, inputs: Properties, deadline: Deadline): Promise<Machine> {
    const ec2 = this.ec2(operation);
    const root = isGiven(inputs["rootBlockDevice"])
      ? await this.rootDevice(operation, String(inputs["ami"]))
      : undefined;
    const request = runRequest(
      inputs,
      root,
      { machine: this.allTags(inputs), volumes: this.volumeTags(inputs) },
      randomUUID(),
    );
    // A profile that was just made is not known to EC2 for some seconds.
    const early = (error: unknown): boolean =>
      isCode(error, "InvalidParameterValue") && /Invalid IAM Instance Profile/i.test(error.text);
    const { Instances } = await this.whenKnown(deadline, "the machine's instance profile", early, () =>
      ec2.runInstances(request),
    );
    const [instance] = Instances ?? [];
    if (instance?.InstanceId === undefined) throw new Error("the API made no machine and gave no reason");
    return { instance };
  }

  private async rootDevice(operation: Operation, image: string): Promise<string> {
    const [found] = (await this.ec2(operation).describeImages({ ImageIds: [image] })).Images ?? [];
    if (found?.RootDeviceName === undefined) throw new Error(`ami: image ${image} is not there, or has no root device`);
    return found.RootDeviceName;
  }

  protected async look(operation: Operation, id: string): Promise<Machine | undefined> {
    const ec2 = this.ec2(operation);
    const instance = await this.found(
      async () =>
        (await ec2.describeInstances({ InstanceIds: [id] })).Reservations?.flatMap(
          ({ Instances }) => Instances ?? [],
        )[0],
    );
    // Terminated ones are shown for an hour.
    if (instance === undefined || instance.State?.Name === "terminated") return undefined;
    const rootId = instance.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === instance.RootDeviceName)?.Ebs
      ?.VolumeId;
    const [root, data] = await Promise.all([
      rootId === undefined
        ? undefined
        : this.found(async () => (await ec2.describeVolumes({ VolumeIds: [rootId] })).Volumes?.[0]),
      this.found(() => ec2.describeInstanceAttribute({ InstanceId: id, Attribute: "userData" })),
    ]);
    return { instance, root, userData: data?.UserData?.Value ?? "" };
  }

  protected override pending({ instance }: Machine): string | undefined {
    const state = instance.State?.Name ?? "unknown";
    return state === "running" || state === "stopped" ? undefined : state;
  }

  protected override async ready(
    deadline: Deadline,
    id: string,
    remote: Machine,
    inputs: Properties,
  ): Promise<Machine> {
    return deadline.until(`machine ${id} to be running`, async (seen) => {
      const [found] =
        (
          await this.found(() => this.ec2(deadline.operation).describeInstances({ InstanceIds: [id] }))
        )?.Reservations?.flatMap(({ Instances }) => Instances ?? []) ?? [];
      const state = found?.State?.Name ?? "not there yet";
      seen(state);
      if (state === "terminated" || state === "shutting-down")
        throw new Error(`machine ${id} is "${state}": ${found?.StateReason?.Message ?? "no reason is given"}`);
      return found === undefined || this.pending({ instance: found }) !== undefined
        ? undefined
        : super.ready(deadline, id, remote, inputs);
    });
  }

  protected tagsIn({ instance }: Machine): Tags | undefined {
    return instance.Tags === undefined ? undefined : fromApiTags(instance.Tags);
  }

  private volumeTags(inputs: Properties): Tags {
    if (isGiven(inputs["volumeTags"])) return tagsOf(inputs["volumeTags"]);
    return { ...this.cloud().defaultTags, ...tagsOf(bag(inputs["rootBlockDevice"])["tags"]) };
  }

  protected attributes({ instance, root, userData }: Machine, inputs: Properties): Properties {
    const card = instance.NetworkInterfaces?.find(({ Attachment }) => Attachment?.DeviceIndex === 0);
    const options = instance.MetadataOptions;
    const profile = instance.IamInstanceProfile?.Arn?.split("/").at(-1) ?? "";
    const groups = card?.Groups ?? instance.SecurityGroups ?? [];
    return {
      ami: instance.ImageId ?? inputs["ami"] ?? null,
      arn: this.cloud().arn("ec2", `instance/${instance.InstanceId}`, card?.OwnerId ?? this.cloud().account),
      associatePublicIpAddress: inputs["associatePublicIpAddress"] ?? (instance.PublicIpAddress ?? "") !== "",
      availabilityZone: instance.Placement?.AvailabilityZone ?? null,
      tenancy: instance.Placement?.Tenancy ?? "default",
      placementGroup: instance.Placement?.GroupName ?? "",
      instanceType: instance.InstanceType ?? null,
      instanceState: instance.State?.Name ?? null,
      instanceLifecycle: instance.InstanceLifecycle ?? "",
      keyName: instance.KeyName ?? "",
      iamInstanceProfile:
        text(inputs["iamInstanceProfile"])?.startsWith("arn:") === true
          ? (instance.IamInstanceProfile?.Arn ?? "")
          : profile,
      monitoring: instance.Monitoring?.State === "enabled" || instance.Monitoring?.State === "pending",
      ebsOptimized: instance.EbsOptimized ?? false,
      primaryNetworkInterfaceId: card?.NetworkInterfaceId ?? "",
      privateDns: instance.PrivateDnsName ?? "",
      privateIp: instance.PrivateIpAddress ?? "",
      publicDns: instance.PublicDnsName ?? "",
      publicIp: instance.PublicIpAddress ?? "",
      subnetId: instance.SubnetId ?? "",
      sourceDestCheck: instance.SourceDestCheck ?? card?.SourceDestCheck ?? true,
      vpcSecurityGroupIds: groups.map(({ GroupId }) => GroupId ?? ""),
      ...(options === undefined
        ? {}
        : {
            metadataOptions: definite({
              httpEndpoint: options.HttpEndpoint,
              httpTokens: options.HttpTokens,
              httpPutResponseHopLimit: options.HttpPutResponseHopLimit,
              httpProtocolIpv6: options.HttpProtocolIpv6,
              instanceMetadataTags: options.InstanceMetadataTags,
            }),
          }),
      ...(root === undefined ? {} : { rootBlockDevice: this.rootOutputs(instance, root, inputs) }),
      ...(root === undefined || !isGiven(inputs["volumeTags"]) ? {} : { volumeTags: fromApiTags(root.Tags) }),
      ...(userData === undefined ? {} : userDataOutputs(userData, inputs)),
    };
  }

  private rootOutputs(instance: ApiInstance, root: ApiVolume, inputs: Properties): Properties {
    const asked = bag(inputs["rootBlockDevice"]);
    const mapping = instance.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === instance.RootDeviceName)?.Ebs;
    const all = fromApiTags(root.Tags);
    return definite({
      deleteOnTermination: mapping?.DeleteOnTermination ?? true,
      deviceName: instance.RootDeviceName,
      encrypted: root.Encrypted ?? false,
      iops: root.Iops ?? number(asked["iops"]),
      kmsKeyId: root.KmsKeyId ?? "",
      throughput: root.Throughput ?? number(asked["throughput"]),
      volumeId: root.VolumeId,
      volumeSize: root.Size,
      volumeType: root.VolumeType,
      ...(isGiven(inputs["volumeTags"])
        ? {}
        : { tags: ownTags(all, this.cloud().defaultTags, tagsOf(asked["tags"])), tagsAll: all }),
    });
  }

  /** Of the disk and of the metadata service, what the program does not give was chosen by AWS, or by the image. */
  protected override same(property: string, before: Value | undefined, after: Value | undefined): boolean {
    if (property === "userData" || property === "userDataBase64") return (text(before) ?? "") === (text(after) ?? "");
    if (
      ["metadataOptions", "rootBlockDevice", "maintenanceOptions", "creditSpecification"].includes(property) &&
      isGiven(before) &&
      isGiven(after) &&
      holds(after, before)
    )
      return true;
    return super.same(property, before, after);
  }

  protected override replacesOn(property: string, state: State, inputs: Properties): boolean {
    if (property === "userData" || property === "userDataBase64")
      return inputs["userDataReplaceOnChange"] === true && encodedUserData(state.inputs) !== encodedUserData(inputs);
    if (property !== "rootBlockDevice") return false;
    const [before, after] = [bag(state.inputs[property]), bag(inputs[property])];
    return [...rootReplaces].some(
      (name) =>
        isGiven(after[name]) &&
        !(before[name] === after[name]) &&
        !(name === "encrypted" && !isGiven(before[name]) && after[name] === false),
    );
  }

  protected async converge(
    deadline: Deadline,
    id: string,
    { instance, root, userData }: Machine,
    inputs: Properties,
    changed: ReadonlySet<string>,
  ): Promise<void> {
    const { operation } = deadline;
    const ec2 = this.ec2(operation);
    await this.retag(operation, id, fromApiTags(instance.Tags), this.allTags(inputs));
    if (root?.VolumeId !== undefined) {
      // Tags of a disk that the program does not mention are somebody else's.
      if (isGiven(inputs["volumeTags"]) || isGiven(inputs["rootBlockDevice"]))
        await this.retag(operation, root.VolumeId, fromApiTags(root.Tags), this.volumeTags(inputs));
      const asked = bag(inputs["rootBlockDevice"]);
      await reshape(
        ec2,
        deadline,
        root,
        {
          size: number(asked["volumeSize"]),
          type: text(asked["volumeType"]),
          iops: number(asked["iops"]),
          throughput: number(asked["throughput"]),
        },
        "rootBlockDevice.",
      );
      const keep = instance.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === instance.RootDeviceName)?.Ebs
        ?.DeleteOnTermination;
      const wanted = flag(asked["deleteOnTermination"]);
      if (wanted !== undefined && wanted !== keep) {
        await ec2.modifyInstanceAttribute({
          InstanceId: id,
          BlockDeviceMappings: [
            { DeviceName: instance.RootDeviceName, Ebs: { DeleteOnTermination: wanted, VolumeId: root.VolumeId } },
          ],
        });
      }
    }
    await this.convergeNetwork(operation, id, instance, inputs);
    await this.convergeProfile(deadline, id, instance, inputs);
    await this.convergeOptions(operation, id, instance, inputs, changed);
    await this.convergeStopped(deadline, id, { instance, userData }, inputs);
  }

  private async convergeNetwork(
    operation: Operation,
    id: string,
    instance: ApiInstance,
    inputs: Properties,
  ): Promise<void> {
    const card = instance.NetworkInterfaces?.find(({ Attachment }) => Attachment?.DeviceIndex === 0);
    const groups = texts(inputs["vpcSecurityGroupIds"]);
    const now = (card?.Groups ?? instance.SecurityGroups ?? []).map(({ GroupId }) => GroupId ?? "");
    if (groups.length > 0 && !sameMembers(groups, now)) {
      await this.ec2(operation).modifyNetworkInterfaceAttribute({
        NetworkInterfaceId: card?.NetworkInterfaceId,
        Groups: groups,
      });
    }
    const checked = flag(inputs["sourceDestCheck"]) ?? true;
    if (checked !== (instance.SourceDestCheck ?? card?.SourceDestCheck ?? true))
      await this.ec2(operation).modifyInstanceAttribute({ InstanceId: id, SourceDestCheck: { Value: checked } });
  }

  private async convergeProfile(
    deadline: Deadline,
    id: string,
    instance: ApiInstance,
    inputs: Properties,
  ): Promise<void> {
    const ec2 = this.ec2(deadline.operation);
    const wanted = text(inputs["iamInstanceProfile"]);
    const arn = instance.IamInstanceProfile?.Arn;
    if (wanted === undefined || wanted === arn || wanted === arn?.split("/").at(-1)) return;
    const profile = wanted.startsWith("arn:") ? { Arn: wanted } : { Name: wanted };
    const { IamInstanceProfileAssociations } = await ec2.describeIamInstanceProfileAssociations({
      Filters: [{ Name: "instance-id", Values: [id] }],
    });
    const association = IamInstanceProfileAssociations?.find(
      ({ State: state }) => state === "associated" || state === "associating",
    )?.AssociationId;
    const early = (error: unknown): boolean =>
      error instanceof AwsError && /Invalid IAM Instance Profile|not found/i.test(error.text);
    await this.whenKnown(deadline, "the machine's instance profile", early, () =>
      association === undefined
        ? ec2.associateIamInstanceProfile({ InstanceId: id, IamInstanceProfile: profile })
        : ec2.replaceIamInstanceProfileAssociation({ AssociationId: association, IamInstanceProfile: profile }),
    );
  }

  private async convergeOptions(
    operation: Operation,
    id: string,
    instance: ApiInstance,
    inputs: Properties,
    changed: ReadonlySet<string>,
  ): Promise<void> {
    const ec2 = this.ec2(operation);
    const asked = bag(inputs["metadataOptions"]);
    const now = this.attributes({ instance }, inputs)["metadataOptions"];
    if (isGiven(inputs["metadataOptions"]) && !holds(asked, now))
      await ec2.modifyInstanceMetadataOptions({ InstanceId: id, ...metadataRequest(asked) });
    const monitoring = flag(inputs["monitoring"]);
    const monitored = instance.Monitoring?.State === "enabled" || instance.Monitoring?.State === "pending";
    if (monitoring !== undefined && monitoring !== monitored)
      await (monitoring ? ec2.monitorInstances({ InstanceIds: [id] }) : ec2.unmonitorInstances({ InstanceIds: [id] }));
    if (changed.has("disableApiTermination"))
      await ec2.modifyInstanceAttribute({
        InstanceId: id,
        DisableApiTermination: { Value: flag(inputs["disableApiTermination"]) ?? false },
      });
    if (changed.has("disableApiStop"))
      await ec2.modifyInstanceAttribute({
        InstanceId: id,
        DisableApiStop: { Value: flag(inputs["disableApiStop"]) ?? false },
      });
    if (changed.has("instanceInitiatedShutdownBehavior")) {
      await ec2.modifyInstanceAttribute({
        InstanceId: id,
        InstanceInitiatedShutdownBehavior: { Value: text(inputs["instanceInitiatedShutdownBehavior"]) ?? "stop" },
      });
    }
    const recovery = text(bag(inputs["maintenanceOptions"])["autoRecovery"]);
    if (changed.has("maintenanceOptions") && recovery !== undefined)
      await ec2.modifyInstanceMaintenanceOptions({ InstanceId: id, AutoRecovery: recovery as "default" });
    const credits = text(bag(inputs["creditSpecification"])["cpuCredits"]);
    if (changed.has("creditSpecification") && credits !== undefined)
      await ec2.modifyInstanceCreditSpecification({
        InstanceCreditSpecifications: [{ InstanceId: id, CpuCredits: credits }],
      });
  }

  /** Size and user data can be changed only while the machine is off: it is stopped for them and started again. */
  private async convergeStopped(
    deadline: Deadline,
    id: string,
    { instance, userData }: Machine,
    inputs: Properties,
  ): Promise<void> {
    const ec2 = this.ec2(deadline.operation);
    const type = text(inputs["instanceType"]);
    const newType = type !== undefined && type !== instance.InstanceType;
    const wanted = encodedUserData(inputs) ?? "";
    const newData = userData !== undefined && !Buffer.from(wanted, "base64").equals(Buffer.from(userData, "base64"));
    if (!newType && !newData) return;
    const wasRunning = instance.State?.Name === "running";
    if (wasRunning) await stop(ec2, deadline, id);
    try {
      if (newType) await ec2.modifyInstanceAttribute({ InstanceId: id, InstanceType: { Value: type } });
      if (newData)
        await ec2.modifyInstanceAttribute({ InstanceId: id, UserData: { Value: Buffer.from(wanted, "base64") } });
    } finally {
      if (wasRunning) await start(ec2, deadline, id);
    }
  }

  protected async remove(deadline: Deadline, { id, inputs }: State): Promise<void> {
    const ec2 = this.ec2(deadline.operation);
    if (inputs["forceDestroy"] === true) {
      await ec2.modifyInstanceAttribute({ InstanceId: id, DisableApiTermination: { Value: false } });
    }
    await ec2.terminateInstances({ InstanceIds: [id] });
  }
}

/** User data is kept as it is, in the form that the program gives it. */
function userDataOutputs(encoded: string, inputs: Properties): Properties {
  const bytes = Buffer.from(encoded, "base64");
  if (isGiven(inputs["userDataBase64"])) {
    const given = Buffer.from(text(inputs["userDataBase64"]) ?? "", "base64");
    return { userDataBase64: given.equals(bytes) ? (inputs["userDataBase64"] ?? null) : encoded };
  }
  return bytes.length === 0 ? {} : { userData: bytes.toString() };
}

/** Without what is not known. */
function definite(properties: Readonly<Record<string, Value | undefined>>): Properties {
  return Object.fromEntries(
    Object.entries(properties).filter((entry): entry is [string, Value] => entry[1] !== undefined),
  );
}

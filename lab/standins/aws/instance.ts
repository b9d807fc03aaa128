/** Machines. */
import type { Instance as ApiInstance, RunInstancesRequest, Volume, VolumeType } from "@aws-sdk/client-ec2";
import { randomUUID } from "node:crypto";
import type { Properties } from "../../../provider/rpc/properties.js";
import { bag, flag, holds, isGiven, number, same, text, texts } from "../framework/values.js";
import { AwsError } from "./errors.js";
import { aws, type AwsContext, fromApiTags, retagEc2, toApiTags } from "./kind.js";

/** EC2's limit for user data before it is encoded, in bytes. */
const userDataLimit = 16 * 1024;

interface Machine {
  readonly instance: ApiInstance;
  readonly root: Volume | undefined;
  readonly userData: string;
}

/** A profile that was just made is not known to EC2 for some seconds. */
const isEarlyProfile = (error: unknown): boolean =>
  error instanceof AwsError && /Invalid IAM Instance Profile/i.test(error.text);

export const instance = aws<Machine>({
  title: "machine",
  inputs: {
    ami: "replace",
    instanceType: "update",
    subnetId: "replace",
    vpcSecurityGroupIds: "update",
    associatePublicIpAddress: "replace",
    keyName: "replace",
    "iamInstanceProfile?": "update",
    userData: "update",
    userDataReplaceOnChange: "update",
    metadataOptions: ["update", "httpEndpoint", "httpTokens", "httpPutResponseHopLimit", "instanceMetadataTags"],
    rootBlockDevice: ["update", "volumeType", "volumeSize", "encrypted", "deleteOnTermination", "tags"],
    disableApiTermination: "update",
    "tags?": "update",
  },
  computed: ["availabilityZone", "instanceState", "privateIp", "publicIp"],
  seconds: 1200,
  problems: (inputs) => {
    const size = Buffer.byteLength(text(inputs["userData"]) ?? "");
    const refused = ["disableApiTermination", "userDataReplaceOnChange"].filter((name) => inputs[name] === true);
    return [
      ...refused.map((property) => ({ property, reason: `${property}: got true; the lab's stand-in has false only` })),
      ...(size > userDataLimit
        ? [
            {
              property: "userData",
              reason: `userData has ${size} bytes; EC2 takes at most ${userDataLimit} (16 KiB) before encoding`,
            },
          ]
        : []),
    ];
  },
  replaces: (path, before, after) =>
    path === "rootBlockDevice.encrypted" &&
    !same(bag(before["rootBlockDevice"])["encrypted"], bag(after["rootBlockDevice"])["encrypted"]),
  create: async ({ cloud: { ec2 }, deadline }, inputs) => {
    const image = String(inputs["ami"]);
    const rootDevice = (await ec2.describeImages({ ImageIds: [image] })).Images?.[0]?.RootDeviceName;
    if (rootDevice === undefined) throw new Error(`ami: image ${image} does not exist, or has no root device`);
    const request = runRequest(inputs, rootDevice);
    const { Instances } = await deadline.retry("the machine's instance profile to be known", isEarlyProfile, () =>
      ec2.runInstances(request),
    );
    const id = Instances?.[0]?.InstanceId;
    if (id === undefined) throw new Error("the API made no machine and gave no reason");
    return id;
  },
  read: async ({ cloud: { ec2 } }, id) => {
    const { Reservations } = await ec2.describeInstances({ InstanceIds: [id] });
    const found = Reservations?.flatMap(({ Instances }) => Instances ?? [])[0];
    // Terminated ones are shown for an hour.
    if (found === undefined || found.State?.Name === "terminated") return undefined;
    const rootId = deviceOf(found)?.VolumeId;
    const [volumes, data] = await Promise.all([
      rootId === undefined ? undefined : ec2.describeVolumes({ VolumeIds: [rootId] }),
      ec2.describeInstanceAttribute({ InstanceId: id, Attribute: "userData" }),
    ]);
    const userData = Buffer.from(data.UserData?.Value ?? "", "base64").toString();
    return { instance: found, root: volumes?.Volumes?.[0], userData };
  },
  pending: ({ instance: { State, StateReason } }, id) => {
    const state = State?.Name ?? "unknown";
    if (state === "shutting-down")
      throw new Error(`machine ${id} is "${state}": ${StateReason?.Message ?? "no reason is given"}`);
    return state === "running" || state === "stopped" ? undefined : state;
  },
  outputs: ({ instance: found, root, userData }, inputs) => {
    const options = found.MetadataOptions;
    return {
      ami: found.ImageId ?? null,
      // A stopped machine has no public address; that is not drift.
      associatePublicIpAddress: inputs["associatePublicIpAddress"] ?? null,
      availabilityZone: found.Placement?.AvailabilityZone ?? null,
      iamInstanceProfile: profileOf(found) ?? "",
      instanceState: found.State?.Name ?? null,
      instanceType: found.InstanceType ?? null,
      keyName: found.KeyName ?? "",
      metadataOptions: {
        httpEndpoint: options?.HttpEndpoint ?? null,
        httpTokens: options?.HttpTokens ?? null,
        httpPutResponseHopLimit: options?.HttpPutResponseHopLimit ?? null,
        instanceMetadataTags: options?.InstanceMetadataTags ?? null,
      },
      privateIp: found.PrivateIpAddress ?? "",
      publicIp: found.PublicIpAddress ?? "",
      rootBlockDevice: {
        deleteOnTermination: deviceOf(found)?.DeleteOnTermination ?? true,
        encrypted: root?.Encrypted ?? false,
        tags: fromApiTags(root?.Tags),
        volumeId: root?.VolumeId ?? null,
        volumeSize: root?.Size ?? null,
        volumeType: root?.VolumeType ?? null,
      },
      subnetId: found.SubnetId ?? "",
      tags: fromApiTags(found.Tags),
      userData,
      vpcSecurityGroupIds: groupsOf(found),
    };
  },
  converge: async (context, id, { instance: found, root }, inputs, changed) => {
    const { ec2 } = context.cloud;
    const disk = bag(inputs["rootBlockDevice"]);
    const moved = [
      ...["instanceType", "userData"].filter((name) => changed?.has(name) === true),
      ...(holds(
        { volumeSize: disk["volumeSize"] ?? null, volumeType: disk["volumeType"] ?? null },
        { volumeSize: root?.Size ?? null, volumeType: root?.VolumeType ?? null },
      )
        ? []
        : ["rootBlockDevice"]),
    ];
    if (moved.length > 0)
      throw new Error(
        `the lab's stand-in cannot change ${moved.join(" and ")} of a machine in place; replace the machine`,
      );
    await retagEc2(context, id, found.Tags, inputs["tags"]);
    if (root?.VolumeId !== undefined) await retagEc2(context, root.VolumeId, root.Tags, disk["tags"]);
    const groups = texts(inputs["vpcSecurityGroupIds"]);
    if (!same(groups, groupsOf(found)))
      await ec2.modifyNetworkInterfaceAttribute({
        NetworkInterfaceId: found.NetworkInterfaces?.[0]?.NetworkInterfaceId,
        Groups: groups,
      });
    await convergeProfile(context, id, found, text(inputs["iamInstanceProfile"]));
    if (changed?.has("metadataOptions") === true)
      await ec2.modifyInstanceMetadataOptions({ InstanceId: id, ...metadataRequest(bag(inputs["metadataOptions"])) });
  },
  remove: async ({ cloud: { ec2 } }, id) => void (await ec2.terminateInstances({ InstanceIds: [id] })),
});

const deviceOf = (found: ApiInstance) =>
  found.BlockDeviceMappings?.find(({ DeviceName }) => DeviceName === found.RootDeviceName)?.Ebs;
const groupsOf = ({ SecurityGroups, NetworkInterfaces }: ApiInstance): string[] =>
  (NetworkInterfaces?.[0]?.Groups ?? SecurityGroups ?? []).map(({ GroupId }) => GroupId ?? "");
const profileOf = (found: ApiInstance): string | undefined => found.IamInstanceProfile?.Arn?.split("/").at(-1);

function runRequest(inputs: Properties, rootDevice: string): RunInstancesRequest {
  const disk = bag(inputs["rootBlockDevice"]);
  const specifications = [
    { ResourceType: "instance" as const, Tags: toApiTags(inputs["tags"]) },
    { ResourceType: "volume" as const, Tags: toApiTags(disk["tags"]) },
  ].filter(({ Tags }) => Tags.length > 0);
  return {
    MinCount: 1,
    MaxCount: 1,
    ClientToken: randomUUID(),
    ImageId: text(inputs["ami"]),
    InstanceType: text(inputs["instanceType"]) as RunInstancesRequest["InstanceType"],
    KeyName: text(inputs["keyName"]),
    UserData: Buffer.from(text(inputs["userData"]) ?? "").toString("base64"),
    IamInstanceProfile: isGiven(inputs["iamInstanceProfile"])
      ? { Name: text(inputs["iamInstanceProfile"]) }
      : undefined,
    MetadataOptions: metadataRequest(bag(inputs["metadataOptions"])),
    // Only a network interface can say whether there is a public address, and it takes the rest with it.
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        AssociatePublicIpAddress: flag(inputs["associatePublicIpAddress"]),
        DeleteOnTermination: true,
        SubnetId: text(inputs["subnetId"]),
        Groups: texts(inputs["vpcSecurityGroupIds"]),
      },
    ],
    BlockDeviceMappings: [
      {
        DeviceName: rootDevice,
        Ebs: {
          DeleteOnTermination: flag(disk["deleteOnTermination"]),
          Encrypted: flag(disk["encrypted"]),
          VolumeSize: number(disk["volumeSize"]),
          VolumeType: text(disk["volumeType"]) as VolumeType | undefined,
        },
      },
    ],
    TagSpecifications: specifications.length === 0 ? undefined : specifications,
  };
}

function metadataRequest(options: Properties): NonNullable<RunInstancesRequest["MetadataOptions"]> {
  return {
    HttpEndpoint: text(options["httpEndpoint"]) as "enabled" | undefined,
    HttpTokens: text(options["httpTokens"]) as "required" | undefined,
    HttpPutResponseHopLimit: number(options["httpPutResponseHopLimit"]),
    InstanceMetadataTags: text(options["instanceMetadataTags"]) as "enabled" | undefined,
  };
}

async function convergeProfile(
  { cloud: { ec2 }, deadline }: AwsContext,
  id: string,
  found: ApiInstance,
  wanted: string | undefined,
): Promise<void> {
  if (wanted === undefined || wanted === profileOf(found)) return;
  const { IamInstanceProfileAssociations } = await ec2.describeIamInstanceProfileAssociations({
    Filters: [{ Name: "instance-id", Values: [id] }],
  });
  const association = IamInstanceProfileAssociations?.find(({ State }) => /^associat(ed|ing)$/.test(State ?? ""));
  const IamInstanceProfile = { Name: wanted };
  await deadline.retry("the machine's instance profile to be known", isEarlyProfile, () =>
    association === undefined
      ? ec2.associateIamInstanceProfile({ InstanceId: id, IamInstanceProfile })
      : ec2.replaceIamInstanceProfileAssociation({ AssociationId: association.AssociationId, IamInstanceProfile }),
  );
}

/** What is asked for when a machine is made. Pure. */
import type { BlockDeviceMapping, RunInstancesRequest, VolumeType } from "@aws-sdk/client-ec2";
import type { Failure, Properties } from "../framework/kind.js";
import { type Tags, toApiTags } from "./tags.js";
import { bag, flag, isGiven, number, text, texts } from "./values.js";

/** EC2's limit for user data before it is encoded, in bytes. */
const userDataLimit = 16 * 1024;

/** In base 64; undefined: none is given. */
export function encodedUserData(inputs: Properties): string | undefined {
  const plain = text(inputs["userData"]);
  return plain === undefined ? text(inputs["userDataBase64"]) : Buffer.from(plain).toString("base64");
}

export function instanceProblems(inputs: Properties): Failure[] {
  const failures: Failure[] = [];
  for (const name of ["ami", "instanceType"])
    if (!isGiven(inputs[name]))
      failures.push({
        property: name,
        reason: `${name} is missing: the stand-in makes machines without launch templates`,
      });
  if (isGiven(inputs["userData"]) && isGiven(inputs["userDataBase64"]))
    failures.push({ property: "userData", reason: "userData and userDataBase64 exclude each other; give one of them" });
  const size = Buffer.from(encodedUserData(inputs) ?? "", "base64").length;
  if (size > userDataLimit)
    failures.push({
      property: "userData",
      reason: `userData has ${size} bytes; EC2 takes at most ${userDataLimit} (16 KiB) before encoding`,
    });
  if (isGiven(inputs["volumeTags"]) && isGiven(bag(inputs["rootBlockDevice"])["tags"])) {
    failures.push({
      property: "volumeTags",
      reason: "volumeTags and rootBlockDevice.tags exclude each other; give one of them",
    });
  }
  return failures;
}

/** @param rootDevice Name of the image's root device. @param tags Of the machine, and of the volumes that come with it. */
export function runRequest(
  inputs: Properties,
  rootDevice: string | undefined,
  tags: { machine: Tags; volumes: Tags },
  token: string,
): RunInstancesRequest {
  const metadata = bag(inputs["metadataOptions"]);
  const profile = text(inputs["iamInstanceProfile"]);
  const credits = text(bag(inputs["creditSpecification"])["cpuCredits"]);
  const recovery = text(bag(inputs["maintenanceOptions"])["autoRecovery"]);
  const tenancy = text(inputs["tenancy"]);
  const zone = text(inputs["availabilityZone"]);
  const specifications = [
    { ResourceType: "instance" as const, Tags: toApiTags(tags.machine) },
    { ResourceType: "volume" as const, Tags: toApiTags(tags.volumes) },
  ].filter(({ Tags: list }) => list.length > 0);
  return {
    MinCount: 1,
    MaxCount: 1,
    ClientToken: token,
    ImageId: text(inputs["ami"]),
    InstanceType: text(inputs["instanceType"]) as RunInstancesRequest["InstanceType"],
    KeyName: text(inputs["keyName"]),
    UserData: encodedUserData(inputs),
    EbsOptimized: flag(inputs["ebsOptimized"]),
    DisableApiTermination: flag(inputs["disableApiTermination"]),
    DisableApiStop: flag(inputs["disableApiStop"]),
    InstanceInitiatedShutdownBehavior: text(
      inputs["instanceInitiatedShutdownBehavior"],
    ) as RunInstancesRequest["InstanceInitiatedShutdownBehavior"],
    ...(flag(inputs["monitoring"]) === undefined ? {} : { Monitoring: { Enabled: flag(inputs["monitoring"]) } }),
    ...(profile === undefined
      ? {}
      : { IamInstanceProfile: profile.startsWith("arn:") ? { Arn: profile } : { Name: profile } }),
    ...(zone === undefined && tenancy === undefined
      ? {}
      : { Placement: { AvailabilityZone: zone, Tenancy: tenancy as "default" | undefined } }),
    ...(credits === undefined ? {} : { CreditSpecification: { CpuCredits: credits } }),
    ...(recovery === undefined ? {} : { MaintenanceOptions: { AutoRecovery: recovery as "default" } }),
    ...(isGiven(inputs["metadataOptions"]) ? { MetadataOptions: metadataRequest(metadata) } : {}),
    ...networkOf(inputs),
    ...(isGiven(inputs["rootBlockDevice"]) && rootDevice !== undefined
      ? { BlockDeviceMappings: [rootMapping(bag(inputs["rootBlockDevice"]), rootDevice)] }
      : {}),
    ...(specifications.length === 0 ? {} : { TagSpecifications: specifications }),
  };
}

export function metadataRequest(options: Properties): NonNullable<RunInstancesRequest["MetadataOptions"]> {
  return {
    HttpEndpoint: (text(options["httpEndpoint"]) ?? "enabled") as "enabled",
    HttpTokens: text(options["httpTokens"]) as "required" | undefined,
    HttpPutResponseHopLimit: number(options["httpPutResponseHopLimit"]),
    HttpProtocolIpv6: text(options["httpProtocolIpv6"]) as "enabled" | undefined,
    InstanceMetadataTags: text(options["instanceMetadataTags"]) as "enabled" | undefined,
  };
}

/** Whether there is a public address can be said of a network interface only, which then takes the rest with it. */
function networkOf(inputs: Properties): Partial<RunInstancesRequest> {
  const subnet = text(inputs["subnetId"]);
  const groups = texts(inputs["vpcSecurityGroupIds"]);
  const address = text(inputs["privateIp"]);
  const isPublic = flag(inputs["associatePublicIpAddress"]);
  const groupsOrNone = groups.length === 0 ? undefined : groups;
  if (isPublic === undefined) return { SubnetId: subnet, SecurityGroupIds: groupsOrNone, PrivateIpAddress: address };
  return {
    NetworkInterfaces: [
      {
        DeviceIndex: 0,
        AssociatePublicIpAddress: isPublic,
        DeleteOnTermination: true,
        SubnetId: subnet,
        Groups: groupsOrNone,
        PrivateIpAddress: address,
      },
    ],
  };
}

function rootMapping(device: Properties, name: string): BlockDeviceMapping {
  const type = text(device["volumeType"]);
  return {
    DeviceName: name,
    Ebs: {
      DeleteOnTermination: flag(device["deleteOnTermination"]) ?? true,
      // False would be refused where the account encrypts everything.
      Encrypted: device["encrypted"] === true ? true : undefined,
      KmsKeyId: text(device["kmsKeyId"]),
      Iops: number(device["iops"]),
      Throughput: number(device["throughput"]),
      VolumeSize: number(device["volumeSize"]),
      VolumeType: type as VolumeType | undefined,
    },
  };
}

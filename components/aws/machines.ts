/** Instances and the volumes attached to them. */
import * as pulumi from "@pulumi/pulumi";
import { Volume } from "@pulumi/aws/ebs/volume.js";
import { Instance, type InstanceArgs } from "@pulumi/aws/ec2/instance.js";
import { VolumeAttachment } from "@pulumi/aws/ec2/volumeAttachment.js";
import type { VolumeArgs } from "../cloud/cloud.js";
import { imageTag, instanceTags, type Tags } from "./names.js";
import { volumeDevices } from "./profile.js";
import type { AwsSpec } from "./settings.js";

export interface MachineInstanceArgs {
  readonly ami: string;
  /** The setting that it was found by. */
  readonly image: string;
  readonly size: pulumi.Input<string>;
  readonly subnetId: pulumi.Input<string>;
  readonly securityGroup: pulumi.Input<string>;
  readonly publicAddress: boolean;
  readonly keyName: pulumi.Input<string>;
  readonly instanceProfile?: pulumi.Input<string>;
  readonly userData: string;
  /** GB of the root disk. */
  readonly disk: number;
  readonly tags: Tags;
}

export function createInstance(name: string, args: MachineInstanceArgs, opts: pulumi.CustomResourceOptions): Instance {
  const tags = { ...args.tags, Name: name };
  const inputs: InstanceArgs = {
    ami: args.ami,
    instanceType: args.size,
    subnetId: args.subnetId,
    vpcSecurityGroupIds: [args.securityGroup],
    associatePublicIpAddress: args.publicAddress,
    keyName: args.keyName,
    iamInstanceProfile: args.instanceProfile,
    userData: args.userData,
    userDataReplaceOnChange: false,
    // Version 2 with one hop: only the machine itself can read metadata and credentials, no pod and no forwarded request. The machine reads its
    // own name from its tags.
    metadataOptions: {
      httpEndpoint: "enabled",
      httpTokens: "required",
      httpPutResponseHopLimit: 1,
      instanceMetadataTags: "enabled",
    },
    rootBlockDevice: { volumeType: "gp3", volumeSize: args.disk, encrypted: true, deleteOnTermination: true, tags },
    disableApiTermination: false,
    tags: instanceTags({ ...tags, [imageTag]: args.image }),
  };
  // User-data and key are read at the first boot only; changed user-data would stop the machine. A stopped machine has no public address,
  // which must not replace it: whether it has one follows from its subnet. A change of type or disk replaces the machine, the old one first:
  // the provider would stop all machines of a pool at once to change them.
  return new Instance(
    name,
    inputs,
    pulumi.mergeOptions(opts, {
      ignoreChanges: ["userData", "keyName", "associatePublicIpAddress"],
      replaceOnChanges: ["instanceType", "rootBlockDevice.volumeSize"],
      deleteBeforeReplace: true,
    }),
  );
}

export interface AttachedVolumeArgs {
  readonly machine: string;
  readonly zone: string;
  readonly instance: Instance;
  readonly volume: VolumeArgs;
  readonly type: AwsSpec["volumeType"];
  readonly protect: boolean;
  readonly tags: Tags;
}

/** The volume has no file system: the machine creates one only where there is none, and so never over data. */
export function attachVolume(args: AttachedVolumeArgs, opts: pulumi.CustomResourceOptions): pulumi.Resource {
  const { size, suffix } = args.volume;
  const name = `${args.machine}-${suffix}`;
  const volume = new Volume(
    name,
    {
      availabilityZone: args.zone,
      size,
      type: args.type,
      // etcd writes little, but waits for each write: https://etcd.io/docs/v3.6/op-guide/hardware/#disks. Only these types are sold by IOPS; AWS allows 50 for each GB.
      iops: args.type === "io1" || args.type === "io2" ? Math.min(3000, 50 * size) : undefined,
      encrypted: true,
      tags: { ...args.tags, Name: name },
    },
    pulumi.mergeOptions(opts, { protect: args.protect }),
  );
  return new VolumeAttachment(
    name,
    {
      deviceName: volumeDevices[suffix],
      instanceId: args.instance.id,
      volumeId: volume.id,
      // The end of its machine frees the volume. Detaching one whose file system is mounted, as in a destroy or on a machine that hangs,
      // leaves it "busy" without an end: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachVolume.html
      skipDestroy: true,
    },
    // A volume has one attachment at a time: the old one is deleted before the new one is created.
    pulumi.mergeOptions(opts, { deleteBeforeReplace: true }),
  );
}

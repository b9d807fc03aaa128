/** Volumes and their attachments to machines. */
import type { VolumeType } from "@aws-sdk/client-ec2";
import { randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Properties } from "../../../provider/rpc/properties.js";
import { flag, number, text } from "../framework/values.js";
import { isCode, isNotFound } from "./errors.js";
import { aws, type AwsContext, convergeTags, fromApiTags, tagSpecification, whenFree } from "./kind.js";

export const volume = aws({
  title: "volume",
  inputs: {
    availabilityZone: "replace",
    size: "update",
    type: "update",
    "iops?": "update",
    encrypted: "replace",
    "tags?": "update",
  },
  computed: [],
  create: async ({ cloud: { ec2 } }, inputs) => {
    const { VolumeId } = await ec2.createVolume({
      AvailabilityZone: text(inputs["availabilityZone"]),
      Encrypted: flag(inputs["encrypted"]),
      Iops: number(inputs["iops"]),
      Size: number(inputs["size"]),
      VolumeType: text(inputs["type"]) as VolumeType | undefined,
      ClientToken: randomUUID(),
      TagSpecifications: tagSpecification("volume", inputs["tags"]),
    });
    return String(VolumeId);
  },
  read: async ({ cloud: { ec2 } }, id) => (await ec2.describeVolumes({ VolumeIds: [id] })).Volumes?.[0],
  pending: ({ State }, id) => {
    if (State === "error") throw new Error(`volume ${id} is in the state "error"; delete it and run "pulumi up" again`);
    return State === "available" || State === "in-use" ? undefined : (State ?? "creating");
  },
  outputs: (remote, inputs) => ({
    availabilityZone: remote.AvailabilityZone ?? null,
    encrypted: remote.Encrypted ?? false,
    iops: remote.Iops ?? inputs["iops"] ?? null,
    size: remote.Size ?? null,
    tags: fromApiTags(remote.Tags),
    type: remote.VolumeType ?? null,
  }),
  converge: async (context, id, remote, inputs) => {
    const { ec2 } = context.cloud;
    const size = number(inputs["size"]) ?? remote.Size ?? 0;
    const type = text(inputs["type"]) ?? remote.VolumeType;
    const iops = number(inputs["iops"]);
    if (size < (remote.Size ?? 0))
      throw new Error(
        `size: it is ${remote.Size} GiB and cannot shrink to ${size} GiB; create another volume and copy its data`,
      );
    if (size !== remote.Size || type !== remote.VolumeType || (iops !== undefined && iops !== remote.Iops)) {
      await ec2.modifyVolume({ VolumeId: id, Size: size, VolumeType: type as VolumeType, Iops: iops });
      await context.deadline.until(`volume ${id} to change`, async (seen) => {
        const { VolumesModifications } = await ec2.describeVolumesModifications({ VolumeIds: [id] });
        const now = VolumesModifications?.at(-1);
        if (now?.ModificationState === "failed")
          throw new Error(`the change of volume ${id} failed: ${now.StatusMessage ?? "no reason is given"}`);
        seen(`${now?.ModificationState ?? "unknown"}, ${now?.Progress ?? 0} %`);
        // It can be used while AWS still moves blocks.
        return now?.ModificationState === "modifying" ? undefined : true;
      });
    }
    await convergeTags(context, id, remote, inputs);
  },
  remove: (context, id) => whenFree(context, `volume ${id}`, () => context.cloud.ec2.deleteVolume({ VolumeId: id })),
});

const requestOf = (inputs: Properties): { Device: string; InstanceId: string; VolumeId: string } => ({
  Device: String(inputs["deviceName"]),
  InstanceId: String(inputs["instanceId"]),
  VolumeId: String(inputs["volumeId"]),
});

async function attachmentOf({ cloud: { ec2 } }: AwsContext, inputs: Properties): Promise<string | undefined> {
  const { Device, InstanceId, VolumeId } = requestOf(inputs);
  const [found] = (await ec2.describeVolumes({ VolumeIds: [VolumeId] })).Volumes ?? [];
  const attachment = found?.Attachments?.find((item) => item.InstanceId === InstanceId && item.Device === Device);
  return attachment?.State === "detached" ? undefined : attachment?.State;
}

export const volumeAttachment = aws({
  title: "volume attachment",
  inputs: { deviceName: "replace", instanceId: "replace", volumeId: "replace", "skipDestroy?": "update" },
  computed: [],
  create: async ({ cloud: { ec2 }, deadline }, inputs) => {
    const request = requestOf(inputs);
    // Also while the machine is not running yet.
    await deadline.retry(
      `volume ${request.VolumeId} and machine ${request.InstanceId} to be ready`,
      (error) => isCode(error, "InvalidVolume.NotFound", "IncorrectState", "IncorrectInstanceState"),
      () => ec2.attachVolume(request),
    );
    return `vai-${crc32(`${request.Device}-${request.InstanceId}-${request.VolumeId}-`)}`;
  },
  read: (context, _id, inputs) => attachmentOf(context, inputs),
  pending: (state) => (state === "attached" ? undefined : state),
  outputs: () => ({}),
  remove: async (context, _id, inputs) => {
    if (flag(inputs["skipDestroy"]) === true) return "kept";
    try {
      await context.cloud.ec2.detachVolume(requestOf(inputs));
    } catch (error) {
      // Detached with its machine, or outside the program.
      if (!isNotFound(error) && !isCode(error, "IncorrectState")) throw error;
      if (isCode(error, "IncorrectState") && (await attachmentOf(context, inputs)) !== undefined) throw error;
    }
    // The official provider waits while it is "detaching", and ends with an error when it is anything else:
    // https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ec2/ebs_volume_attachment.go
    await context.deadline.until("the volume to be detached", async (seen) => {
      const state = await attachmentOf(context, inputs);
      if (state !== undefined && state !== "detaching")
        throw new Error(`unexpected state '${state}', wanted target ''; the machine has its file system mounted`);
      if (state !== undefined) seen(state);
      return state === undefined ? true : undefined;
    });
    return undefined;
  },
});

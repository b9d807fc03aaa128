/** Volumes and their attachments to machines. */
import type { EC2, Volume as ApiVolume, VolumeAttachment as ApiAttachment, VolumeType } from "@aws-sdk/client-ec2";
import { randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Failure, Operation, Properties, State } from "../framework/kind.js";
import type { Deadline } from "../framework/waiting.js";
import { AwsKind } from "./awsKind.js";
import { isCode, isNotFound } from "./errors.js";
import { fromApiTags, type Tags } from "./tags.js";
import { flag, isGiven, number, text } from "./values.js";

/** What of a volume can be changed while it is in use. */
export interface Shape {
  readonly size?: number | undefined;
  readonly type?: string | undefined;
  readonly iops?: number | undefined;
  readonly throughput?: number | undefined;
}

/** Kinds of volumes whose speed is bought; with the others the API's figures only inform. */
const withIops = new Set(["io1", "io2", "gp3"]);

/** Changes a volume where it differs from what is asked for, and waits until the change can be used. */
export async function reshape(
  ec2: EC2,
  deadline: Deadline,
  volume: ApiVolume,
  asked: Shape,
  where = "",
): Promise<void> {
  const type = asked.type ?? volume.VolumeType;
  const size = asked.size ?? volume.Size;
  if (size !== undefined && volume.Size !== undefined && size < volume.Size) {
    throw new Error(
      `${where}size: it is ${volume.Size} GiB and cannot shrink to ${size} GiB; make a new volume and copy what it holds`,
    );
  }
  const iops = withIops.has(type ?? "") ? asked.iops : undefined;
  const throughput = type === "gp3" ? asked.throughput : undefined;
  const differs =
    size !== volume.Size ||
    type !== volume.VolumeType ||
    (iops !== undefined && iops !== volume.Iops) ||
    (throughput !== undefined && throughput !== volume.Throughput);
  if (!differs) return;
  const id = volume.VolumeId;
  await ec2.modifyVolume({
    VolumeId: id,
    Size: size,
    VolumeType: type as VolumeType,
    Iops: iops,
    Throughput: throughput,
  });
  await deadline.until(`volume ${id} to change`, async (seen) => {
    const { VolumesModifications } = await ec2.describeVolumesModifications({
      VolumeIds: id === undefined ? [] : [id],
    });
    const now = VolumesModifications?.at(-1);
    if (now?.ModificationState === "failed")
      throw new Error(`the change of volume ${id} failed: ${now.StatusMessage ?? "no reason is given"}`);
    seen(`${now?.ModificationState ?? "unknown"}, ${now?.Progress ?? 0} %`);
    // It can be used while AWS still moves blocks.
    return now === undefined || now.ModificationState === "optimizing" || now.ModificationState === "completed"
      ? true
      : undefined;
  });
}

export class Volume extends AwsKind<ApiVolume> {
  protected readonly title = "volume";
  protected readonly replaces = new Set([
    "availabilityZone",
    "encrypted",
    "kmsKeyId",
    "multiAttachEnabled",
    "snapshotId",
  ]);
  protected readonly inputs = [
    "availabilityZone",
    "encrypted",
    "finalSnapshot",
    "iops",
    "kmsKeyId",
    "multiAttachEnabled",
    "size",
    "snapshotId",
    "tags",
    "throughput",
    "type",
  ];
  protected readonly computed = [
    "arn",
    "createTime",
    "encrypted",
    "iops",
    "kmsKeyId",
    "size",
    "snapshotId",
    "throughput",
    "type",
  ];
  protected override readonly defaults = { finalSnapshot: false };
  protected override readonly sticky = new Set([
    "encrypted",
    "iops",
    "kmsKeyId",
    "size",
    "snapshotId",
    "throughput",
    "type",
  ]);
  protected override readonly times = { create: 300, update: 300, delete: 600 };

  protected idOf(volume: ApiVolume): string {
    return String(volume.VolumeId);
  }

  protected override problems(inputs: Properties): Failure[] {
    if (!isGiven(inputs["size"]) && !isGiven(inputs["snapshotId"]))
      return [
        { property: "size", reason: "size is missing: a volume that is not made from a snapshot needs one, in GiB" },
      ];
    const type = text(inputs["type"]);
    if (isGiven(inputs["throughput"]) && type !== undefined && type !== "gp3")
      return [
        {
          property: "throughput",
          reason: `throughput is not allowed: volumes of type ${type} have none to choose, only gp3 has`,
        },
      ];
    return [];
  }

  protected async make(operation: Operation, inputs: Properties): Promise<ApiVolume> {
    return this.ec2(operation).createVolume({
      AvailabilityZone: text(inputs["availabilityZone"]),
      Encrypted: flag(inputs["encrypted"]),
      Iops: number(inputs["iops"]),
      KmsKeyId: text(inputs["kmsKeyId"]),
      MultiAttachEnabled: flag(inputs["multiAttachEnabled"]),
      Size: number(inputs["size"]),
      SnapshotId: text(inputs["snapshotId"]),
      Throughput: number(inputs["throughput"]),
      VolumeType: text(inputs["type"]) as VolumeType | undefined,
      ClientToken: randomUUID(),
      TagSpecifications: this.tagSpecifications("volume", inputs),
    });
  }

  protected look(operation: Operation, id: string): Promise<ApiVolume | undefined> {
    return this.found(async () => (await this.ec2(operation).describeVolumes({ VolumeIds: [id] })).Volumes?.[0]);
  }

  protected override pending(volume: ApiVolume, id: string): string | undefined {
    if (volume.State === "error") throw new Error(`volume ${id} is in the state "error"; delete it and try again`);
    return volume.State === "available" || volume.State === "in-use" ? undefined : (volume.State ?? "creating");
  }

  protected tagsIn(volume: ApiVolume): Tags | undefined {
    return volume.Tags === undefined ? undefined : fromApiTags(volume.Tags);
  }

  protected attributes(volume: ApiVolume, inputs: Properties): Properties {
    return {
      arn: this.cloud().arn("ec2", `volume/${volume.VolumeId}`),
      availabilityZone: volume.AvailabilityZone ?? null,
      createTime: volume.CreateTime?.toISOString() ?? null,
      encrypted: volume.Encrypted ?? false,
      iops: volume.Iops ?? inputs["iops"] ?? null,
      kmsKeyId: volume.KmsKeyId ?? "",
      multiAttachEnabled: volume.MultiAttachEnabled ?? false,
      size: volume.Size ?? null,
      snapshotId: volume.SnapshotId ?? "",
      throughput: volume.Throughput ?? inputs["throughput"] ?? null,
      type: volume.VolumeType ?? null,
    };
  }

  protected async converge(deadline: Deadline, id: string, remote: ApiVolume, inputs: Properties): Promise<void> {
    const { operation } = deadline;
    await reshape(this.ec2(operation), deadline, remote, {
      size: number(inputs["size"]),
      type: text(inputs["type"]),
      iops: number(inputs["iops"]),
      throughput: number(inputs["throughput"]),
    });
    await this.retag(operation, id, fromApiTags(remote.Tags), this.allTags(inputs));
  }

  protected async remove(deadline: Deadline, { id, inputs }: State): Promise<void> {
    const ec2 = this.ec2(deadline.operation);
    if (inputs["finalSnapshot"] === true) {
      const { SnapshotId } = await ec2.createSnapshot({
        VolumeId: id,
        TagSpecifications: this.tagSpecifications("snapshot", inputs),
      });
      await deadline.until(`snapshot ${SnapshotId} of volume ${id}`, async (seen) => {
        const [snapshot] = (await ec2.describeSnapshots({ SnapshotIds: [String(SnapshotId)] })).Snapshots ?? [];
        if (snapshot?.State === "error")
          throw new Error(`snapshot ${SnapshotId} failed: ${snapshot.StateMessage ?? "no reason is given"}`);
        seen(`${snapshot?.State ?? "unknown"} ${snapshot?.Progress ?? ""}`.trim());
        return snapshot?.State === "completed" ? true : undefined;
      });
    }
    await this.whenFree(deadline, id, () => ec2.deleteVolume({ VolumeId: id }));
  }
}

interface Attachment {
  readonly instance: string;
  readonly volume: string;
  readonly device: string;
  readonly state?: ApiAttachment["State"];
}

export class VolumeAttachment extends AwsKind<Attachment> {
  protected readonly title = "volume attachment";
  protected readonly replaces = new Set(["deviceName", "instanceId", "volumeId"]);
  protected readonly inputs = [
    "deviceName",
    "instanceId",
    "volumeId",
    "forceDetach",
    "skipDestroy",
    "stopInstanceBeforeDetaching",
  ];
  protected readonly computed = [];
  protected override readonly taggable = false;

  protected idOf({ device, instance, volume }: Attachment): string {
    return `vai-${crc32(`${device}-${instance}-${volume}-`)}`;
  }

  /** The machine must run (or be off) before anything can be attached to it. */
  protected async make(operation: Operation, inputs: Properties, deadline: Deadline): Promise<Attachment> {
    const asked = {
      instance: String(inputs["instanceId"]),
      volume: String(inputs["volumeId"]),
      device: String(inputs["deviceName"]),
    };
    const ec2 = this.ec2(operation);
    await deadline.until(`machine ${asked.instance} to be running`, async (seen) => {
      const [machine] =
        (await ec2.describeInstances({ InstanceIds: [asked.instance] })).Reservations?.flatMap(
          ({ Instances }) => Instances ?? [],
        ) ?? [];
      const state = machine?.State?.Name ?? "unknown";
      if (state === "terminated" || state === "shutting-down")
        throw new Error(`machine ${asked.instance} is "${state}"`);
      seen(state);
      return state === "running" || state === "stopped" ? true : undefined;
    });
    const early = (error: unknown): boolean => isCode(error, "InvalidVolume.NotFound", "IncorrectState");
    await this.whenKnown(deadline, `volume ${asked.volume}`, early, () =>
      ec2.attachVolume({ Device: asked.device, InstanceId: asked.instance, VolumeId: asked.volume }),
    );
    return asked;
  }

  protected async look(operation: Operation, id: string, outputs: Properties): Promise<Attachment | undefined> {
    const [importedDevice, importedVolume, importedMachine] =
      /^([^:]+):(vol-[0-9a-f]+):(i-[0-9a-f]+)$/.exec(id)?.slice(1) ?? [];
    const volume = text(outputs["volumeId"]) ?? importedVolume;
    const instance = text(outputs["instanceId"]) ?? importedMachine;
    const device = text(outputs["deviceName"]) ?? importedDevice;
    if (volume === undefined || instance === undefined || device === undefined)
      throw new Error(`"${id}" is no attachment; for an import it must be <device>:<volume's id>:<machine's id>`);
    const found = await this.found(
      async () => (await this.ec2(operation).describeVolumes({ VolumeIds: [volume] })).Volumes?.[0],
    );
    const attachment = found?.Attachments?.find(
      ({ InstanceId, Device }) => InstanceId === instance && Device === device,
    );
    return attachment === undefined || attachment.State === "detached"
      ? undefined
      : { instance, volume, device, state: attachment.State };
  }

  protected override pending({ state }: Attachment): string | undefined {
    return state === "attached" ? undefined : (state ?? "attaching");
  }

  protected tagsIn(): undefined {
    return undefined;
  }

  protected attributes({ instance, volume, device }: Attachment): Properties {
    return { instanceId: instance, volumeId: volume, deviceName: device };
  }

  protected async converge(): Promise<void> {
    // What identifies it makes a new one; the rest matters at its deletion.
  }

  protected async remove(deadline: Deadline, { id, inputs, outputs }: State): Promise<void> {
    if (inputs["skipDestroy"] === true) return;
    const { operation } = deadline;
    const now = await this.look(operation, id, outputs);
    if (now === undefined) return;
    if (inputs["stopInstanceBeforeDetaching"] === true) await stop(this.ec2(operation), deadline, now.instance);
    try {
      await this.ec2(operation).detachVolume({
        Device: now.device,
        InstanceId: now.instance,
        VolumeId: now.volume,
        Force: inputs["forceDetach"] === true,
      });
    } catch (error) {
      // Gone with the machine, or by another hand, since it was looked at.
      const over = isNotFound(error) || isCode(error, "IncorrectState", "InvalidAttachment.NotFound");
      if (!over || (await this.look(operation, id, outputs)) !== undefined) throw error;
    }
  }

  override async delete(operation: Operation, state: State): Promise<void> {
    if (state.inputs["skipDestroy"] === true) return;
    await super.delete(operation, state);
  }
}

/** Resolves when the machine is off. */
export async function stop(ec2: EC2, deadline: Deadline, id: string): Promise<void> {
  await ec2.stopInstances({ InstanceIds: [id] });
  await inState(ec2, deadline, id, "stopped");
}

export async function start(ec2: EC2, deadline: Deadline, id: string): Promise<void> {
  await ec2.startInstances({ InstanceIds: [id] });
  await inState(ec2, deadline, id, "running");
}

async function inState(ec2: EC2, deadline: Deadline, id: string, wanted: string): Promise<void> {
  await deadline.until(`machine ${id} to be ${wanted}`, async (seen) => {
    const [machine] =
      (await ec2.describeInstances({ InstanceIds: [id] })).Reservations?.flatMap(({ Instances }) => Instances ?? []) ??
      [];
    const state = machine?.State?.Name ?? "unknown";
    if (state === "terminated")
      throw new Error(`machine ${id} is terminated: ${machine?.StateReason?.Message ?? "no reason is given"}`);
    seen(state);
    return state === wanted ? true : undefined;
  });
}

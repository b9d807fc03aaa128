/** Block storage volumes and their snapshots. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { findRegion } from "../catalog/regions.js";
import { type Context, ensureTags } from "../context.js";
import { volumeSpec } from "../desired.js";
import { conflict, notFound, notOffered, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { State, VolumeRecord, VolumeSnapshotRecord } from "../state.js";
import { timestamp } from "../store.js";
import { freeText, optionalText, parse, tagList, z } from "../validation.js";
import { volumeSnapshotView, volumeView } from "../views.js";
import { volumeLimit } from "./account.js";

/** Volumes that one droplet may have. */
export const maximumVolumes = 15;
/** GiB */
export const maximumVolumeSize = 16384;
const labelLength = { ext4: 16, xfs: 12 } as const;

const create = z
  .object({
    name: z
      .string({ error: "name is required" })
      .regex(
        /^[a-z][a-z0-9-]{0,63}$/,
        'name: must be lowercase letters, numbers and "-", begin with a letter, and have at most 64 characters',
      ),
    description: freeText,
    size_gigabytes: z
      .number()
      .int()
      .min(0)
      .max(maximumVolumeSize, `size_gigabytes: at most ${maximumVolumeSize}`)
      .nullish(),
    region: z.string({ error: "region is required" }),
    snapshot_id: optionalText,
    filesystem_type: z.enum(["", "ext4", "xfs"], { error: "filesystem_type: must be ext4 or xfs" }).nullish(),
    filesystem_label: freeText,
    tags: tagList,
  })
  .superRefine((volume, problems) => {
    if (!volume.filesystem_label) return;
    if (!volume.filesystem_type) problems.addIssue("filesystem_label: may only be used together with filesystem_type");
    else if (volume.filesystem_label.length > labelLength[volume.filesystem_type]) {
      problems.addIssue(
        `filesystem_label: at most ${labelLength[volume.filesystem_type]} characters for ${volume.filesystem_type}`,
      );
    }
  });
const filter = z.object({ name: optionalText, region: optionalText });
const byName = z.object({
  name: z.string({ error: "name is required" }),
  region: z.string({ error: "region is required" }),
});
const createSnapshot = z.object({
  name: z.string({ error: "name is required" }).min(1, "name is required"),
  tags: tagList,
});

type ById = { Params: { volume: string } };

export function volumeRoutes(app: FastifyInstance, context: Context): void {
  const { state, store, driver } = context;

  app.get("/v2/volumes", (request) => {
    const query = parse(filter, request.query);
    const volumes = state.volumes.filter(
      (volume) =>
        (query.name === undefined || volume.name === query.name) &&
        (query.region === undefined || volume.region === query.region),
    );
    return listOf(request, "volumes", volumes, volumeView);
  });

  app.post("/v2/volumes", async (request, reply) => {
    const input = parse(create, request.body);
    if (!findRegion(input.region))
      throw unprocessable(`region: "${input.region}" is not a region; GET /v2/regions lists them`);
    if (input.snapshot_id !== undefined)
      throw notOffered("A volume from a snapshot", "a lab's snapshots hold no data; create an empty volume");
    if (!input.size_gigabytes) throw unprocessable("size_gigabytes: must be at least 1");
    if (state.volumes.some((volume) => volume.name === input.name && volume.region === input.region))
      throw conflict("already exists");
    if (state.volumes.length >= volumeLimit)
      throw unprocessable(`this volume will exceed your volume limit of ${volumeLimit}; delete some first`);
    const volume: VolumeRecord = {
      id: randomUUID(),
      name: input.name,
      region: input.region,
      size_gigabytes: input.size_gigabytes,
      description: input.description,
      created_at: timestamp(),
      filesystem_type: input.filesystem_type ?? "",
      filesystem_label: input.filesystem_label,
      tags: ensureTags(context, input.tags),
      dropletId: null,
      busy: true,
    };
    state.volumes.push(volume);
    try {
      await context.ready;
      await driver.createVolume(volumeSpec(volume));
    } catch (error) {
      state.volumes = state.volumes.filter((other) => other !== volume);
      throw error;
    }
    volume.busy = false;
    store.changed();
    return reply.status(201).send({ volume: volumeView(volume) });
  });

  const remove = async (volume: VolumeRecord): Promise<void> => {
    if (volume.dropletId !== null) throw conflict("attached volume cannot be deleted");
    if (volume.busy) throw conflict("volume has a pending action");
    volume.busy = true;
    try {
      await context.ready;
      await driver.deleteVolume(volume.id);
    } finally {
      volume.busy = false;
    }
    state.volumes = state.volumes.filter((other) => other !== volume);
    store.changed();
  };

  app.delete("/v2/volumes", async (request, reply) => {
    const query = parse(byName, request.query);
    const volume = state.volumes.find((one) => one.name === query.name && one.region === query.region);
    if (!volume) throw notFound();
    await remove(volume);
    return reply.status(204).send();
  });
  app.get<ById>("/v2/volumes/:volume", (request) => ({
    volume: volumeView(requireVolume(state, request.params.volume)),
  }));
  app.delete<ById>("/v2/volumes/:volume", async (request, reply) => {
    await remove(requireVolume(state, request.params.volume));
    return reply.status(204).send();
  });

  // A snapshot is a record only: no data is copied, and no volume can be made from it.
  app.post<ById>("/v2/volumes/:volume/snapshots", (request, reply) => {
    const volume = requireVolume(state, request.params.volume);
    const input = parse(createSnapshot, request.body);
    const snapshot: VolumeSnapshotRecord = {
      id: randomUUID(),
      name: input.name,
      created_at: timestamp(),
      regions: [volume.region],
      min_disk_size: volume.size_gigabytes,
      size_gigabytes: 0,
      resource_id: volume.id,
      tags: ensureTags(context, input.tags),
    };
    state.snapshots.push(snapshot);
    store.changed();
    return reply.status(201).send({ snapshot: volumeSnapshotView(snapshot) });
  });
  app.get<ById>("/v2/volumes/:volume/snapshots", (request) => {
    const volume = requireVolume(state, request.params.volume);
    return listOf(
      request,
      "snapshots",
      state.snapshots.filter((snapshot) => snapshot.resource_id === volume.id),
      volumeSnapshotView,
    );
  });
}

/** @throws ApiError 404 */
export function requireVolume(state: State, id: string): VolumeRecord {
  const volume = state.volumes.find((candidate) => candidate.id === id);
  if (!volume) throw notFound();
  return volume;
}

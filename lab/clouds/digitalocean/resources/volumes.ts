/** Block storage volumes. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { line } from "../../../region/synchroniser.js";
import { findRegion } from "../catalog/regions.js";
import { type Context, ensureTags } from "../context.js";
import { conflict, notFound, notOffered, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { State, VolumeRecord } from "../state.js";
import { timestamp } from "../store.js";
import { freeText, optionalText, parse, tagList, z } from "../validation.js";
import { volumeView } from "../views.js";
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
type ById = { Params: { volume: string } };

export function volumeRoutes(app: FastifyInstance, context: Context): void {
  const { state, store } = context;

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
    if (input.snapshot_id !== undefined) throw notOffered("A volume from a snapshot", "create an empty volume");
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
    await context.tasks.applied(line.volume(volume.id)).catch((error: unknown) => {
      state.volumes = state.volumes.filter((other) => other !== volume);
      throw error;
    });
    volume.busy = false;
    store.changed();
    return reply.status(201).send({ volume: volumeView(volume) });
  });

  app.get<ById>("/v2/volumes/:volume", (request) => ({
    volume: volumeView(requireVolume(state, request.params.volume)),
  }));
  app.delete<ById>("/v2/volumes/:volume", async (request, reply) => {
    const volume = requireVolume(state, request.params.volume);
    if (volume.dropletId !== null) throw conflict("attached volume cannot be deleted");
    if (volume.busy) throw conflict("volume has a pending action");
    state.volumes = state.volumes.filter((other) => other !== volume);
    store.changed();
    await context.tasks.applied(line.volume(volume.id)).catch((error: unknown) => {
      state.volumes.push(volume);
      throw error;
    });
    return reply.status(204).send();
  });

  // The lab has no snapshots, but clients list them.
  app.get("/v2/snapshots", (request) => listOf(request, "snapshots", [], (snapshot) => snapshot));
}

/** @throws ApiError 404 */
export function requireVolume(state: State, id: string): VolumeRecord {
  const volume = state.volumes.find((candidate) => candidate.id === id);
  if (!volume) throw notFound();
  return volume;
}

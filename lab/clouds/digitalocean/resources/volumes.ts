/** Block storage volumes. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { line } from "../../../region/synchroniser.js";
import { findRegion } from "../catalog/regions.js";
import { type Context, ensureTags } from "../context.js";
import { conflict, notFound, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { State, VolumeRecord } from "../state.js";
import { timestamp } from "../store.js";
import { freeText, only, parse, tagList, z } from "../validation.js";
import { volumeView } from "../views.js";
import { volumeLimit } from "./account.js";

/** Volumes that one droplet may have. */
export const maximumVolumes = 15;
/** GiB */
export const maximumVolumeSize = 16384;

const create = z.object({
  name: z
    .string({ error: "name is required" })
    .regex(
      /^[a-z][a-z0-9-]{0,63}$/,
      'name: must be lowercase letters, numbers and "-", begin with a letter, and have at most 64 characters',
    ),
  description: freeText,
  size_gigabytes: z
    .number({ error: "size_gigabytes: must be at least 1" })
    .int()
    .min(1, "size_gigabytes: must be at least 1")
    .max(maximumVolumeSize, `size_gigabytes: at most ${maximumVolumeSize}`),
  region: z.string({ error: "region is required" }),
  snapshot_id: only(""),
  filesystem_type: only(""),
  tags: tagList,
});
type ById = { Params: { volume: string } };

export function volumeRoutes(app: FastifyInstance, context: Context): void {
  const { state, store } = context;

  app.get("/v2/volumes", (request) => listOf(request, "volumes", state.volumes, volumeView));

  app.post("/v2/volumes", async (request, reply) => {
    const input = parse(create, request.body);
    if (!findRegion(input.region))
      throw unprocessable(`region: "${input.region}" is not a region; GET /v2/regions lists them`);
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
}

/** @throws ApiError 404 */
export function requireVolume(state: State, id: string): VolumeRecord {
  const volume = state.volumes.find((candidate) => candidate.id === id);
  if (!volume) throw notFound();
  return volume;
}

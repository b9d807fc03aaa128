/** Attaching, detaching and resizing volumes. */
import type { FastifyInstance } from "fastify";
import { type Context, ensureTags, requireDroplet } from "../context.js";
import { pendingEvent, unprocessable } from "../errors.js";
import type { ActionRecord, DropletRecord, VolumeRecord } from "../state.js";
import { optionalText, parse, tagList, z } from "../validation.js";
import { actionView } from "../views.js";
import { maximumVolumeSize, maximumVolumes, requireVolume } from "./volumes.js";

const dropletId = z.number({ error: "droplet_id is required" }).int();
const body = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("attach"), region: optionalText, droplet_id: dropletId, tags: tagList }),
    z.object({ type: z.literal("detach"), region: optionalText, droplet_id: dropletId }),
    z.object({
      type: z.literal("resize"),
      region: optionalText,
      size_gigabytes: z
        .number({ error: "size_gigabytes is required" })
        .int()
        .max(maximumVolumeSize, `size_gigabytes: at most ${maximumVolumeSize}`),
    }),
  ],
  { error: "type: must be attach, detach or resize" },
);

type Input = z.infer<typeof body>;
type ById = { Params: { volume: string } };

export function volumeActionRoutes(app: FastifyInstance, context: Context): void {
  app.post<ById>("/v2/volumes/:volume/actions", (request, reply) => {
    const volume = requireVolume(context.state, request.params.volume);
    return reply.status(202).send({ action: actionView(start(context, volume, parse(body, request.body))) });
  });
}

function start(context: Context, volume: VolumeRecord, input: Input): ActionRecord {
  if (input.region !== undefined && input.region !== volume.region) {
    throw unprocessable(`region: volume ${volume.name} is in ${volume.region}, not in ${input.region}`);
  }
  if (volume.busy) throw unprocessable("Volume already has a pending event.");
  switch (input.type) {
    case "attach":
      return attach(context, volume, requireDroplet(context, input.droplet_id), input.tags);
    case "detach":
      return detach(context, volume, requireDroplet(context, input.droplet_id));
    case "resize":
      return resize(context, volume, input.size_gigabytes);
  }
}

function attach(context: Context, volume: VolumeRecord, droplet: DropletRecord, tags: readonly string[]): ActionRecord {
  if (droplet.region !== volume.region) {
    throw unprocessable(
      `droplet_id: Droplet ${droplet.id} is in region ${droplet.region}, volume ${volume.name} in ${volume.region}`,
    );
  }
  if (volume.dropletId !== null) throw unprocessable(`Volume is already attached to Droplet ${volume.dropletId}.`);
  if (droplet.pending > 0) throw pendingEvent();
  if (droplet.failed) throw unprocessable("The Droplet could not be created; delete it and create it again.");
  const attached = context.state.volumes.filter((one) => one.dropletId === droplet.id).length;
  if (attached >= maximumVolumes)
    throw unprocessable(
      `Droplet ${droplet.id} has ${attached} volumes already; at most ${maximumVolumes} can be attached.`,
    );
  volume.tags = [...new Set([...volume.tags, ...ensureTags(context, tags)])];
  volume.dropletId = droplet.id;
  return context.tasks.volume("attach_volume", volume, () => (volume.dropletId = null), droplet);
}

function detach(context: Context, volume: VolumeRecord, droplet: DropletRecord): ActionRecord {
  if (volume.dropletId !== droplet.id) throw unprocessable("Attachment not found");
  if (droplet.pending > 0) throw pendingEvent();
  volume.dropletId = null;
  return context.tasks.volume("detach_volume", volume, () => (volume.dropletId = droplet.id), droplet);
}

function resize(context: Context, volume: VolumeRecord, size: number): ActionRecord {
  const before = volume.size_gigabytes;
  if (size <= before) throw unprocessable(`size_gigabytes: a volume can only grow; it has ${before}, got ${size}`);
  const droplet = volume.dropletId === null ? undefined : context.store.droplet(volume.dropletId);
  if (droplet && droplet.pending > 0) throw pendingEvent();
  volume.size_gigabytes = size;
  return context.tasks.volume("resize", volume, () => (volume.size_gigabytes = before), droplet);
}

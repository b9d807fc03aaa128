/** Images: public ones, and custom ones imported from a URL. */
import type { FastifyInstance } from "fastify";
import { publicImages } from "../catalog/images.js";
import { findRegion } from "../catalog/regions.js";
import { type Context, ensureTags } from "../context.js";
import { forbidden, notFound, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { ImageRecord, State } from "../state.js";
import { timestamp } from "../store.js";
import { freeText, numericId, parse, tagList, z } from "../validation.js";

const create = z.object({
  name: z
    .string({ error: "name is required" })
    .min(1, "Name can't be blank")
    .max(255, "Name is too long (maximum is 255 characters)"),
  url: z.url({ protocol: /^https?$/, error: "url: must be an http or https URL of an image" }),
  region: z.string({ error: "region is required" }),
  distribution: freeText,
  description: freeText,
  tags: tagList,
});
const update = z.object({
  name: z.string().min(1, "Name can't be blank").nullish(),
  description: z.string().nullish(),
});

export function imageRoutes(app: FastifyInstance, context: Context): void {
  const { state, store } = context;

  app.get<{ Querystring: { private?: string } }>("/v2/images", (request) => {
    const images = [...state.images, ...publicImages].filter(
      (image) => request.query.private !== "true" || !image.public,
    );
    return listOf(request, "images", images, (image) => image);
  });

  app.get<{ Params: { image: string } }>("/v2/images/:image", (request) => {
    const image = findImage(state, request.params.image);
    if (!image) throw notFound();
    return { image: image };
  });

  app.post("/v2/images", (request, reply) => {
    const input = parse(create, request.body);
    if (!findRegion(input.region))
      throw unprocessable(`region: "${input.region}" is not a region; GET /v2/regions lists them`);
    const image: ImageRecord = {
      id: store.id(),
      name: input.name,
      type: "custom",
      distribution: input.distribution || "Unknown",
      slug: null,
      public: false,
      regions: [input.region],
      created_at: timestamp(),
      min_disk_size: null,
      size_gigabytes: null,
      description: input.description,
      tags: ensureTags(context, input.tags),
      status: "NEW",
      error_message: "",
    };
    state.images.push(image);
    store.changed();
    importLater(context, image);
    return reply.status(202).send({ image: image });
  });

  app.put<{ Params: { image: string } }>("/v2/images/:image", (request) => {
    const image = ownImage(state, request.params.image);
    const input = parse(update, request.body);
    image.name = input.name ?? image.name;
    image.description = input.description ?? image.description;
    store.changed();
    return { image: image };
  });

  app.delete<{ Params: { image: string } }>("/v2/images/:image", (request, reply) => {
    const image = ownImage(state, request.params.image);
    state.images = state.images.filter((candidate) => candidate !== image);
    store.changed();
    return reply.status(204).send();
  });
}

/** By id, or by slug for public images. */
export const findImage = (state: State, identifier: string | number): ImageRecord | undefined =>
  [...state.images, ...publicImages].find(
    (image) => String(image.id) === String(identifier) || (image.slug !== null && image.slug === identifier),
  );

function ownImage(state: State, identifier: string): ImageRecord {
  const image = findImage(state, numericId(identifier));
  if (!image) throw notFound();
  if (image.public) throw forbidden("You do not have permission to change a public image.");
  return image;
}

function importLater({ store, delays }: Context, image: ImageRecord): void {
  setTimeout(() => {
    image.status = "available";
    image.min_disk_size = 8;
    image.size_gigabytes = 0.5;
    store.changed();
    void store.flush();
  }, delays.image).unref();
}

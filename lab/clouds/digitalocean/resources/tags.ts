/** Tags, and the resources that carry them. */
import type { FastifyInstance } from "fastify";
import { type Context, ensureTags } from "../context.js";
import { ApiError, notFound, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { State } from "../state.js";
import { integer, parse, tagName, z } from "../validation.js";
import { forgetTarget } from "./firewallSchema.js";

const kinds = ["droplet", "image", "volume"] as const;
type Kind = (typeof kinds)[number];

const create = z.object({ name: z.string({ error: "name is required" }) });
const resources = z.object({
  resources: z.array(
    z.object({
      resource_id: z.union([z.string(), integer]).transform(String),
      resource_type: z.enum(kinds, { error: `resource_type must be one of ${kinds.join(", ")}` }),
    }),
    { error: "resources is required" },
  ),
});

export function tagRoutes(app: FastifyInstance, context: Context): void {
  const { state, applied } = context;
  const view = (name: string) => tagView(state, name);
  const require = (name: string): string => {
    if (!state.tags.includes(name)) throw notFound();
    return name;
  };

  app.get("/v2/tags", (request) => listOf(request, "tags", [...state.tags].sort(), view));

  app.post("/v2/tags", (request, reply) => {
    const name = parse(create, request.body).name;
    const checked = tagName.safeParse(name);
    if (!checked.success)
      throw new ApiError(
        400,
        `Error validating resource tag: "${name}": ${checked.error.issues[0]?.message ?? "invalid"}`,
      );
    const [tag = name] = ensureTags(context, [name]);
    return reply.status(201).send({ tag: view(tag) });
  });

  app.get<{ Params: { tag: string } }>("/v2/tags/:tag", (request) => ({ tag: view(require(request.params.tag)) }));

  app.delete<{ Params: { tag: string } }>("/v2/tags/:tag", (request, reply) => {
    const tag = require(request.params.tag);
    const without = (tags: readonly string[]): string[] => tags.filter((other) => other !== tag);
    state.tags = without(state.tags);
    for (const carrier of [...state.droplets, ...state.images, ...state.volumes, ...state.firewalls])
      carrier.tags = without(carrier.tags);
    forgetTarget(state.firewalls, "tags", tag);
    applied.changed();
    return reply.status(204).send();
  });

  const change = (method: "POST" | "DELETE", apply: (tags: readonly string[], tag: string) => string[]): void => {
    app.route<{ Params: { tag: string } }>({
      method,
      url: "/v2/tags/:tag/resources",
      handler: (request, reply) => {
        const tag = require(request.params.tag);
        const carriers = parse(resources, request.body).resources.map(({ resource_id, resource_type }) => {
          const carrier = carriersOf(state, resource_type).find((one) => String(one.id) === resource_id);
          if (!carrier) throw unprocessable(`resources: ${resource_type} ${resource_id} does not exist`);
          return carrier;
        });
        for (const carrier of carriers) carrier.tags = apply(carrier.tags, tag);
        applied.changed();
        return reply.status(204).send();
      },
    });
  };
  change("POST", (tags, tag) => [...new Set([...tags, tag])]);
  change("DELETE", (tags, tag) => tags.filter((other) => other !== tag));
}

interface Carrier {
  readonly id: number | string;
  tags: string[];
}

const carriersOf = (state: State, kind: Kind): Carrier[] =>
  ({ droplet: state.droplets, image: state.images, volume: state.volumes })[kind];

function tagView(state: State, name: string) {
  const count = (kind: Kind) => ({ count: carriersOf(state, kind).filter(({ tags }) => tags.includes(name)).length });
  const groups = {
    droplets: count("droplet"),
    images: count("image"),
    volumes: count("volume"),
    volume_snapshots: { count: 0 },
    databases: { count: 0 },
  };
  return {
    name,
    resources: { count: Object.values(groups).reduce((sum, group) => sum + group.count, 0), ...groups },
  };
}

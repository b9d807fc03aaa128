/** Droplets: create, show, delete. */
import type { FastifyInstance } from "fastify";
import { type Context, requireDroplet } from "../context.js";
import { listOf } from "../paging.js";
import type { DropletRecord } from "../state.js";
import { numericId, parse } from "../validation.js";
import { actionLink, dropletView } from "../views.js";
import { dropletBody, listQuery } from "./dropletSchema.js";
import { createDroplet } from "./dropletCreate.js";

type ById = { Params: { droplet: string } };

export function dropletRoutes(app: FastifyInstance, context: Context): void {
  const { state } = context;
  const view = (droplet: DropletRecord) => dropletView(context, droplet);
  const byId = (request: { params: { droplet: string } }): DropletRecord =>
    requireDroplet(context, numericId(request.params.droplet));

  app.get("/v2/droplets", (request) => {
    const query = parse(listQuery, request.query);
    const wanted = query.name?.toLowerCase();
    const droplets = state.droplets.filter(
      (droplet) =>
        (wanted === undefined || droplet.name.toLowerCase() === wanted) &&
        (query.tag_name === undefined || droplet.tags.includes(query.tag_name)),
    );
    return listOf(request, "droplets", droplets, view);
  });

  app.post("/v2/droplets", (request, reply) => {
    const { droplet, action } = createDroplet(context, parse(dropletBody, request.body));
    return reply
      .status(202)
      .send({ droplet: view(droplet), links: { actions: [actionLink(context, action, "create")] } });
  });

  app.get<ById>("/v2/droplets/:droplet", (request) => ({ droplet: view(byId(request)) }));

  // Answers at once; the droplet stays listed, locked, until its machine is gone. Its firewalls hold until then, its volumes
  // stay in the account, and load balancers send it nothing more.
  app.delete<ById>("/v2/droplets/:droplet", (request, reply) => {
    const droplet = byId(request);
    if (!droplet.deleting) {
      droplet.deleting = true;
      context.tasks.droplet("destroy", droplet);
      context.applied.changed();
    }
    return reply.status(204).send();
  });
}

/** Droplets: create, show, switch on and off, delete. */
import type { FastifyInstance } from "fastify";
import { type Context, requireDroplet } from "../context.js";
import { pendingEvent, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { DropletRecord } from "../state.js";
import { numericId, parse } from "../validation.js";
import { actionLink, actionView, dropletView } from "../views.js";
import { createDroplet } from "./dropletCreate.js";
import { actionBody, dropletBody } from "./dropletSchema.js";

type ById = { Params: { droplet: string } };

/** What each action makes of a droplet's power. */
const powers = { power_on: "on", power_off: "off", shutdown: "shutdown" } as const;

export function dropletRoutes(app: FastifyInstance, context: Context): void {
  const { state, tasks } = context;
  const view = (droplet: DropletRecord) => dropletView(context, droplet);
  const byId = (request: { params: { droplet: string } }): DropletRecord =>
    requireDroplet(context, numericId(request.params.droplet));

  app.get("/v2/droplets", (request) => listOf(request, "droplets", state.droplets, view));

  app.post("/v2/droplets", (request, reply) => {
    const { droplet, action } = createDroplet(context, parse(dropletBody, request.body));
    return reply
      .status(202)
      .send({ droplet: view(droplet), links: { actions: [actionLink(context, action, "create")] } });
  });

  app.get<ById>("/v2/droplets/:droplet", (request) => ({ droplet: view(byId(request)) }));

  app.post<ById>("/v2/droplets/:droplet/actions", (request, reply) => {
    const droplet = byId(request);
    const { type } = parse(actionBody, request.body);
    if (droplet.pending > 0) throw pendingEvent();
    if (droplet.failed) throw unprocessable("The Droplet could not be created; delete it and create it again.");
    const off = droplet.status === "off";
    if (off !== (type === "power_on")) throw unprocessable(`Droplet is already powered ${off ? "off" : "on"}.`);
    droplet.power = powers[type];
    return reply.status(201).send({ action: actionView(tasks.droplet(type, droplet)) });
  });

  // Answers at once; the droplet stays listed, locked, until its machine is gone. Its firewalls hold until then, its volumes
  // stay in the account, and load balancers send it nothing more.
  app.delete<ById>("/v2/droplets/:droplet", (request, reply) => {
    const droplet = byId(request);
    if (!droplet.deleting) {
      droplet.deleting = true;
      tasks.droplet("destroy", droplet);
      context.applied.changed();
    }
    return reply.status(204).send();
  });
}

/** Actions on droplets. */
import type { FastifyInstance } from "fastify";
import { findSize } from "../catalog/sizes.js";
import { type Context, requireDroplet } from "../context.js";
import { notFound, pendingEvent, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { ActionRecord, DropletRecord } from "../state.js";
import { numericId, parse } from "../validation.js";
import { actionView } from "../views.js";
import { type ActionInput, actionBody } from "./dropletSchema.js";

type ById = { Params: { droplet: string } };

export function dropletActionRoutes(app: FastifyInstance, context: Context): void {
  const { state, tasks } = context;
  const byId = (request: { params: { droplet: string } }): DropletRecord =>
    requireDroplet(context, numericId(request.params.droplet));
  const actionsOf = (droplet: DropletRecord): ActionRecord[] =>
    state.actions.filter((action) => action.resource_type === "droplet" && action.resource_id === droplet.id);

  app.post<ById>("/v2/droplets/:droplet/actions", (request, reply) => {
    const droplet = byId(request);
    const input = parse(actionBody, request.body);
    if (droplet.pending > 0) throw pendingEvent();
    if (droplet.failed) throw unprocessable("The Droplet could not be created; delete it and create it again.");
    change(droplet, input);
    return reply.status(201).send({ action: actionView(tasks.droplet(input.type, droplet)) });
  });

  app.get<ById>("/v2/droplets/:droplet/actions", (request) =>
    listOf(request, "actions", actionsOf(byId(request)).reverse(), actionView),
  );

  app.get<{ Params: { droplet: string; action: string } }>("/v2/droplets/:droplet/actions/:action", (request) => {
    const action = actionsOf(byId(request)).find((candidate) => candidate.id === numericId(request.params.action));
    if (!action) throw notFound();
    return { action: actionView(action) };
  });
}

/** Changes the record that the machine then follows. @throws ApiError 422 when the droplet's state does not allow it. */
function change(droplet: DropletRecord, input: ActionInput): void {
  const off = droplet.status === "off";
  switch (input.type) {
    case "power_on":
      if (!off) throw unprocessable("Droplet is already powered on.");
      droplet.power = "on";
      return;
    case "power_off":
    case "shutdown":
      if (off) throw unprocessable("Droplet is already powered off.");
      droplet.power = input.type === "shutdown" ? "shutdown" : "off";
      return;
    case "reboot":
      if (off) throw unprocessable("Droplet is powered off; power it on instead.");
      return restart(droplet, false);
    case "power_cycle":
      return restart(droplet, true);
    case "resize":
      return resize(droplet, input);
  }
}

function restart(droplet: DropletRecord, abrupt: boolean): void {
  Object.assign(droplet, { power: "on", restarts: droplet.restarts + 1, abrupt });
}

function resize(droplet: DropletRecord, input: { size: string; disk: boolean }): void {
  const size = findSize(input.size);
  if (!size) throw unprocessable(`size: "${input.size}" is not a size; GET /v2/sizes lists them`);
  if (size.slug === droplet.sizeSlug) throw unprocessable("Droplet is already of this size.");
  if (size.disk < droplet.disk) throw unprocessable("This size is not available because it has a smaller disk.");
  if (droplet.status !== "off") throw unprocessable("Droplet must be powered off before it can be resized.");
  droplet.sizeSlug = size.slug;
  if (input.disk) droplet.disk = size.disk;
}

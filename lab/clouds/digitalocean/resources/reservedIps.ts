/**
 * Reserved IPs: addresses that stay in the account. They can be reserved and released; routing one to a droplet is not
 * something the lab's network does, so assigning is refused.
 */
import type { FastifyInstance } from "fastify";
import { findRegion, regionView } from "../catalog/regions.js";
import { type Context, publicAddress } from "../context.js";
import { notFound, notOffered, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { ReservedIpRecord, State } from "../state.js";
import { numericId, optionalText, parse, z } from "../validation.js";
import { actionView } from "../views.js";
import { reservedIpLimit } from "./account.js";

const create = z.object({ region: optionalText, droplet_id: z.number().int().nullish(), project_id: optionalText });
const action = z.object({ type: z.enum(["assign", "unassign"], { error: "type: must be assign or unassign" }) });

type ById = { Params: { ip: string } };

export function reservedIpRoutes(app: FastifyInstance, context: Context): void {
  const { state, store, tasks } = context;
  const view = (reserved: ReservedIpRecord) => ({
    ip: reserved.ip,
    region: regionView(reserved.region),
    droplet: null,
    locked: false,
    project_id: reserved.project_id,
  });

  app.get("/v2/reserved_ips", (request) => listOf(request, "reserved_ips", state.reservedIps, view));

  app.post("/v2/reserved_ips", (request, reply) => {
    const input = parse(create, request.body);
    if (input.droplet_id)
      throw notOffered("Assigning a reserved IP", "use the Droplet's own public address or a load balancer");
    if (input.region === undefined || !findRegion(input.region))
      throw unprocessable(`region: "${input.region ?? ""}" is not a region; GET /v2/regions lists them`);
    if (state.reservedIps.length >= reservedIpLimit)
      throw unprocessable(`at most ${reservedIpLimit} IPs can be reserved; delete one first`);
    const project = input.project_id ?? state.projects.find((one) => one.is_default)?.id ?? "";
    if (!state.projects.some((one) => one.id === project)) throw unprocessable(`project_id: ${project} does not exist`);
    const reserved: ReservedIpRecord = { ip: publicAddress(context), region: input.region, project_id: project };
    state.reservedIps.push(reserved);
    store.changed();
    tasks.start(
      { type: "reserve_ip", resource: "reserved_ip", id: null, region: reserved.region, owner: reserved.ip },
      `ip ${reserved.ip}`,
      () => Promise.resolve(),
    );
    return reply.status(202).send({ reserved_ip: view(reserved), links: {} });
  });

  app.get<ById>("/v2/reserved_ips/:ip", (request) => ({ reserved_ip: view(requireIp(state, request.params.ip)) }));

  app.delete<ById>("/v2/reserved_ips/:ip", (request, reply) => {
    const reserved = requireIp(state, request.params.ip);
    state.reservedIps = state.reservedIps.filter((other) => other !== reserved);
    store.changed();
    return reply.status(204).send();
  });

  app.post<ById>("/v2/reserved_ips/:ip/actions", (request) => {
    requireIp(state, request.params.ip);
    const { type } = parse(action, request.body);
    if (type === "unassign") throw unprocessable("The reserved IP is not assigned to a Droplet.");
    throw notOffered("Assigning a reserved IP", "use the Droplet's own public address or a load balancer");
  });

  const actionsOf = (reserved: ReservedIpRecord) => state.actions.filter((one) => one.owner === reserved.ip);
  app.get<ById>("/v2/reserved_ips/:ip/actions", (request) =>
    listOf(request, "actions", actionsOf(requireIp(state, request.params.ip)), actionView),
  );
  app.get<{ Params: { ip: string; action: string } }>("/v2/reserved_ips/:ip/actions/:action", (request) => {
    const found = actionsOf(requireIp(state, request.params.ip)).find(
      (one) => one.id === numericId(request.params.action),
    );
    if (!found) throw notFound();
    return { action: actionView(found) };
  });
}

function requireIp(state: State, ip: string): ReservedIpRecord {
  const reserved = state.reservedIps.find((one) => one.ip === ip);
  if (!reserved) throw notFound();
  return reserved;
}

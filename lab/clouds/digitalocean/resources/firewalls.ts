/** Firewalls: create, show, replace, delete. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.js";
import { protectedDroplets } from "../desired.js";
import { conflict, notFound, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { FirewallRecord, State } from "../state.js";
import { timestamp } from "../store.js";
import { parse } from "../validation.js";
import {
  firewallBody,
  type FirewallInput,
  type FirewallTarget,
  maximumDroplets,
  maximumRules,
  maximumTags,
} from "./firewallSchema.js";

type ById = { Params: { firewall: string } };

export function firewallRoutes(app: FastifyInstance, context: Context): void {
  const { state, applied } = context;

  app.get("/v2/firewalls", (request) =>
    listOf(request, "firewalls", state.firewalls, (firewall) => firewallView(context, firewall)),
  );

  app.post("/v2/firewalls", (request, reply) => {
    const input = parse(firewallBody, request.body);
    check(state, input);
    if (state.firewalls.some((other) => other.name === input.name)) throw conflict("duplicate name");
    const firewall: FirewallRecord = { id: randomUUID(), created_at: timestamp(), ...input };
    state.firewalls.push(firewall);
    applied.changed(firewall.id);
    return reply.status(202).send({ firewall: firewallView(context, firewall) });
  });

  app.get<ById>("/v2/firewalls/:firewall", (request) => ({
    firewall: firewallView(context, requireFirewall(state, request.params.firewall)),
  }));

  app.put<ById>("/v2/firewalls/:firewall", (request) => {
    const firewall = requireFirewall(state, request.params.firewall);
    const input = parse(firewallBody, request.body);
    check(state, input);
    if (state.firewalls.some((other) => other !== firewall && other.name === input.name))
      throw conflict("duplicate name");
    Object.assign(firewall, input);
    applied.changed(firewall.id);
    return { firewall: firewallView(context, firewall) };
  });

  app.delete<ById>("/v2/firewalls/:firewall", (request, reply) => {
    const firewall = requireFirewall(state, request.params.firewall);
    state.firewalls = state.firewalls.filter((other) => other !== firewall);
    applied.changed();
    return reply.status(204).send();
  });
}

/** @throws ApiError 404 */
function requireFirewall(state: State, id: string): FirewallRecord {
  const firewall = state.firewalls.find((candidate) => candidate.id === id);
  if (!firewall) throw notFound();
  return firewall;
}

function firewallView({ state, applied }: Context, firewall: FirewallRecord) {
  const status = applied.firewallStatus(firewall.id);
  return {
    id: firewall.id,
    name: firewall.name,
    status,
    inbound_rules: firewall.inbound_rules,
    outbound_rules: firewall.outbound_rules,
    created_at: firewall.created_at,
    droplet_ids: firewall.droplet_ids,
    tags: firewall.tags,
    pending_changes:
      status === "waiting"
        ? protectedDroplets(state, firewall).map((droplet) => ({
            droplet_id: droplet.id,
            removing: false,
            status: "waiting",
          }))
        : [],
  };
}

/**
 * A firewall as a whole: what it names exists, and it is within the original's limits.
 * @throws ApiError 422
 */
function check(state: State, firewall: Omit<FirewallInput, "name">): void {
  const count = firewall.inbound_rules.length + firewall.outbound_rules.length;
  if (count === 0) throw unprocessable("firewall must have at least one rule");
  if (count > maximumRules) throw unprocessable(`a firewall may have at most ${maximumRules} rules, got ${count}`);
  if (firewall.droplet_ids.length > maximumDroplets) {
    throw unprocessable(
      `droplet_ids: at most ${maximumDroplets} Droplets may be named, got ${firewall.droplet_ids.length}; use a tag`,
    );
  }
  if (firewall.tags.length > maximumTags)
    throw unprocessable(`tags: at most ${maximumTags} may be named, got ${firewall.tags.length}`);
  checkNames(state, "", { droplet_ids: firewall.droplet_ids, tags: firewall.tags });
  for (const [index, rule] of firewall.inbound_rules.entries())
    checkNames(state, `inbound_rules.${index}.sources.`, rule.sources);
  for (const [index, rule] of firewall.outbound_rules.entries())
    checkNames(state, `outbound_rules.${index}.destinations.`, rule.destinations);
}

function checkNames(state: State, path: string, target: FirewallTarget): void {
  const missing = (name: string, id: string | number): never => {
    throw unprocessable(`${path}${name}: ${id} does not exist`);
  };
  for (const id of target.droplet_ids ?? [])
    if (!state.droplets.some((droplet) => droplet.id === id)) missing("droplet_ids", id);
  for (const tag of target.tags ?? []) if (!state.tags.includes(tag)) missing("tags", tag);
  for (const id of target.load_balancer_uids ?? [])
    if (!state.loadBalancers.some((one) => one.id === id)) missing("load_balancer_uids", id);
}

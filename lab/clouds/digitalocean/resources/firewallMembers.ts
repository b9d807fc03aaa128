/** Adding and removing a firewall's droplets, tags and rules. */
import type { FastifyInstance } from "fastify";
import { isDeepStrictEqual } from "node:util";
import type { Context } from "../context.js";
import { unprocessable } from "../errors.js";
import type { FirewallRecord } from "../state.js";
import { parse, type z } from "../validation.js";
import { dropletsBody, rulesBody, tagsBody } from "./firewallSchema.js";
import { check, requireFirewall } from "./firewalls.js";

export function firewallMemberRoutes(app: FastifyInstance, context: Context): void {
  const { state, store, applier } = context;

  /** One pair of routes: POST adds, DELETE removes. The outcome is checked as a whole before it is kept. */
  const routes = <T>(path: string, schema: z.ZodType<T>, add: Change<T>, remove: Change<T>): void => {
    for (const [method, change] of [
      ["POST", add],
      ["DELETE", remove],
    ] as const) {
      app.route<{ Params: { firewall: string } }>({
        method,
        url: `/v2/firewalls/:firewall/${path}`,
        handler: (request, reply) => {
          const firewall = requireFirewall(state, request.params.firewall);
          const changes = change(firewall, parse(schema, request.body));
          check(state, { ...firewall, ...changes });
          Object.assign(firewall, changes);
          store.changed();
          applier.changed(firewall.id);
          return reply.status(204).send();
        },
      });
    }
  };

  routes(
    "droplets",
    dropletsBody,
    (firewall, { droplet_ids }) => ({ droplet_ids: [...new Set([...firewall.droplet_ids, ...droplet_ids])] }),
    (firewall, { droplet_ids }) => ({ droplet_ids: firewall.droplet_ids.filter((id) => !droplet_ids.includes(id)) }),
  );
  routes(
    "tags",
    tagsBody,
    (firewall, { tags }) => ({ tags: [...new Set([...firewall.tags, ...tags])] }),
    (firewall, { tags }) => ({ tags: firewall.tags.filter((tag) => !tags.includes(tag)) }),
  );
  routes(
    "rules",
    rulesBody,
    (firewall, rules) => ({
      inbound_rules: [...without(firewall.inbound_rules, rules.inbound_rules), ...rules.inbound_rules],
      outbound_rules: [...without(firewall.outbound_rules, rules.outbound_rules), ...rules.outbound_rules],
    }),
    (firewall, rules) => ({
      inbound_rules: without(firewall.inbound_rules, existing(firewall.inbound_rules, rules.inbound_rules)),
      outbound_rules: without(firewall.outbound_rules, existing(firewall.outbound_rules, rules.outbound_rules)),
    }),
  );
}

type Change<T> = (firewall: FirewallRecord, input: T) => Partial<FirewallRecord>;

const without = <T>(rules: readonly T[], removed: readonly T[]): T[] =>
  rules.filter((rule) => !removed.some((other) => isDeepStrictEqual(other, rule)));

function existing<T>(rules: readonly T[], removed: readonly T[]): readonly T[] {
  const missing = removed.find((rule) => !rules.some((other) => isDeepStrictEqual(other, rule)));
  if (missing !== undefined) throw unprocessable(`rule not found: ${JSON.stringify(missing)}`);
  return removed;
}

/** Load balancers. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { isDeepStrictEqual } from "node:util";
import { findRegion, regionView } from "../catalog/regions.js";
import { type Context, ensureNetwork, memberNetwork, privateAddress, publicAddress } from "../context.js";
import { targetDroplets } from "../desired.js";
import { notFound, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { LoadBalancerRecord, State } from "../state.js";
import { timestamp } from "../store.js";
import { parse, z } from "../validation.js";
import { forgetTarget } from "./firewallSchema.js";
import { checkDroplets, checkRules, settingsOf } from "./loadBalancerCheck.js";
import { dropletsBody, loadBalancerBody, type LoadBalancerInput, rulesBody } from "./loadBalancerSchema.js";

const names = z.union([z.string().transform((one) => [one]), z.array(z.string())]).optional();
const filter = z.object({ names, uuids: names });

type ById = { Params: { balancer: string } };

export function loadBalancerRoutes(app: FastifyInstance, context: Context): void {
  const { state, store, applier } = context;
  const view = (balancer: LoadBalancerRecord) => loadBalancerView(state, balancer);
  const byId = (request: { params: { balancer: string } }) => requireBalancer(state, request.params.balancer);
  const changed = (): void => {
    store.changed();
    applier.changed();
  };

  app.get("/v2/load_balancers", (request) => {
    const query = parse(filter, request.query);
    const wanted = state.loadBalancers.filter(
      (balancer) =>
        (!query.names || query.names.includes(balancer.name)) && (!query.uuids || query.uuids.includes(balancer.id)),
    );
    return listOf(request, "load_balancers", wanted, view);
  });

  app.post("/v2/load_balancers", async (request, reply) => {
    const input = parse(loadBalancerBody, request.body);
    const balancer = await create(context, input);
    if (!input.validate_only) {
      state.loadBalancers.push(balancer);
      changed();
    }
    return reply.status(202).send({ load_balancer: view(balancer) });
  });

  app.get<ById>("/v2/load_balancers/:balancer", (request) => ({ load_balancer: view(byId(request)) }));

  app.put<ById>("/v2/load_balancers/:balancer", (request) => {
    const balancer = byId(request);
    const input = parse(loadBalancerBody, request.body);
    const fixed = { region: balancer.region, network: balancer.network, type: balancer.type, vpc_uuid: balancer.vpcId };
    for (const [name, value] of Object.entries(fixed)) {
      const wanted = input[name as keyof typeof fixed];
      if (wanted && wanted !== value) throw unprocessable(`${name}: cannot be modified; it is ${value}, got ${wanted}`);
    }
    Object.assign(balancer, settingsOf(state, input, balancer.vpcId));
    changed();
    return { load_balancer: view(balancer) };
  });

  app.delete<ById>("/v2/load_balancers/:balancer", (request, reply) => {
    const balancer = byId(request);
    state.loadBalancers = state.loadBalancers.filter((other) => other !== balancer);
    forgetTarget(state.firewalls, "load_balancer_uids", balancer.id);
    changed();
    return reply.status(204).send();
  });

  app.delete<ById>("/v2/load_balancers/:balancer/cache", (request) => {
    byId(request);
    throw unprocessable("Only a global load balancer has a cache.");
  });

  /** A pair of routes: POST adds, DELETE removes. */
  const pair = <T>(
    path: string,
    schema: z.ZodType<T>,
    add: (balancer: LoadBalancerRecord, input: T) => void,
    remove: typeof add,
  ): void => {
    for (const [method, change] of [
      ["POST", add],
      ["DELETE", remove],
    ] as const) {
      app.route<ById>({
        method,
        url: `/v2/load_balancers/:balancer/${path}`,
        handler: (request, reply) => {
          change(byId(request), parse(schema, request.body));
          changed();
          return reply.status(204).send();
        },
      });
    }
  };
  const untagged = (balancer: LoadBalancerRecord): void => {
    if (balancer.tag !== "")
      throw unprocessable(
        `Droplets cannot be added or removed one by one: the load balancer is configured with the tag ${balancer.tag}`,
      );
  };
  pair(
    "droplets",
    dropletsBody,
    (balancer, { droplet_ids }) => {
      untagged(balancer);
      checkDroplets(state, droplet_ids, balancer.vpcId);
      balancer.droplet_ids = [...new Set([...balancer.droplet_ids, ...droplet_ids])];
    },
    (balancer, { droplet_ids }) => {
      untagged(balancer);
      balancer.droplet_ids = balancer.droplet_ids.filter((id) => !droplet_ids.includes(id));
    },
  );
  pair(
    "forwarding_rules",
    rulesBody,
    (balancer, { forwarding_rules }) => {
      const rules = [...balancer.forwarding_rules, ...forwarding_rules];
      checkRules(rules);
      balancer.forwarding_rules = rules;
    },
    (balancer, { forwarding_rules }) => {
      const rules = balancer.forwarding_rules.filter(
        (rule) => !forwarding_rules.some((removed) => isDeepStrictEqual(removed, rule)),
      );
      checkRules(rules);
      balancer.forwarding_rules = rules;
    },
  );
}

async function create(context: Context, input: LoadBalancerInput): Promise<LoadBalancerRecord> {
  const { state } = context;
  const vpcRegion = state.vpcs.find((vpc) => vpc.id === input.vpc_uuid)?.region;
  const region = input.region ?? vpcRegion;
  if (region === undefined || !findRegion(region))
    throw unprocessable(`region: "${region ?? ""}" is not a region; GET /v2/regions lists them`);
  const vpc = memberNetwork(context, input.vpc_uuid, region);
  settingsOf(state, input, vpc.id);
  await ensureNetwork(context, vpc);
  // Once more: what it names may have gone while the network was made.
  const settings = settingsOf(state, input, vpc.id);
  const network = input.network ?? "EXTERNAL";
  const privateIpv4 = privateAddress(context, vpc);
  return {
    id: randomUUID(),
    ...settings,
    region,
    network,
    type: input.type === "REGIONAL_NETWORK" ? "REGIONAL_NETWORK" : "REGIONAL",
    vpcId: vpc.id,
    ip: network === "EXTERNAL" ? publicAddress(context) : privateIpv4,
    privateIpv4,
    created_at: timestamp(),
    status: "new",
  };
}

function requireBalancer(state: State, id: string): LoadBalancerRecord {
  const balancer = state.loadBalancers.find((candidate) => candidate.id === id);
  if (!balancer) throw notFound();
  return balancer;
}

/** The address is known only when the load balancer is active. */
const loadBalancerView = (state: State, balancer: LoadBalancerRecord) => ({
  id: balancer.id,
  name: balancer.name,
  ip: balancer.status === "new" ? "" : balancer.ip,
  ipv6: "",
  size: "lb-small",
  size_unit: balancer.size_unit,
  type: balancer.type,
  algorithm: "round_robin",
  status: balancer.status,
  created_at: balancer.created_at,
  forwarding_rules: balancer.forwarding_rules,
  health_check: balancer.health_check,
  sticky_sessions: { type: "none" },
  region: regionView(balancer.region),
  tag: balancer.tag,
  droplet_ids: targetDroplets(state, balancer).map((droplet) => droplet.id),
  redirect_http_to_https: false,
  enable_proxy_protocol: false,
  enable_backend_keepalive: balancer.enable_backend_keepalive,
  vpc_uuid: balancer.vpcId,
  disable_lets_encrypt_dns_records: balancer.disable_lets_encrypt_dns_records,
  project_id: balancer.project_id,
  http_idle_timeout_seconds: balancer.http_idle_timeout_seconds,
  firewall: balancer.firewall,
  network: balancer.network,
  network_stack: "IPV4",
  tls_cipher_policy: balancer.tls_cipher_policy,
});

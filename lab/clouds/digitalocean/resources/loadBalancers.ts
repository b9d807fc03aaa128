/** Load balancers. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { findRegion, regionView } from "../catalog/regions.js";
import { type Context, memberNetwork, privateAddress, publicAddress } from "../context.js";
import { targetDroplets } from "../desired.js";
import { notFound, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { LoadBalancerRecord, LoadBalancerSettings, State } from "../state.js";
import { timestamp } from "../store.js";
import { parse } from "../validation.js";
import { forgetTarget } from "./firewallSchema.js";
import { fixedSettings, loadBalancerBody, type LoadBalancerInput } from "./loadBalancerSchema.js";

type ById = { Params: { balancer: string } };

export function loadBalancerRoutes(app: FastifyInstance, context: Context): void {
  const { state, applied } = context;
  const view = (balancer: LoadBalancerRecord) => loadBalancerView(state, balancer);
  const byId = (request: { params: { balancer: string } }) => requireBalancer(state, request.params.balancer);

  app.get("/v2/load_balancers", (request) => listOf(request, "load_balancers", state.loadBalancers, view));

  app.post("/v2/load_balancers", (request, reply) => {
    const input = parse(loadBalancerBody, request.body);
    freeName(state, input.name);
    const balancer = create(context, input);
    state.loadBalancers.push(balancer);
    applied.changed();
    return reply.status(202).send({ load_balancer: view(balancer) });
  });

  app.get<ById>("/v2/load_balancers/:balancer", (request) => ({ load_balancer: view(byId(request)) }));

  app.put<ById>("/v2/load_balancers/:balancer", (request) => {
    const balancer = byId(request);
    const input = parse(loadBalancerBody, request.body);
    const fixed = { region: balancer.region, network: balancer.network, vpc_uuid: balancer.vpcId };
    for (const [name, value] of Object.entries(fixed)) {
      const wanted = input[name as keyof typeof fixed];
      if (wanted && wanted !== value) throw unprocessable(`${name}: cannot be modified; it is ${value}, got ${wanted}`);
    }
    freeName(state, input.name, balancer);
    Object.assign(balancer, settingsOf(state, input, balancer.vpcId));
    applied.changed();
    return { load_balancer: view(balancer) };
  });

  app.delete<ById>("/v2/load_balancers/:balancer", (request, reply) => {
    const balancer = byId(request);
    state.loadBalancers = state.loadBalancers.filter((other) => other !== balancer);
    forgetTarget(state.firewalls, "load_balancer_uids", balancer.id);
    applied.changed();
    return reply.status(204).send();
  });
}

/** Names are the account's, in all regions. @throws ApiError 422 when another load balancer has it. */
function freeName(state: State, wanted: string, own?: LoadBalancerRecord): void {
  if (state.loadBalancers.some((other) => other !== own && other.name === wanted))
    throw unprocessable("name is not unique");
}

function create(context: Context, input: LoadBalancerInput): LoadBalancerRecord {
  const { state } = context;
  const vpcRegion = state.vpcs.find((vpc) => vpc.id === input.vpc_uuid)?.region;
  const region = input.region ?? vpcRegion;
  if (region === undefined || !findRegion(region))
    throw unprocessable(`region: "${region ?? ""}" is not a region; GET /v2/regions lists them`);
  const vpc = memberNetwork(context, input.vpc_uuid, region);
  const settings = settingsOf(state, input, vpc.id);
  const network = input.network ?? "EXTERNAL";
  const privateIpv4 = privateAddress(context, vpc);
  return {
    id: randomUUID(),
    ...settings,
    region,
    network,
    vpcId: vpc.id,
    ip: network === "EXTERNAL" ? publicAddress(context) : privateIpv4,
    privateIpv4,
    created_at: timestamp(),
    status: "new",
  };
}

/**
 * The settings that a request asks for.
 * @throws ApiError 422 when they contradict each other or name a droplet that does not exist or is elsewhere.
 */
function settingsOf(state: State, input: LoadBalancerInput, vpcId: string): LoadBalancerSettings {
  const { name, tag, droplet_ids, size_unit, forwarding_rules, health_check, firewall, network_stack } = input;
  if (tag !== "" && droplet_ids.length > 0) throw unprocessable("only one of droplet_ids or tag may be given");
  for (const id of droplet_ids) {
    const droplet = state.droplets.find((one) => one.id === id);
    if (!droplet) throw unprocessable(`droplet_ids: Droplet ${id} does not exist`);
    if (droplet.vpcId !== vpcId)
      throw unprocessable(`droplet_ids: Droplet ${id} is not in the load balancer's VPC ${vpcId}`);
  }
  return { name, tag, droplet_ids, size_unit, forwarding_rules, health_check, firewall, network_stack };
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
  algorithm: "round_robin",
  status: balancer.status,
  created_at: balancer.created_at,
  forwarding_rules: balancer.forwarding_rules,
  health_check: balancer.health_check,
  sticky_sessions: { type: "none" },
  region: regionView(balancer.region),
  tag: balancer.tag,
  droplet_ids: targetDroplets(state, balancer).map((droplet) => droplet.id),
  vpc_uuid: balancer.vpcId,
  project_id: state.account.project,
  firewall: balancer.firewall,
  network: balancer.network,
  network_stack: balancer.network_stack,
  ...fixedSettings,
});

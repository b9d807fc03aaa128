/** VPC networks. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import { line } from "../../../region/synchroniser.js";
import { contains, overlap, prefixLength } from "../../../../components/spec/cidr.js";
import { ipv4Network } from "../addresses.js";
import { findRegion } from "../catalog/regions.js";
import type { Context } from "../context.js";
import { forbidden, notFound, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { State, VpcRecord } from "../state.js";
import { timestamp } from "../store.js";
import { freeText, parse, z } from "../validation.js";

const name = z
  .string({ error: "name is required" })
  .min(1, "Name can't be blank")
  .regex(/^[a-zA-Z0-9\-.]+$/, "Name may only contain alphanumeric characters, dashes, and periods");
const description = freeText.pipe(z.string().max(255, "Description may be at most 255 characters"));
const create = z.object({
  name,
  description,
  region: z.string({ error: "region is required" }),
  ip_range: z.string({ error: "ip_range is required" }),
});
const update = z.object({ name, description });
const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
/** Ranges that the original keeps for itself. */
const reservedRanges = ["10.244.0.0/16", "10.245.0.0/16", "10.246.0.0/24", "10.229.0.0/16"];

type ById = { Params: { vpc: string } };

export function vpcRoutes(app: FastifyInstance, context: Context): void {
  const { state, store, tasks } = context;

  app.get("/v2/vpcs", (request) => listOf(request, "vpcs", state.vpcs, vpcView));

  app.post("/v2/vpcs", async (request, reply) => {
    const input = parse(create, request.body);
    if (!findRegion(input.region))
      throw unprocessable(`region: "${input.region}" is not a region; GET /v2/regions lists them`);
    freeName(state, input.name);
    const vpc: VpcRecord = {
      id: randomUUID(),
      name: input.name,
      description: input.description,
      region: input.region,
      ip_range: freeRange(state, input.ip_range),
      created_at: timestamp(),
      default: !state.vpcs.some((other) => other.region === input.region && other.default),
      implicit: false,
    };
    state.vpcs.push(vpc);
    store.changed();
    await tasks.applied(line.networks).catch((error: unknown) => {
      state.vpcs = state.vpcs.filter((other) => other !== vpc);
      throw error;
    });
    return reply.status(201).send({ vpc: vpcView(vpc) });
  });

  app.get<ById>("/v2/vpcs/:vpc", (request) => ({ vpc: vpcView(requireVpc(state, request.params.vpc)) }));

  app.put<ById>("/v2/vpcs/:vpc", (request) => {
    const vpc = requireVpc(state, request.params.vpc);
    const input = parse(update, request.body);
    if (input.name !== vpc.name) freeName(state, input.name);
    vpc.name = input.name;
    vpc.description = input.description;
    store.changed();
    return { vpc: vpcView(vpc) };
  });

  app.delete<ById>("/v2/vpcs/:vpc", async (request, reply) => {
    const vpc = requireVpc(state, request.params.vpc);
    if (vpc.default) throw forbidden("Can not delete default VPCs");
    if (hasMembers(state, vpc)) throw forbidden("Can not delete VPC with members");
    state.vpcs = state.vpcs.filter((other) => other !== vpc);
    store.changed();
    await tasks.applied(line.networks).catch((error: unknown) => {
      state.vpcs.push(vpc);
      throw error;
    });
    return reply.status(204).send();
  });
}

const vpcView = (vpc: VpcRecord) => ({
  id: vpc.id,
  urn: `do:vpc:${vpc.id}`,
  name: vpc.name,
  description: vpc.description,
  region: vpc.region,
  ip_range: vpc.ip_range,
  created_at: vpc.created_at,
  default: vpc.default,
});

function requireVpc(state: State, id: string): VpcRecord {
  const vpc = state.vpcs.find((candidate) => candidate.id === id);
  if (!vpc) throw notFound();
  return vpc;
}

const hasMembers = (state: State, vpc: VpcRecord): boolean =>
  [...state.droplets, ...state.loadBalancers].some((member) => member.vpcId === vpc.id);

function freeName(state: State, wanted: string): void {
  if (state.vpcs.some((vpc) => vpc.name === wanted))
    throw unprocessable(`name: a VPC named "${wanted}" exists already; names must be unique`);
}

/** @throws ApiError 422 unless the range is private, between /28 and /16, and free. */
function freeRange(state: State, text: string): string {
  const range = ipv4Network(text);
  if (!range || !text.includes("/"))
    throw unprocessable(`ip_range: "${text}" is not a range in CIDR notation, for instance 10.10.0.0/20`);
  if (prefixLength(range) < 16 || prefixLength(range) > 28)
    throw unprocessable(`ip_range: ${text} may not be smaller than /28 nor larger than /16`);
  if (!privateRanges.some((outer) => contains(outer, range))) {
    throw unprocessable(`ip_range: ${text} is not within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16`);
  }
  const reserved = reservedRanges.find((other) => overlap(other, range));
  if (reserved !== undefined) throw unprocessable(`ip_range: ${text} overlaps ${reserved}, which is reserved`);
  const other = state.vpcs.find((vpc) => overlap(vpc.ip_range, range));
  if (other)
    throw unprocessable(
      `This range/size overlaps with another VPC network in your account: ${other.ip_range} (${other.name})`,
    );
  return range;
}

/** Projects: groups of resources. What was moved to no other project belongs to the default one. */
import { randomUUID } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.js";
import { ApiError, conflict, notFound, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { ProjectRecord, State } from "../state.js";
import { timestamp } from "../store.js";
import { parse, z } from "../validation.js";

const text = (name: string, maximum: number) =>
  z.string({ error: `${name} is required` }).max(maximum, `${name}: at most ${maximum} characters`);
const environment = z.enum(["Development", "Staging", "Production", ""], {
  error: "environment: must be Development, Staging or Production",
});
const create = z.object({
  name: text("name", 175).min(1, "name is required"),
  description: text("description", 255).nullish(),
  purpose: text("purpose", 255).min(1, "purpose is required"),
  environment: environment.nullish(),
});
const change = z.object({
  name: text("name", 175).min(1).nullish(),
  description: text("description", 255).nullish(),
  purpose: text("purpose", 255).nullish(),
  environment: environment.nullish(),
  is_default: z.boolean().nullish(),
});
const assign = z.object({
  resources: z.array(z.string().regex(/^do:[a-z]+:.+/, 'resources: must be URNs such as "do:droplet:1"'), {
    error: "resources is required",
  }),
});

/** Where a kind of resource is found, by the middle part of its URN. */
const paths: Readonly<Record<string, string>> = {
  droplet: "droplets",
  volume: "volumes",
  loadbalancer: "load_balancers",
  reservedip: "reserved_ips",
};

type ById = { Params: { project: string } };

export function projectRoutes(app: FastifyInstance, context: Context): void {
  const { state, store } = context;
  const byId = (request: { params: { project: string } }): ProjectRecord => {
    const { project } = request.params;
    const found = state.projects.find((one) => (project === "default" ? one.is_default : one.id === project));
    if (!found) throw notFound();
    return found;
  };
  const view = ({ resources: _resources, ...project }: ProjectRecord) => ({
    owner_uuid: state.account.uuid,
    owner_id: 1,
    ...project,
  });

  app.get("/v2/projects", (request) => listOf(request, "projects", state.projects, view));
  app.get<ById>("/v2/projects/:project", (request) => ({ project: view(byId(request)) }));

  app.post("/v2/projects", (request, reply) => {
    const input = parse(create, request.body);
    if (state.projects.some((other) => other.name === input.name)) throw conflict("name is already in use");
    const now = timestamp();
    const project: ProjectRecord = {
      id: randomUUID(),
      name: input.name,
      description: input.description ?? "",
      purpose: input.purpose,
      environment: input.environment ?? "",
      is_default: false,
      created_at: now,
      updated_at: now,
      resources: {},
    };
    state.projects.push(project);
    store.changed();
    return reply.status(201).send({ project: view(project) });
  });

  app.route<ById>({
    method: ["PUT", "PATCH"],
    url: "/v2/projects/:project",
    handler: (request) => {
      const project = byId(request);
      const input = parse(change, request.body);
      if (state.projects.some((other) => other !== project && other.name === input.name))
        throw conflict("name is already in use");
      project.name = input.name ?? project.name;
      project.description = input.description ?? project.description;
      project.purpose = input.purpose ?? project.purpose;
      project.environment = input.environment ?? project.environment;
      if (input.is_default) for (const other of state.projects) other.is_default = other === project;
      project.updated_at = timestamp();
      store.changed();
      return { project: view(project) };
    },
  });

  app.delete<ById>("/v2/projects/:project", (request, reply) => {
    const project = byId(request);
    if (project.is_default) throw unprocessable("The default project cannot be deleted.");
    if (urnsOf(state, project).length > 0) throw new ApiError(412, "cannot delete a project with resources");
    state.projects = state.projects.filter((other) => other !== project);
    store.changed();
    return reply.status(204).send();
  });

  const resource = (urn: string, project: ProjectRecord, status: string) => {
    const [, kind = "", id = ""] = urn.split(":");
    return {
      urn,
      assigned_at: project.resources[urn] ?? project.created_at,
      links: { self: `${context.config.apiUrl}/v2/${paths[kind] ?? kind}/${id}` },
      status,
    };
  };
  app.get<ById>("/v2/projects/:project/resources", (request) => {
    const project = byId(request);
    return listOf(request, "resources", urnsOf(state, project), (urn) => resource(urn, project, "ok"));
  });
  app.post<ById>("/v2/projects/:project/resources", (request) => {
    const project = byId(request);
    const urns = parse(assign, request.body).resources;
    const known = new Set(allUrns(state));
    const resources = urns.map((urn) => {
      if (!known.has(urn)) return resource(urn, project, "not_found");
      const status = urnsOf(state, project).includes(urn) ? "already_assigned" : "assigned";
      for (const other of state.projects) delete other.resources[urn];
      project.resources[urn] = timestamp();
      return resource(urn, project, status);
    });
    store.changed();
    return { resources, links: {}, meta: { total: resources.length } };
  });
}

const allUrns = (state: State): string[] => [
  ...state.droplets.map((droplet) => `do:droplet:${droplet.id}`),
  ...state.volumes.map((volume) => `do:volume:${volume.id}`),
  ...state.loadBalancers.map((balancer) => `do:loadbalancer:${balancer.id}`),
  ...state.reservedIps.map((reserved) => `do:reservedip:${reserved.ip}`),
];

function urnsOf(state: State, project: ProjectRecord): string[] {
  const elsewhere = new Set(
    state.projects.filter((other) => other !== project).flatMap((other) => Object.keys(other.resources)),
  );
  return allUrns(state).filter((urn) => (project.is_default ? !elsewhere.has(urn) : urn in project.resources));
}

/** Droplets: create, show, delete. */
import type { FastifyInstance } from "fastify";
import { type Context, requireDroplet } from "../context.js";
import { notFound, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import { forgetDroplets } from "../recover.js";
import type { DropletRecord } from "../state.js";
import { numericId, parse } from "../validation.js";
import { actionLink, dropletView, imageSnapshotView } from "../views.js";
import { createOne, createSeveral, listQuery, tagQuery } from "./dropletSchema.js";
import { createDroplets } from "./dropletCreate.js";
import { firewallView } from "./firewalls.js";

type ById = { Params: { droplet: string } };

export function dropletRoutes(app: FastifyInstance, context: Context): void {
  const { state } = context;
  const view = (droplet: DropletRecord) => dropletView(context, droplet);
  const byId = (request: { params: { droplet: string } }): DropletRecord =>
    requireDroplet(context, numericId(request.params.droplet));

  app.get("/v2/droplets", (request) => {
    const query = parse(listQuery, request.query);
    if (query.tag_name !== undefined && (query.name !== undefined || query.type !== undefined)) {
      throw unprocessable("tag_name can not be combined with name or type");
    }
    const wanted = query.name?.toLowerCase();
    const droplets = state.droplets.filter(
      (droplet) =>
        query.type !== "gpus" &&
        (wanted === undefined || droplet.name.toLowerCase() === wanted) &&
        (query.tag_name === undefined || droplet.tags.includes(query.tag_name)),
    );
    return listOf(request, "droplets", droplets, view);
  });

  app.post("/v2/droplets", async (request, reply) => {
    const several = typeof request.body === "object" && request.body !== null && "names" in request.body;
    const input = several ? parse(createSeveral, request.body) : parse(createOne, request.body);
    const made = await createDroplets(context, "names" in input ? input.names : [input.name], input);
    const droplets = made.map(({ droplet }) => view(droplet));
    const links = { actions: made.map(({ action }) => actionLink(context, action, "create")) };
    return reply.status(202).send(several ? { droplets, links } : { droplet: droplets[0], links });
  });

  app.get<ById>("/v2/droplets/:droplet", (request) => ({ droplet: view(byId(request)) }));

  app.delete<ById>("/v2/droplets/:droplet", (request, reply) => {
    deleteDroplet(context, byId(request));
    return reply.status(204).send();
  });

  app.delete("/v2/droplets", (request, reply) => {
    const tag = parse(tagQuery, request.query).tag_name;
    if (!state.tags.includes(tag)) throw notFound();
    for (const droplet of state.droplets.filter((candidate) => candidate.tags.includes(tag)))
      deleteDroplet(context, droplet);
    return reply.status(204).send();
  });

  app.get<ById>("/v2/droplets/:droplet/kernels", (request) => {
    byId(request);
    return listOf(request, "kernels", [], (kernel) => kernel);
  });
  app.get<ById>("/v2/droplets/:droplet/backups", (request) => {
    byId(request);
    return listOf(request, "backups", [], (backup) => backup);
  });
  app.get<ById>("/v2/droplets/:droplet/snapshots", (request) => {
    const droplet = byId(request);
    return listOf(
      request,
      "snapshots",
      state.images.filter((image) => image.dropletId === droplet.id),
      ({ id, name, created_at, regions, min_disk_size, size_gigabytes }) => ({
        id,
        name,
        created_at,
        regions,
        min_disk_size: min_disk_size ?? 0,
        size_gigabytes: size_gigabytes ?? 0,
        type: "snapshot",
      }),
    );
  });
  app.get<ById>("/v2/droplets/:droplet/firewalls", (request) => {
    const droplet = byId(request);
    const mine = state.firewalls.filter(
      (firewall) =>
        firewall.droplet_ids.includes(droplet.id) || firewall.tags.some((tag) => droplet.tags.includes(tag)),
    );
    return listOf(request, "firewalls", mine, (firewall) => firewallView(context, firewall));
  });

  // All machines of a lab share one host.
  app.get<ById>("/v2/droplets/:droplet/neighbors", (request) => {
    const droplet = byId(request);
    return { droplets: state.droplets.filter((other) => other !== droplet).map(view) };
  });
  app.get("/v2/reports/droplet_neighbors_ids", () => ({
    neighbor_ids: state.droplets.length > 1 ? [state.droplets.map((droplet) => droplet.id)] : [],
  }));

  app.get<ById>("/v2/droplets/:droplet/destroy_with_associated_resources", (request) => {
    const droplet = byId(request);
    const resource = (id: string | number, name: string, cost: number) => ({
      id: String(id),
      name,
      cost: cost.toFixed(2),
    });
    const volumes = state.volumes.filter((volume) => volume.dropletId === droplet.id);
    const ids = volumes.map((volume) => volume.id);
    return {
      reserved_ips: [],
      floating_ips: [],
      snapshots: state.images
        .filter((image) => image.dropletId === droplet.id)
        .map(imageSnapshotView)
        .map((snapshot) => resource(snapshot.id, snapshot.name, snapshot.size_gigabytes * 0.06)),
      volumes: volumes.map((volume) => resource(volume.id, volume.name, volume.size_gigabytes * 0.1)),
      volume_snapshots: state.snapshots
        .filter((snapshot) => ids.includes(snapshot.resource_id))
        .map((snapshot) => resource(snapshot.id, snapshot.name, snapshot.size_gigabytes * 0.06)),
    };
  });
}

/**
 * Answers at once; the droplet stays listed, locked, until its machine is gone. Its firewalls hold until then, its volumes
 * stay in the account, and load balancers send it nothing more.
 */
function deleteDroplet(context: Context, droplet: DropletRecord): void {
  if (droplet.deleting) return;
  const { store, tasks, driver, applier } = context;
  droplet.deleting = true;
  store.changed();
  applier.changed();
  tasks.onDroplet("destroy", droplet, async () => {
    try {
      await driver.deleteDroplet(droplet.id);
    } catch (error) {
      droplet.deleting = false;
      applier.changed();
      throw error;
    }
    forgetDroplets(store, [droplet.id]);
    applier.changed();
  });
}

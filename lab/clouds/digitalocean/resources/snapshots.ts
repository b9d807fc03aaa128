/** Snapshots of droplets and volumes together, and those of volumes by their own address. */
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.js";
import { notFound } from "../errors.js";
import { listOf } from "../paging.js";
import { optionalText, parse, z } from "../validation.js";
import { imageSnapshotView, volumeSnapshotView } from "../views.js";

const filter = z.object({ resource_type: z.enum(["droplet", "volume"]).optional(), region: optionalText });

type ById = { Params: { snapshot: string } };

export function snapshotRoutes(app: FastifyInstance, { state, store }: Context): void {
  const ofDroplets = () => state.images.filter((image) => image.type === "snapshot").map(imageSnapshotView);
  const ofVolumes = () => state.snapshots.map(volumeSnapshotView);

  app.get("/v2/snapshots", (request) => {
    const { resource_type, region } = parse(filter, request.query);
    const all = [
      ...(resource_type === "volume" ? [] : ofDroplets()),
      ...(resource_type === "droplet" ? [] : ofVolumes()),
    ];
    return listOf(
      request,
      "snapshots",
      region === undefined ? all : all.filter((one) => one.regions.includes(region)),
      (one) => one,
    );
  });

  const show = (all: () => readonly { id: string }[]) => (request: { params: { snapshot: string } }) => {
    const snapshot = all().find((one) => one.id === request.params.snapshot);
    if (!snapshot) throw notFound();
    return { snapshot };
  };
  const remove = (id: string): void => {
    const before = state.images.length + state.snapshots.length;
    state.images = state.images.filter((image) => image.type !== "snapshot" || String(image.id) !== id);
    state.snapshots = state.snapshots.filter((snapshot) => snapshot.id !== id);
    if (state.images.length + state.snapshots.length === before) throw notFound();
    store.changed();
  };

  app.get<ById>(
    "/v2/snapshots/:snapshot",
    show(() => [...ofDroplets(), ...ofVolumes()]),
  );
  app.get<ById>("/v2/volumes/snapshots/:snapshot", show(ofVolumes));
  for (const url of ["/v2/snapshots/:snapshot", "/v2/volumes/snapshots/:snapshot"]) {
    app.delete<ById>(url, (request, reply) => {
      remove(request.params.snapshot);
      return reply.status(204).send();
    });
  }
}

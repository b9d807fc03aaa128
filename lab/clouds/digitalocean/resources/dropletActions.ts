/** Actions on droplets, on one or on all with a tag. */
import type { FastifyInstance } from "fastify";
import { findSize, knownSize } from "../catalog/sizes.js";
import { type Context, requireDroplet } from "../context.js";
import { dropletSpec, volumeSpec } from "../desired.js";
import { notFound, notOffered, pendingEvent, unprocessable } from "../errors.js";
import { listOf } from "../paging.js";
import type { ActionRecord, DropletRecord, ImageRecord } from "../state.js";
import { timestamp } from "../store.js";
import { numericId, parse } from "../validation.js";
import { actionView } from "../views.js";
import { bootableImage } from "./dropletCreate.js";
import { type ActionInput, actionBody, tagQuery } from "./dropletSchema.js";

type ById = { Params: { droplet: string } };

/** Actions that the original takes for a tag. */
const forTags = [
  "power_cycle",
  "power_on",
  "power_off",
  "shutdown",
  "enable_ipv6",
  "enable_backups",
  "disable_backups",
  "snapshot",
];

export function dropletActionRoutes(app: FastifyInstance, context: Context): void {
  const { state } = context;
  const byId = (request: { params: { droplet: string } }): DropletRecord =>
    requireDroplet(context, numericId(request.params.droplet));
  const actionsOf = (droplet: DropletRecord): ActionRecord[] =>
    state.actions.filter((action) => action.resource_type === "droplet" && action.resource_id === droplet.id);

  app.post<ById>("/v2/droplets/:droplet/actions", (request, reply) => {
    const droplet = byId(request);
    const input = parse(actionBody, request.body);
    return reply.status(201).send({ action: actionView(prepare(context, droplet, input)()) });
  });

  app.post("/v2/droplets/actions", (request, reply) => {
    const tag = parse(tagQuery, request.query).tag_name;
    const input = parse(actionBody, request.body);
    if (!forTags.includes(input.type))
      throw unprocessable(`type: ${input.type} cannot be done by tag, only ${forTags.join(", ")}`);
    // All are checked before the first is started.
    const starts = state.droplets
      .filter((droplet) => droplet.tags.includes(tag))
      .map((droplet) => prepare(context, droplet, input));
    return reply.status(201).send({ actions: starts.map((start) => actionView(start())) });
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

/**
 * Checks an action.
 * @returns what starts it.
 * @throws ApiError 422 when the droplet's state does not allow it.
 */
function prepare(context: Context, droplet: DropletRecord, input: ActionInput): () => ActionRecord {
  if (droplet.pending > 0) throw pendingEvent();
  if (droplet.failed) throw unprocessable("The Droplet could not be created; delete it and create it again.");
  const work = workOf(context, droplet, input);
  return () => context.tasks.onDroplet(input.type, droplet, work);
}

function workOf(context: Context, droplet: DropletRecord, input: ActionInput): () => Promise<void> {
  const { state, driver } = context;
  const spec = () => dropletSpec(state, droplet);
  switch (input.type) {
    case "power_on":
      if (droplet.status === "active") throw unprocessable("Droplet is already powered on.");
      return async () => {
        await driver.powerOn(spec());
        droplet.status = "active";
      };
    case "power_off":
    case "shutdown":
      if (droplet.status === "off") throw unprocessable("Droplet is already powered off.");
      return async () => {
        await (input.type === "power_off" ? driver.powerOff(droplet.id) : driver.shutdown(droplet.id));
        droplet.status = "off";
      };
    case "reboot":
      if (droplet.status === "off") throw unprocessable("Droplet is powered off; power it on instead.");
      return () => driver.reboot(spec());
    case "power_cycle":
      return async () => {
        await driver.powerOff(droplet.id);
        await driver.powerOn(spec());
        droplet.status = "active";
      };
    case "resize":
      return resize(droplet, input);
    case "rename":
      return async () => {
        droplet.name = input.name;
      };
    case "rebuild":
      return rebuild(context, droplet, bootableImage(state, input.image, droplet.region, knownSize(droplet.sizeSlug)));
    case "snapshot":
      return async () => {
        state.images.push(snapshotOf(context, droplet, input.name ?? `${droplet.name}-${Date.now()}`));
      };
    case "enable_backups":
    case "change_backup_policy":
      if (input.type === "change_backup_policy" && !droplet.backups)
        throw unprocessable("Backups are not enabled on this Droplet.");
      return async () => {
        droplet.backups = input.backup_policy ?? { plan: "daily", weekday: "SUN", hour: 0 };
      };
    case "disable_backups":
      return async () => {
        droplet.backups = null;
      };
    case "enable_ipv6":
    case "enable_private_networking":
    case "password_reset":
    case "restore":
    case "change_kernel":
      throw notOffered(`The action ${input.type}`, "create the Droplet anew with what it needs");
  }
}

function resize(droplet: DropletRecord, input: { size: string; disk: boolean }): () => Promise<void> {
  const size = findSize(input.size);
  if (!size) throw unprocessable(`size: "${input.size}" is not a size; GET /v2/sizes lists them`);
  if (size.slug === droplet.sizeSlug) throw unprocessable("Droplet is already of this size.");
  if (size.disk < droplet.disk) throw unprocessable("This size is not available because it has a smaller disk.");
  if (droplet.status !== "off") throw unprocessable("Droplet must be powered off before it can be resized.");
  return async () => {
    droplet.sizeSlug = size.slug;
    if (input.disk) droplet.disk = size.disk;
  };
}

/** A new machine in place of the old one: same id and addresses, new disk, same volumes. */
function rebuild({ state, driver }: Context, droplet: DropletRecord, image: ImageRecord): () => Promise<void> {
  return async () => {
    await driver.deleteDroplet(droplet.id);
    droplet.image = image;
    await driver.createDroplet(dropletSpec(state, droplet));
    droplet.status = "active";
    for (const volume of state.volumes.filter((one) => one.dropletId === droplet.id)) {
      await driver.attachVolume(volumeSpec(volume), droplet.id);
    }
  };
}

/** A snapshot is a record only: no data is copied, and no droplet can be made from it. */
const snapshotOf = ({ store }: Context, droplet: DropletRecord, name: string): ImageRecord => ({
  id: store.id(),
  name,
  type: "snapshot",
  distribution: droplet.image.distribution,
  slug: null,
  public: false,
  regions: [droplet.region],
  created_at: timestamp(),
  min_disk_size: droplet.disk,
  size_gigabytes: droplet.image.size_gigabytes ?? 0,
  description: "",
  tags: [],
  status: "available",
  error_message: "",
  dropletId: droplet.id,
});

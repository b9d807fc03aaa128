/** Making a droplet: what a request asks for is checked as a whole, then the machine is made in the background. */
import { findRegion } from "../catalog/regions.js";
import { findSize } from "../catalog/sizes.js";
import { type Context, ensureTags, memberNetwork, privateAddress, publicAddress } from "../context.js";
import { unprocessable } from "../errors.js";
import type { ActionRecord, DropletRecord, ImageRecord, State } from "../state.js";
import { timestamp } from "../store.js";
import { limitOf, offers } from "./account.js";
import type { DropletInput } from "./dropletSchema.js";
import { findImage } from "./images.js";
import { findKey } from "./keys.js";

export interface Made {
  readonly droplet: DropletRecord;
  readonly action: ActionRecord;
}

/** @throws ApiError 422 when anything that the request names does not exist, does not fit or is used up; then nothing was made. */
export function createDroplet(context: Context, input: DropletInput): Made {
  const { state, store } = context;
  const region = findRegion(input.region ?? "")?.slug;
  if (region === undefined) throw unprocessable("You specified an invalid region for Droplet creation.");
  const size = findSize(input.size);
  if (!size) throw unprocessable("You specified an invalid size for Droplet creation.");
  if (!offers(context, size.slug, region)) throw unprocessable("Size is not available in this region.");
  const image = bootableImage(state, input.image, region);
  const sshKeys = publicKeys(state, input.ssh_keys);
  const vpc = memberNetwork(context, input.vpc_uuid, region);
  const limit = limitOf(context);
  if (state.droplets.length >= limit) {
    throw unprocessable(`creating this/these droplet(s) will exceed your droplet limit of ${limit}; delete some first`);
  }
  const id = store.id();
  const droplet: DropletRecord = {
    id,
    name: input.name,
    region,
    sizeSlug: size.slug,
    image,
    created_at: timestamp(),
    status: "new",
    power: "on",
    publicIpv4: publicAddress(context),
    privateIpv4: privateAddress(context, vpc),
    vpcId: vpc.id,
    tags: ensureTags(context, input.tags),
    userData: store.keepUserData(input.user_data),
    sshKeys,
    monitoring: input.monitoring ?? false,
    pending: 0,
    deleting: false,
    failed: false,
  };
  state.droplets.push(droplet);
  const action = context.tasks.droplet("create", droplet);
  context.applied.changed();
  return { droplet, action };
}

function bootableImage(state: State, identifier: string | number, region: string): ImageRecord {
  const image = findImage(state, identifier);
  if (!image || (!image.public && typeof identifier === "string" && !/^\d+$/.test(identifier))) {
    throw unprocessable("You specified an invalid image for Droplet creation.");
  }
  if (image.status !== "available")
    throw unprocessable(`image: ${image.id} is ${image.status}; wait until it is available`);
  if (!image.regions.includes(region))
    throw unprocessable(`image: ${image.id} is not available in region ${region}, only in ${image.regions.join(", ")}`);
  return { ...image, regions: [...image.regions], tags: [...image.tags] };
}

function publicKeys(state: State, identifiers: readonly (string | number)[]): string[] {
  const unknown = identifiers.filter((identifier) => !findKey(state, identifier));
  if (unknown.length > 0)
    throw unprocessable(`${unknown.join(", ")} are invalid key identifiers for Droplet creation.`);
  return identifiers.flatMap((identifier) => findKey(state, identifier)?.public_key ?? []);
}

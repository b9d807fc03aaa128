/** Making a droplet: what a request asks for is checked as a whole, then the machine is made in the background. */
import { findRegion, regionSlugs } from "../catalog/regions.js";
import { findSize, type Size } from "../catalog/sizes.js";
import { type Context, ensureTags, memberNetwork, privateAddress, publicAddress } from "../context.js";
import { notOffered, unprocessable } from "../errors.js";
import type { ActionRecord, DropletRecord, ImageRecord, State, VolumeRecord } from "../state.js";
import { timestamp } from "../store.js";
import { dropletLimit } from "./account.js";
import type { DropletInput } from "./dropletSchema.js";
import { findImage } from "./images.js";
import { findKey } from "./keys.js";
import { maximumVolumes } from "./volumes.js";

export interface Made {
  readonly droplet: DropletRecord;
  readonly action: ActionRecord;
}

/** @throws ApiError 422 when anything that the request names does not exist, does not fit or is used up; then nothing was made. */
export function createDroplet(context: Context, input: DropletInput): Made {
  const { state, store } = context;
  const region = regionOf(input.region);
  const size = findSize(input.size);
  if (!size) throw unprocessable("You specified an invalid size for Droplet creation.");
  const image = bootableImage(state, input.image, region, size);
  const sshKeys = publicKeys(state, input.ssh_keys);
  if (input.public_networking === false)
    throw notOffered("public_networking: false", "leave it out, and close the droplet with a firewall");
  if (input.backups) throw notOffered("backups: true", "leave it out");
  if (input.ipv6 && image.type !== "base")
    throw unprocessable("ipv6: Droplets from custom images have no IPv6; leave it out");
  const vpc = memberNetwork(context, input.vpc_uuid, region);
  const volumes = freeVolumes(state, input.volumes, region);
  if (state.droplets.length >= dropletLimit) {
    throw unprocessable(
      `creating this/these droplet(s) will exceed your droplet limit of ${dropletLimit}; delete some first`,
    );
  }
  const id = store.id();
  const droplet: DropletRecord = {
    id,
    name: input.name,
    region,
    sizeSlug: size.slug,
    disk: size.disk,
    image,
    created_at: timestamp(),
    status: "new",
    power: "on",
    restarts: 0,
    abrupt: false,
    publicIpv4: publicAddress(context),
    privateIpv4: privateAddress(context, vpc),
    publicIpv6: input.ipv6 ? documentationAddress(id) : null,
    vpcId: vpc.id,
    tags: ensureTags(context, input.tags),
    userData: store.keepUserData(input.user_data),
    sshKeys,
    monitoring: input.monitoring,
    pending: 0,
    deleting: false,
    failed: false,
  };
  state.droplets.push(droplet);
  for (const volume of volumes) volume.dropletId = id;
  const action = context.tasks.droplet("create", droplet);
  context.applied.changed();
  return { droplet, action };
}

/** IPv6 is shown and not routed: an address of the range for documentation (RFC 3849). */
const documentationAddress = (id: number): string =>
  `2001:db8::${(id >>> 16).toString(16)}:${(id & 0xffff).toString(16)}`;

/** A slug, the beginning of one ("nyc"), or nothing for any region. */
function regionOf(wanted: string | undefined): string {
  const slug =
    wanted === undefined
      ? regionSlugs[0]
      : (findRegion(wanted)?.slug ?? regionSlugs.find((one) => /^[a-z]{3}$/.test(wanted) && one.startsWith(wanted)));
  if (slug === undefined) throw unprocessable("You specified an invalid region for Droplet creation.");
  return slug;
}

function bootableImage(state: State, identifier: string | number, region: string, size: Size): ImageRecord {
  const image = findImage(state, identifier);
  if (!image || (!image.public && typeof identifier === "string" && !/^\d+$/.test(identifier))) {
    throw unprocessable("You specified an invalid image for Droplet creation.");
  }
  if (image.status !== "available")
    throw unprocessable(`image: ${image.id} is ${image.status}; wait until it is available`);
  if (!image.regions.includes(region))
    throw unprocessable(`image: ${image.id} is not available in region ${region}, only in ${image.regions.join(", ")}`);
  if ((image.min_disk_size ?? 0) > size.disk)
    throw unprocessable(
      `size: ${size.slug} has a disk of ${size.disk} GB, image ${image.id} needs ${image.min_disk_size} GB`,
    );
  return { ...image, regions: [...image.regions], tags: [...image.tags] };
}

function publicKeys(state: State, identifiers: readonly (string | number)[]): string[] {
  const unknown = identifiers.filter((identifier) => !findKey(state, identifier));
  if (unknown.length > 0)
    throw unprocessable(`${unknown.join(", ")} are invalid key identifiers for Droplet creation.`);
  return identifiers.flatMap((identifier) => findKey(state, identifier)?.public_key ?? []);
}

function freeVolumes(state: State, wanted: DropletInput["volumes"], region: string): VolumeRecord[] {
  if (wanted.length > maximumVolumes)
    throw unprocessable(
      `volumes: at most ${maximumVolumes} volumes can be attached to a Droplet, got ${wanted.length}`,
    );
  return wanted.map((one) => {
    const volume = state.volumes.find((candidate) =>
      "id" in one ? candidate.id === one.id : candidate.name === one.name && candidate.region === region,
    );
    const label = "id" in one ? one.id : one.name;
    if (!volume || volume.busy) throw unprocessable(`volumes: volume ${label} does not exist`);
    if (volume.region !== region)
      throw unprocessable(`volumes: volume ${label} is in region ${volume.region}, the Droplet in ${region}`);
    if (volume.dropletId !== null)
      throw unprocessable(`volumes: volume ${label} is already attached to Droplet ${volume.dropletId}`);
    return volume;
  });
}
